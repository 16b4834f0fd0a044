"""The lock that syncs of one source take: the source's own row, locked by the transaction that writes."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, transaction

from beatsync.store import sources, times
from beatsync.store.dialects import Dialect
from beatsync.store.errors import LockHeld, RetryableError
from beatsync.store.tables import SOURCE

_Value = TypeVar("_Value")
FOREVER = 1_000_000.0
"""Seconds; longer than any server's limit on a connection, shorter than what any of them refuses as too large."""
SLICE = 1.0
"""Seconds that one statement waits. SQLite, mysqlclient and psycopg2 wait in C, where Python does not see Ctrl-C; and PyMySQL waits
for the answer of an interrupted statement before it rolls back."""


def claim(db: Dialect, source: str, wait: float, holder: str) -> None:
    """Create the row of `source` if it is missing and record its next holder, in a transaction of its own. Raises LockHeld.

    The holder is written under the lock, so that of a sync at work is never overwritten.
    """
    ensure(db, source, wait)
    with transaction.atomic(using=db.connection.alias):
        source_id = take(db, source, wait)
        held_at = times.write(datetime.now(timezone.utc), db.zone)
        sources.write(db, source_id, {"holder": holder[:200], "held_at": held_at})


def ensure(db: Dialect, source: str, wait: float) -> None:
    """Create the row of `source` if it is missing."""
    rows = db.fetch(f"SELECT name FROM {SOURCE.name} WHERE name = %s", [source])
    if rows:
        sources.check_name(source, rows[0][0])
        return
    texts = ("revision_digest", "outcome", "message", "holder", "suspended_by", "suspended_for")
    row = {"name": source, **dict.fromkeys(texts, "")}
    try:
        with transaction.atomic(using=db.connection.alias):
            _in_slices(db, wait, lambda: db.insert(SOURCE, tuple(row), [tuple(row.values())]))
    except IntegrityError:
        return  # another BeatSync created it in between
    except DatabaseError as error:
        if db.is_retryable(error):
            raise LockHeld(source, None, None) from error
        raise


def take(db: Dialect, source: str, wait: float) -> int:
    """Take the lock as the first statement of the transaction and return the source's id. Raises LockHeld, RetryableError."""
    try:
        source_id = _in_slices(db, wait, lambda: db.lock_source(SOURCE, source, nowait=wait <= 0))
    except DatabaseError as error:
        if db.is_lock_timeout(error) or db.is_retryable(error):
            raise LockHeld(source, None, None) from error
        raise
    if source_id is None:
        raise RetryableError(f"the source {source!r} was deleted from the database in between")
    return source_id


def _in_slices(db: Dialect, wait: float, statement: Callable[[], _Value]) -> _Value:
    """Return the result of a statement that may wait for a lock. It is repeated, so that Ctrl-C is seen in between."""
    deadline = Deadline(wait)
    while True:
        remaining = deadline.remaining()
        try:
            with db.savepoint(), db.lock_timeout(min(remaining, SLICE)):
                return statement()
        except DatabaseError as error:
            # SQLite refuses at once where waiting cannot help.
            waited = remaining - deadline.remaining() > SLICE / 2
            if remaining <= SLICE or not waited or not db.is_retryable(error):
                raise


def recorded_holder(db: Dialect, source: str) -> tuple[str | None, datetime | None]:
    """Return who recorded last that it holds the lock of `source`, and since when."""
    held_at = db.datetime_text("held_at")
    for holder, since in db.fetch(f"SELECT holder, {held_at} FROM {SOURCE.name} WHERE name = %s", [source]):
        return holder or None, times.read(since, db.zone)
    return None, None


class Deadline:
    """The end of a wait of some seconds; None waits for ever."""

    def __init__(self, wait: float | None) -> None:
        self._end = time.monotonic() + (FOREVER if wait is None else max(0.0, wait))

    def remaining(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self._end - time.monotonic())
