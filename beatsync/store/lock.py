"""The lock that syncs of one source take: the source's own row, locked by the transaction that writes."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from django.db import DatabaseError, IntegrityError

from beatsync.store import sources, times
from beatsync.store.dialects import Dialect
from beatsync.store.errors import LockHeld, RetryableError, RowsLocked
from beatsync.store.tables import BEAT_TABLES, NOTICE, SOURCE

_Value = TypeVar("_Value")
FOREVER = 1_000_000.0
"""Seconds; longer than any server's limit on a connection, shorter than what any of them refuses as too large."""
SLICE = 1.0
"""Seconds that one statement waits. SQLite, mysqlclient and psycopg2 wait in C, where Python does not see Ctrl-C; and PyMySQL waits
for the answer of an interrupted statement before it rolls back."""
ROWS_WAIT = 30.0
"""Seconds that a sync without a lock timeout waits in total for rows that another transaction holds."""
ROWS_SLICE = 1.0
"""Seconds that a statement waits for such a row. The rows that are written already are locked meanwhile, and beat waits for them."""
LEAST_ROWS_WAIT = 0.25
"""Seconds that a sync waits for such a row even if it shall not wait: beat holds a row for some milliseconds when it saves it."""
REPORT_AFTER = 3.0
"""Seconds of a wait after which it is reported."""
RECENT = timedelta(minutes=5)
"""How long ago the holder of SQLite's lock may have been recorded: the file's lock may be another program's."""
Report = Callable[[str], None]
"""Receives what a sync waits for."""


def claim(db: Dialect, source: str, wait: float, holder: str, report: Report | None = None) -> None:
    """Create the row of `source` if it is missing and record its next holder, in a separate transaction. Raises LockHeld.

    The holder is written under the lock, so that of a sync at work is never overwritten.
    """
    ensure(db, source, wait)
    with db.begin():
        source_id = take(db, source, wait, report)
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
        with db.begin():
            _in_slices(db, wait, lambda: db.insert(SOURCE, tuple(row), [tuple(row.values())]))
    except IntegrityError:
        return  # another BeatSync created it in between
    except DatabaseError as error:
        if db.is_lock_timeout(error):
            raise LockHeld(source, None, None) from error
        raise


def take(db: Dialect, source: str, wait: float, report: Report | None = None) -> int:
    """Take the lock as the first statement of the transaction and return the source's id. Raises LockHeld, RetryableError."""
    try:
        source_id = _in_slices(db, wait, lambda: db.lock_source(SOURCE, source, nowait=wait <= 0), report)
    except DatabaseError as error:
        if db.is_lock_timeout(error):
            raise LockHeld(source, None, None) from error
        raise
    if source_id is None:
        raise RetryableError(f"the source {source!r} was deleted from the database in between")
    return source_id


def _in_slices(db: Dialect, wait: float, statement: Callable[[], _Value], report: Report | None = None) -> _Value:
    """Return the result of a statement that may wait for a lock. It is repeated, so that Ctrl-C is seen in between."""
    deadline, started = Deadline(wait), time.monotonic()
    while True:
        remaining = deadline.remaining()
        try:
            with db.savepoint(), db.lock_timeout(min(remaining, SLICE)):
                return statement()
        except DatabaseError as error:
            # SQLite refuses at once where waiting cannot help.
            waited = remaining - deadline.remaining() > SLICE / 2
            if remaining <= SLICE or not waited or not db.is_lock_timeout(error):
                raise
        if report is not None and time.monotonic() - started > REPORT_AFTER:
            # Asked in the transaction that waits. SQLite could not write after such a read, and tells nothing.
            blockers = db.blockers([SOURCE.name])
            report(f"waiting for the lock of the source{f': {blockers} may hold it' if blockers else ''}")


def rows_slice(wait: float | None) -> float:
    """Return how many seconds a statement under the lock waits for a row, if a sync waits for `wait` seconds."""
    return ROWS_SLICE if wait is None else min(ROWS_SLICE, max(wait, LEAST_ROWS_WAIT))


def blockers(db: Dialect) -> str:
    """Return which sessions may hold rows of django-celery-beat."""
    return db.blockers(table.name for table in BEAT_TABLES)


def wait_for_rows(db: Dialect, error: RowsLocked, deadline: Deadline, report: Report) -> None:
    """Wait until beat's notice row is free, without a lock on any row. Raises the newest RowsLocked at the deadline.

    Every save of a task in the admin holds that row, so it is free when the save has ended. If it is free at once, the wait is for
    a task row, and nothing tells when that one is free: return after a second.
    """
    while deadline.remaining() > 0:
        report(f"waiting: {error}")
        started, seconds = time.monotonic(), min(SLICE, deadline.remaining())
        try:
            with db.readable_errors(), db.begin(), db.lock_timeout(seconds):
                db.fetch(f"SELECT ident FROM {NOTICE.name}{db.row_lock}")
        except RowsLocked as newest:
            error = newest.held_by(blockers(db))
            continue
        if time.monotonic() - started < SLICE / 10:
            time.sleep(seconds)
        return
    raise error


def lock_held(db: Dialect, source: str) -> LockHeld:
    """Return the error for a lock that was not granted, with its holder as far as the database tells."""
    holder, since = _recorded_holder(db, source)
    if db.serves_many_writers:
        blockers = "" if holder else db.blockers([SOURCE.name])
        return LockHeld(source, holder, since, f"{blockers} may hold the lock of source {source!r}" if blockers else "")
    if since is None or datetime.now(timezone.utc) - since > RECENT:
        return LockHeld(source, None, None, f"{db.describe()}: {db.lock_timeout_message}")
    return LockHeld(source, holder, since)


def _recorded_holder(db: Dialect, source: str) -> tuple[str | None, datetime | None]:
    """Return who recorded last that it holds the lock of `source`, and since when."""
    held_at = db.datetime_text("held_at")
    sql = f"SELECT holder, {held_at} FROM {SOURCE.name} WHERE name = %s"
    # While another process commits, SQLite cannot be read.
    with suppress(DatabaseError), db.lock_timeout(0):
        for holder, since in db.fetch(sql, [source]):
            return (holder, times.read(since, db.zone)) if holder else (None, None)
    return None, None


class Deadline:
    """The end of a wait of some seconds; None waits for ever."""

    def __init__(self, wait: float | None) -> None:
        self._end = time.monotonic() + (FOREVER if wait is None else max(0.0, wait))

    def remaining(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self._end - time.monotonic())
