"""How long to wait after failures, and which files were tried already."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beatsync.values import Diagnostic, Revision, Snapshot

FIRST = 1.0
LONGEST = 300.0
"""Seconds."""
LONGEST_UNUSABLE = 5.0
"""Seconds between two attempts to open a connection that can write."""


def delay(failures: int, chance: float | None = None, longest: float = LONGEST) -> float:
    """Return the seconds to wait after `failures` in a row: doubled each time, at most `longest`.

    `chance`, from 0 to 1, subtracts up to half of it, so that replicas that failed together do not retry together.
    """
    seconds = min(longest, FIRST * 2.0 ** min(failures - 1, 32))
    return seconds * (1.0 - 0.5 * (random.random() if chance is None else chance))  # noqa: S311  not a secret


def jittered(seconds: float) -> float:
    """Return an interval, up to a tenth shorter or longer."""
    return seconds * random.uniform(0.9, 1.1)  # noqa: S311


class Attempts:
    """The files that were last tried, successfully or not, and their failures in a row."""

    def __init__(self) -> None:
        self.failures = 0
        self._files: tuple[Revision, tuple[Diagnostic, ...]] | None = None

    def is_new(self, snapshot: Snapshot) -> bool:
        """Return whether these files were not tried yet. New ones start without the failures of the previous ones."""
        # A file that cannot be read changes no revision.
        files = (snapshot.revision, snapshot.diagnostics)
        if files == self._files:
            return False
        self._files, self.failures = files, 0
        return True

    def fail(self, longest: float = LONGEST) -> float:
        """Count a failure, and return the seconds until the next attempt: at most `longest`."""
        self.failures += 1
        return delay(self.failures, longest=longest)

    def succeed(self) -> None:
        """Reset the failures."""
        self.failures = 0

    def forget_files(self) -> None:
        """Treat the next files as new, even if they are the same."""
        self._files = None
