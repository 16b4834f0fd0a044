"""A witness inside the database: triggers that record every written row and the leader at that time.

Rows that a test reads later may have been repaired already; the triggers record every committed state in order.
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
CREATE FUNCTION lab_note_write() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE written int; BEGIN
  written := (COALESCE(NEW.kwargs, OLD.kwargs)::json->>'revision')::int;
  INSERT INTO lab_writes (op, name, revision) VALUES (
    CASE WHEN TG_OP = 'UPDATE' AND NOT NEW.enabled THEN 'DISABLE' ELSE TG_OP END, COALESCE(NEW.name, OLD.name), written);
  PERFORM pg_notify('lab', written::text);
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
_POSTGRESQL_TEARDOWN = """
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
_MARIADB_TEARDOWN = (
    *(f"DROP TRIGGER lab_{witness_}" for witness_ in ("INSERT", "UPDATE", "DELETE", "sync")),
    "DROP TABLE lab_writes, lab_syncs",
)


@dataclass(frozen=True)
class Sync:
    """A sync with changes: its actor, the holder of the lease at that time, and its commit."""

    actor: str
    leader: str | None
    git: str | None


class Witness:
    """Reads what the triggers recorded."""

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
        """Return the written revisions in order; consecutive writes of the same revision count once."""
        return [
            witness_
            for witness_, _ in groupby(row[0] for row in self.rows("SELECT revision FROM lab_writes ORDER BY id"))
        ]

    def live(self) -> Counter[int]:
        """Return the number of rows of each revision now."""
        field = "kwargs::json->>'revision'" if self._is_postgresql else "JSON_VALUE(kwargs, '$.revision')"
        counts = self.rows(f"SELECT {field}, COUNT(*) FROM django_celery_beat_periodictask GROUP BY 1")
        return Counter({int(revision): number for revision, number in counts})

    def states(self) -> Iterator[tuple[int, Counter[int], list[str]]]:
        """Yield each committed state: its transaction, the number of rows of each revision, and the names that it pruned."""
        rows: dict[str, int] = {}
        recorded = self.rows("SELECT tx, op, name, revision FROM lab_writes ORDER BY id")
        for tx, writes in groupby(recorded, key=lambda row: row[0]):
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
    """Install the triggers in a database while the body runs."""
    setup, teardown = (
        ((_POSTGRESQL,), (_POSTGRESQL_TEARDOWN,)) if backend.name == "postgresql" else (_MARIADB, _MARIADB_TEARDOWN)
    )
    installed = Witness(backend)
    with connections[backend.alias].cursor() as cursor:
        for sql in setup:
            cursor.execute(sql)
    try:
        yield installed
    finally:
        with connections[backend.alias].cursor() as cursor:
            for sql in teardown:
                cursor.execute(sql)


class CommitListener:
    """Listens to PostgreSQL for the commit of a revision."""

    def __init__(self, url: str) -> None:
        self._session = psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True)
        self._session.execute("LISTEN lab")

    def close(self) -> None:
        self._session.close()

    def until(self, revision: int, seconds: float) -> float | None:
        """Return when a revision was committed, by this process's monotonic clock; None if it was not within `seconds`."""
        deadline = time.monotonic() + seconds
        while (remaining := deadline - time.monotonic()) > 0:
            select.select([self._session.pgconn.socket], [], [], remaining)
            now = time.monotonic()
            self._session.pgconn.consume_input()
            while (notification := self._session.pgconn.notifies()) is not None:
                if notification.extra == b"%d" % revision:
                    return now
        return None
