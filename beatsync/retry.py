"""When a sync that the database refused starts again, and when written rows can be verified."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beatsync.sync_types import Progress

if TYPE_CHECKING:
    from beatsync.store import RetryableError, Store
    from beatsync.store.lock import Deadline

ATTEMPTS = 5
"""How often a sync starts again after a deadlock, and how often undone rows are written again."""
SETTLE = 0.15
"""Seconds from the commit to the verification. 99.9 % of beat's saves took less than a seventh of it with twice as many processes as
cores, and SQLite retries its lock at least every 0.1 s."""
_ROUND_TRIPS = 40
"""A save by beat takes four round trips from its read to its write; the verification waits for ten times as many."""
_LONGEST_SETTLE = 5.0
"""Upper limit in seconds, so that a stalled server does not delay the verification."""
MEETINGS = 20
"""How often a sync starts again because another one was faster. Each time one of them ends, so all of them end."""


def wait_for_saves(store: Store, settle: float) -> None:
    """Wait until a save that beat began before a commit has ended: at least `settle` seconds, and not at all for 0."""
    if settle > 0:
        time.sleep(max(settle, min(_ROUND_TRIPS * store.round_trip(), _LONGEST_SETTLE)))


class Retries:
    """The attempts of one sync. `lock_timeout` is in seconds, None for the default."""

    def __init__(self, store: Store, lock_timeout: float | None, progress: Progress) -> None:
        self._store = store
        self._lock_timeout = lock_timeout
        self._progress = progress
        self._attempts = self._meetings = 0
        self._deadline: Deadline | None = None

    def wait(self, error: RetryableError) -> None:
        """Return when the sync may start again, without a lock on any row. Raises `error`, or a newer one, if it may not."""
        from beatsync.store import RowsLocked, SyncedMeanwhile

        if isinstance(error, RowsLocked):
            self._store.wait_for_rows(error, self._rows_deadline(), lambda text: self._progress(text, 0, 0))
            return
        if isinstance(error, SyncedMeanwhile):
            self._meetings += 1
        else:
            self._attempts += 1
        if self._attempts >= ATTEMPTS or self._meetings >= MEETINGS:
            raise error

    def _rows_deadline(self) -> Deadline:
        """Return the end of all waits for rows. It counts from the first one, which has taken some seconds already."""
        from beatsync.store.lock import ROWS_WAIT, Deadline, rows_slice

        if self._deadline is None:
            total = ROWS_WAIT if self._lock_timeout is None else self._lock_timeout
            self._deadline = Deadline(total - rows_slice(self._lock_timeout))
        return self._deadline
