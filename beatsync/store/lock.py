"""The lock that syncs of one source take turns on: the source's own row, held by the transaction that writes."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from django.db import DatabaseError, IntegrityError, transaction

from beatsync.store import times
from beatsync.store.bulk import execute, fetch, insert
from beatsync.store.errors import LockHeld, RetryableError, StoreError
from beatsync.store.guarded import lock_refused, may_retry
from beatsync.store.tables import SOURCE

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_Value = TypeVar("_Value")
FOREVER = 1_000_000.0
"""Seconds; longer than any server's own limit on a connection, shorter than what any of them takes for an overflow."""
SQLITE_LEAST = 0.25
"""Seconds. SQLite has one lock for the whole file, which beat and the admin take for moments too."""
SLICE = 1.0
"""Seconds that a statement waits at a stretch. SQLite, mysqlclient and psycopg2 wait in C, where Python hears no Ctrl-C; and an
answer that nobody reads any more because of it, PyMySQL waits for before it rolls back."""


def claim(connection: BaseDatabaseWrapper, source: str, wait: float, holder: str) -> int:
    """Make sure that the row of `source` exists and note who is about to hold it, in a transaction of its own.

    Returns the row's id. Raises LockHeld. The note is written under the lock, so the real holder's is never overwritten.
    """
    ensure(connection, source, wait)
    with transaction.atomic(using=connection.alias):
        source_id = take(connection, source, wait)
        zone = times.zone_of(connection)
        now = times.write(datetime.now(timezone.utc), zone)
        execute(
            connection,
            f"UPDATE {SOURCE.name} SET holder = %s, held_at = %s WHERE id = %s",
            [holder[:200], now, source_id],
        )
    return source_id


def ensure(connection: BaseDatabaseWrapper, source: str, wait: float) -> None:
    """Make the row of `source` where there is none."""
    found = fetch(connection, f"SELECT name FROM {SOURCE.name} WHERE name = %s", [source])
    if found:
        same_name(source, found[0][0])
        return
    new = {"name": source, "revision_digest": "", "outcome": "", "message": "", "holder": ""}
    new |= {"suspended_by": "", "suspended_for": ""}
    try:
        with transaction.atomic(using=connection.alias):
            _in_slices(connection, wait, lambda: insert(connection, SOURCE, tuple(new), [tuple(new.values())]))
    except IntegrityError:
        return  # another BeatSync made it a moment ago
    except DatabaseError as error:
        if may_retry(error):
            raise LockHeld(source, None, None) from error
        raise


def same_name(source: str, known_as: object) -> None:
    """Raise StoreError where the database took the name of a source for that of another (FACTS 13)."""
    if known_as != source:
        raise StoreError(
            f"this database takes {source!r} and the source {known_as!r} for one name; call it {known_as!r}"
        )


def take(connection: BaseDatabaseWrapper, source: str, wait: float) -> int:
    """Take the lock as the first statement of the transaction and return the source's id. Raises LockHeld, RetryableError.

    On SQLite the statement is a write, because a transaction that begins by reading cannot start to write once
    somebody else has written meanwhile.
    """
    try:
        if connection.vendor == "sqlite":
            update = f"UPDATE {SOURCE.name} SET name = name WHERE name = %s"
            _in_slices(connection, wait, lambda: execute(connection, update, [source]))
            found = fetch(connection, f"SELECT id FROM {SOURCE.name} WHERE name = %s", [source])
        else:
            select = _select_for_update(connection, wait)
            found = _in_slices(connection, wait, lambda: fetch(connection, select, [source]))
    except DatabaseError as error:
        if lock_refused(error) or may_retry(error):
            raise LockHeld(source, None, None) from error
        raise
    if not found:
        raise RetryableError(f"the source {source!r} was taken out of the database meanwhile")
    return int(str(found[0][0]))


def _select_for_update(connection: BaseDatabaseWrapper, wait: float) -> str:
    # NO KEY: a foreign key that refers to this row may still be checked by others, so history can be written meanwhile.
    strength = "FOR NO KEY UPDATE" if connection.vendor == "postgresql" else "FOR UPDATE"
    nowait = " NOWAIT" if wait <= 0 else ""
    return f"SELECT id FROM {SOURCE.name} WHERE name = %s {strength}{nowait}"


def _in_slices(connection: BaseDatabaseWrapper, wait: float, statement: Callable[[], _Value]) -> _Value:
    """Return what comes of a statement that may wait for a lock; it is run again and again, so that Ctrl-C is heard in between."""
    deadline = Deadline(wait)
    while True:
        left = deadline.left()
        try:
            with _savepoint(connection), patience(connection, min(left, SLICE)):
                return statement()
        except DatabaseError as error:
            # SQLite refuses at once where waiting could never help.
            waited = left - deadline.left() > SLICE / 2
            if left <= SLICE or not waited or not may_retry(error):
                raise


def _savepoint(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """Return a savepoint for PostgreSQL, where a statement that fails takes the transaction along."""
    return transaction.atomic(using=connection.alias) if connection.vendor == "postgresql" else nullcontext()


@contextmanager
def patience(connection: BaseDatabaseWrapper, wait: float) -> Iterator[None]:
    """Let statements inside wait for a lock at most `wait` seconds, and put the connection's own limit back afterwards."""
    if connection.vendor == "postgresql":
        # Local to this transaction, and a savepoint that is rolled back takes it along.
        before = _scalar(connection, "SELECT current_setting('lock_timeout')")
        milliseconds = max(1, math.ceil(wait * 1000))
        execute(connection, "SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])
        yield
        execute(connection, "SELECT set_config('lock_timeout', %s, true)", [before])
    elif connection.vendor == "mysql":
        before = _scalar(connection, "SELECT @@SESSION.innodb_lock_wait_timeout")
        execute(connection, f"SET SESSION innodb_lock_wait_timeout = {max(1, math.ceil(wait))}")
        try:
            yield
        except DatabaseError:
            execute(connection, f"SET SESSION innodb_lock_wait_timeout = {int(before)}")
            raise
        # Not in a finally: Ctrl-C while the driver waits closes the connection, and a statement would hide it.
        execute(connection, f"SET SESSION innodb_lock_wait_timeout = {int(before)}")
    else:
        before = _scalar(connection, "PRAGMA busy_timeout")
        execute(connection, f"PRAGMA busy_timeout = {math.ceil(max(wait, SQLITE_LEAST) * 1000)}")
        try:
            yield
        finally:
            execute(connection, f"PRAGMA busy_timeout = {int(before)}")


def recorded_holder(connection: BaseDatabaseWrapper, source: str) -> tuple[str | None, datetime | None]:
    """Return who noted last that it holds the lock of `source`, and since when."""
    held_at = times.select(connection, "held_at")
    found = fetch(connection, f"SELECT holder, {held_at} FROM {SOURCE.name} WHERE name = %s", [source])
    if not found:
        return None, None
    holder, since = found[0]
    return str(holder) or None, times.read(None if since is None else str(since), times.zone_of(connection))


class Deadline:
    """How much of a wait is left; None is for ever."""

    def __init__(self, wait: float | None) -> None:
        self._end = time.monotonic() + (FOREVER if wait is None else max(0.0, wait))

    def left(self) -> float:
        """Return the seconds that are left, 0 when there are none."""
        return max(0.0, self._end - time.monotonic())


def _scalar(connection: BaseDatabaseWrapper, sql: str) -> str:
    return str(fetch(connection, sql)[0][0])
