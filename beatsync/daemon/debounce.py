"""Combines a burst of triggers into one: a debouncer that any thread may trigger and one thread waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import NamedTuple

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class QuietPeriod:
    """How long to wait for further triggers, in seconds."""

    seconds: float = 0.5
    max_delay: float = 5.0

    def end(self, first: float, last: float) -> float:
        """Return when a burst ends whose first and last trigger were at these times."""
        return min(last + self.seconds, first + self.max_delay)


class Burst(NamedTuple):
    """The triggers that arrived since the last wait."""

    reasons: tuple[str, ...] = ()
    is_full: bool = False
    """Whether one of them requires a full comparison of files and rows."""


class Debouncer:
    """Triggered from any thread; waited for by one."""

    def __init__(self, quiet_period: QuietPeriod, clock: Monotonic = time.monotonic) -> None:
        self._quiet_period = quiet_period
        self._clock = clock
        self._changed = Condition()
        self._pending = Burst()
        self._first = self._last = 0.0
        self.is_closed = False

    def trigger(self, reason: str, *, full: bool = False) -> None:
        """Report that something may have changed. Repeated triggers have no further effect."""
        with self._changed:
            self._last = self._clock()
            reasons, is_full = self._pending
            if not reasons:
                self._first = self._last
            self._pending = Burst(reasons if reason in reasons else (*reasons, reason), is_full or full)
            self._changed.notify()

    def close(self) -> None:
        """Wake the waiting thread for good."""
        with self._changed:
            self.is_closed = True
            self._changed.notify()

    def wait(self, until: float) -> Burst:
        """Wait for the end of a burst, or until the time `until` without any trigger, and return the burst.

        It has no reasons after `until`, or if the debouncer was closed.
        """
        with self._changed:
            while not self.is_closed:
                end = self._quiet_period.end(self._first, self._last) if self._pending.reasons else until
                remaining = end - self._clock()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            burst, self._pending = self._pending, Burst()
            return burst
