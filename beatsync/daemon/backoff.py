"""How long to wait after failures."""

from __future__ import annotations

import random

FIRST = 1.0
LONGEST = 300.0
"""Seconds."""


def delay(failures: int, chance: float | None = None) -> float:
    """Return the seconds to wait after that many failures in a row: doubled each time, at most five minutes.

    `chance`, from 0 to 1, takes up to half of it away, so that replicas that failed together do not come back together.
    """
    whole = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 32))
    return whole * (1.0 - 0.5 * (random.random() if chance is None else chance))  # noqa: S311  no secret


def jittered(seconds: float, chance: float | None = None) -> float:
    """Return an interval, up to a tenth shorter or longer."""
    return seconds * (0.9 + 0.2 * (random.random() if chance is None else chance))  # noqa: S311
