"""How long to wait after failures, and which revisions were tried already."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beatsync.values import Revision

FIRST = 1.0
LONGEST = 300.0
"""Seconds."""


def delay(failures: int, chance: float | None = None) -> float:
    """Return the seconds to wait after `failures` in a row: doubled each time, at most five minutes.

    `chance`, from 0 to 1, subtracts up to half of it, so that replicas that failed together do not retry together.
    """
    seconds = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 32))
    return seconds * (1.0 - 0.5 * (random.random() if chance is None else chance))  # noqa: S311  not a secret


def jittered(seconds: float) -> float:
    """Return an interval, up to a tenth shorter or longer."""
    return seconds * random.uniform(0.9, 1.1)  # noqa: S311


class Attempts:
    """The revision that was last tried, successfully or not, and its failures in a row."""

    def __init__(self) -> None:
        self.failures = 0
        self._revision: Revision | None = None

    def is_new(self, revision: Revision) -> bool:
        """Return whether a revision was not tried yet. A new one starts without the failures of the previous one."""
        if revision == self._revision:
            return False
        self._revision, self.failures = revision, 0
        return True

    def fail(self) -> float:
        """Count a failure, and return the seconds until the next attempt."""
        self.failures += 1
        return delay(self.failures)

    def succeed(self) -> None:
        """Reset the failures."""
        self.failures = 0

    def forget_revision(self) -> None:
        """Treat the next revision as new, even if its files are the same."""
        self._revision = None
