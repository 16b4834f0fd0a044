"""Combines a burst of triggers into one: a debouncer that any thread may trigger and one thread waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class QuietPeriod:
    """How long to wait for further triggers, in seconds."""

    seconds: float = 0.5
    max_delay: float = 5.0

    def end(self, first: float, last: float) -> float:
        """Return when a burst ends whose first and last trigger were at these times."""
        return min(last + self.seconds, first + self.max_delay)


class Debouncer:
    """Triggered from any thread; waited for by one."""

    def __init__(self, quiet_period: QuietPeriod, clock: Monotonic = time.monotonic) -> None:
        self._quiet_period = quiet_period
        self._clock = clock
        self._changed = Condition()
        self._reasons: list[str] = []
        self._first = self._last = 0.0
        self.is_closed = False

    def trigger(self, reason: str) -> None:
        """Report that something may have changed. Repeated triggers have no further effect."""
        with self._changed:
            self._last = self._clock()
            if not self._reasons:
                self._first = self._last
            if reason not in self._reasons:
                self._reasons.append(reason)
            self._changed.notify()

    def close(self) -> None:
        """Wake the waiting thread for good."""
        with self._changed:
            self.is_closed = True
            self._changed.notify()

    def wait(self, until: float) -> tuple[str, ...]:
        """Wait for the end of a burst, or until the time `until` without any trigger. Return the reasons of the triggers.

        The result is empty after `until`, or if the debouncer was closed.
        """
        with self._changed:
            while not self.is_closed:
                end = self._quiet_period.end(self._first, self._last) if self._reasons else until
                remaining = end - self._clock()
                if remaining <= 0:
                    break
                self._changed.wait(remaining)
            reasons, self._reasons = tuple(self._reasons), []
            return reasons
