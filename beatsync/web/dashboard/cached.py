"""Values that take seconds to compute from 100,000 rows: computed in the background, and kept for a time that depends on their cost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Condition, Thread
from typing import Generic, TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")
LIFETIME = 10
"""A value that seems unchanged is kept for this many times its computation: at most a tenth of a processor is spent."""
LIFETIME_CHANGED = 2
"""The same factor if something has changed."""
FIRST_WAIT = 1.0
"""Seconds that a reader waits for the first value."""
WAIT = 0.1
"""Seconds that a reader waits for a newer value."""


class Cached(Generic[T]):
    """A value that any thread may read."""

    def __init__(self, compute: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        """`compute` is called in a separate thread; `clock` is in seconds."""
        self._compute = compute
        self._clock = clock
        self._changed = Condition()
        self._is_running = False
        self._value: T | None = None
        self._error: Exception | None = None
        self._mark: object = None
        self._computed_at = self._seconds = 0.0

    def get(self, mark: object) -> T | None:
        """Return the value, which may be old; None before the first one. Raises what the first computation raised.

        `mark` differs from that of the last call if the value has probably changed. A newer value is computed if it is due, and waited for briefly.
        """
        with self._changed:
            if not self._is_running and self._is_due(mark):
                self._is_running = True
                Thread(target=self._run, args=(mark,), name="dashboard", daemon=True).start()
            wait = FIRST_WAIT if self._value is None else WAIT
            self._changed.wait_for(lambda: not self._is_running, wait)
            if self._value is None and self._error is not None:
                raise self._error
            return self._value

    def _is_due(self, mark: object) -> bool:
        if self._value is None:
            return True
        factor = LIFETIME if mark == self._mark else LIFETIME_CHANGED
        return self._clock() - self._computed_at > factor * self._seconds

    def _run(self, mark: object) -> None:
        started = self._clock()
        value, error = self._value, None
        try:
            value = self._compute()
        except Exception as raised:  # noqa: BLE001  it is raised where the value is read
            error = raised
        if error is not None and value is not None:
            log.warning("the dashboard shows older values: %s", error)
        with self._changed:
            self._value, self._error, self._mark = value, error, mark
            self._computed_at = self._clock()
            self._seconds = self._computed_at - started
            self._is_running = False
            self._changed.notify_all()
