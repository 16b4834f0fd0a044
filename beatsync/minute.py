"""When in a minute a sync may move runs from some rows of a schedule to others.

New rows count from the time of the plan. If a minute begins between the plan and the commit, beat runs the old rows for this minute, and
after the commit the new ones for it too. This module must not know the clock: the time is an argument.
"""

from __future__ import annotations

from datetime import datetime

_FIRST, _LAST = 1.0, 53.0
"""The seconds of a minute between which such a sync begins to write. Stock beat needs the first one to send what is due: from a reload on it sends
only what the new rows say."""
_MINUTE = 60.0


def seconds_to_wait(now: datetime) -> float:
    """Return the seconds, at most 8, until such a sync may write; 0 if it may now."""
    second = now.second + now.microsecond / 1e6
    if second >= _LAST:
        return _MINUTE - second + _FIRST
    return max(0.0, _FIRST - second)
