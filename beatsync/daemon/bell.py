"""Many words of change become one look: a bell that may ring at any time, from any thread, and is heard when it has been quiet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Quiet:
    """How long to let things settle, in seconds."""

    quiet: float = 0.5
    at_most: float = 5.0

    def due(self, first: float, last: float) -> float:
        """Return when a burst that began at `first` and rang at `last` for the last time is to be heard."""
        return min(last + self.quiet, first + self.at_most)


class Bell:
    """Rung from anywhere, heard by one."""

    def __init__(self, quiet: Quiet, clock: Monotonic = time.monotonic) -> None:
        self._quiet = quiet
        self._clock = clock
        self._changed = Condition()
        self._reasons: list[str] = []
        self._first = self._last = 0.0
        self._closed = False

    def ring(self, reason: str) -> None:
        """Say that something may have changed; harmless to repeat."""
        with self._changed:
            self._last = self._clock()
            if not self._reasons:
                self._first = self._last
            if reason not in self._reasons:
                self._reasons.append(reason)
            self._changed.notify()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def wait(self, until: float) -> tuple[str, ...]:
        """Wait for a burst to end, or for the moment `until` where nothing rings; return why it rang.

        An empty answer is that of the clock, or of a bell that was closed.
        """
        with self._changed:
            while not self._closed:
                due = self._quiet.due(self._first, self._last) if self._reasons else until
                left = due - self._clock()
                if left <= 0:
                    break
                self._changed.wait(left)
            reasons, self._reasons = tuple(self._reasons), []
            return reasons
