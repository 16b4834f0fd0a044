"""A witness inside the database: triggers that note every row that is written and who leads at that instant.

What a test reads afterwards may long have been put right; what the triggers noted is every committed state, in its order.
"""

from __future__ import annotations

import select
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import psycopg
from django.db import connections

from tests.conftest import Backend

_POSTGRESQL = """
CREATE TABLE lab_writes (id bigserial PRIMARY KEY, tx bigint DEFAULT txid_current(), op text, name text, revision int);
CREATE TABLE lab_syncs (id bigserial PRIMARY KEY, actor text, leader text, revision_git text);
CREATE FUNCTION lab_note_write() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE said int; BEGIN
  said := (COALESCE(NEW.kwargs, OLD.kwargs)::json->>'revision')::int;
  INSERT INTO lab_writes (op, name, revision) VALUES (
    CASE WHEN TG_OP = 'UPDATE' AND NOT NEW.enabled THEN 'DISABLE' ELSE TG_OP END, COALESCE(NEW.name, OLD.name), said);
  PERFORM pg_notify('lab', said::text);
  RETURN NULL; END $$;
CREATE TRIGGER lab_write AFTER INSERT OR UPDATE OR DELETE ON django_celery_beat_periodictask
  FOR EACH ROW EXECUTE FUNCTION lab_note_write();
CREATE FUNCTION lab_note_sync() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO lab_syncs (actor, leader, revision_git) SELECT NEW.actor, max(l.holder), NEW.revision_git
    FROM beatsync_lease l JOIN beatsync_source s ON s.name = l.source
    WHERE s.id = NEW.source_id AND l.expires_at > extract(epoch FROM clock_timestamp());
  RETURN NULL; END $$;
CREATE TRIGGER lab_sync AFTER INSERT ON beatsync_syncrecord
  FOR EACH ROW WHEN (NEW.outcome = 'applied') EXECUTE FUNCTION lab_note_sync()
"""
_POSTGRESQL_GONE = """
DROP TRIGGER lab_write ON django_celery_beat_periodictask;
DROP TRIGGER lab_sync ON beatsync_syncrecord;
DROP FUNCTION lab_note_write, lab_note_sync;
DROP TABLE lab_writes, lab_syncs
"""
_NOTE_WRITE = (
    "CREATE TRIGGER lab_{op} AFTER {op} ON django_celery_beat_periodictask FOR EACH ROW INSERT INTO lab_writes"
    " (tx, op, name, revision) VALUES (CONNECTION_ID(), '{op}', {row}.name, JSON_VALUE({row}.kwargs, '$.revision'))"
)
_NOTE_SYNC = (
    "CREATE TRIGGER lab_sync AFTER INSERT ON beatsync_syncrecord FOR EACH ROW INSERT INTO lab_syncs"
    " (actor, leader, revision_git) SELECT NEW.actor, max(l.holder), NEW.revision_git FROM beatsync_lease l"
    " JOIN beatsync_source s ON s.name = l.source WHERE NEW.outcome = 'applied' AND s.id = NEW.source_id"
    " AND l.expires_at > CAST(UNIX_TIMESTAMP(SYSDATE(6)) AS DOUBLE) HAVING COUNT(*) > 0"
)
_MARIADB = (
    "CREATE TABLE lab_writes (id bigint AUTO_INCREMENT PRIMARY KEY, tx bigint, op text, name text, revision int)",
    "CREATE TABLE lab_syncs (id bigint AUTO_INCREMENT PRIMARY KEY, actor text, leader text, revision_git text)",
    *(_NOTE_WRITE.format(op=op, row="OLD" if op == "DELETE" else "NEW") for op in ("INSERT", "UPDATE", "DELETE")),
    _NOTE_SYNC,
)
_MARIADB_GONE = (
    *(f"DROP TRIGGER lab_{one}" for one in ("INSERT", "UPDATE", "DELETE", "sync")),
    "DROP TABLE lab_writes, lab_syncs",
)


@dataclass(frozen=True)
class Sync:
    """One sync that changed something: who did it, who led by the lease at that instant, and of which commit it was."""

    actor: str
    leader: str | None
    git: str | None


class Witness:
    """What the triggers noted."""

    def __init__(self, backend: Backend) -> None:
        self._alias = backend.alias
        self._is_postgresql = backend.name == "postgresql"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with connections[self._alias].cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def syncs(self) -> list[Sync]:
        return [Sync(*row) for row in self.rows("SELECT actor, leader, revision_git FROM lab_syncs ORDER BY id")]

    def revisions(self) -> list[int]:
        """Return which revisions were written, in their order; one that is written in several pieces counts once."""
        return [one for one, _ in groupby(row[0] for row in self.rows("SELECT revision FROM lab_writes ORDER BY id"))]

    def live(self) -> Counter[int]:
        """Return how many rows say which revision now."""
        field = "kwargs::json->>'revision'" if self._is_postgresql else "JSON_VALUE(kwargs, '$.revision')"
        found = self.rows(f"SELECT {field}, COUNT(*) FROM django_celery_beat_periodictask GROUP BY 1")
        return Counter({int(revision): number for revision, number in found})

    def states(self) -> Iterator[tuple[int, Counter[int], list[str]]]:
        """Yield each committed state: its transaction, how many rows say which revision, and what was pruned in it."""
        rows: dict[str, int] = {}
        found = self.rows("SELECT tx, op, name, revision FROM lab_writes ORDER BY id")
        for tx, writes in groupby(found, key=lambda row: row[0]):
            pruned = []
            for _, op, name, revision in writes:
                if op in {"DELETE", "DISABLE"}:
                    pruned.append(name)
                if op == "DELETE":
                    rows.pop(name, None)
                else:
                    rows[name] = revision
            yield int(tx), Counter(rows.values()), pruned


@contextmanager
def witness(backend: Backend) -> Iterator[Witness]:
    """Put the triggers into a database while the body runs."""
    make, gone = ((_POSTGRESQL,), (_POSTGRESQL_GONE,)) if backend.name == "postgresql" else (_MARIADB, _MARIADB_GONE)
    one = Witness(backend)
    with connections[backend.alias].cursor() as cursor:
        for sql in make:
            cursor.execute(sql)
    try:
        yield one
    finally:
        with connections[backend.alias].cursor() as cursor:
            for sql in gone:
                cursor.execute(sql)


class Ear:
    """Hears on PostgreSQL which revision was committed, at the instant of its commit."""

    def __init__(self, url: str) -> None:
        self._session = psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True)
        self._session.execute("LISTEN lab")

    def close(self) -> None:
        self._session.close()

    def until(self, revision: int, seconds: float) -> float | None:
        """Wait for a revision, and return when it was committed, by this process's monotonic clock; None where it never was."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            select.select([self._session.pgconn.socket], [], [], left)
            now = time.monotonic()
            self._session.pgconn.consume_input()
            while (told := self._session.pgconn.notifies()) is not None:
                if told.extra == b"%d" % revision:
                    return now
        return None
