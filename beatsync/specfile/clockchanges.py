"""When the clocks of a time zone change. Times are whole seconds since 1970 in UTC."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = 86_400


@lru_cache(maxsize=65_536)
def offset(zone: str, instant: int) -> int:
    """Return the seconds by which the clocks of a zone are ahead of UTC at an instant."""
    difference = datetime.fromtimestamp(instant, ZoneInfo(zone)).utcoffset()
    return int(difference.total_seconds()) if difference is not None else 0


@lru_cache(maxsize=65_536)
def next_change(zone: str, instant: int) -> int:
    """Return the first change of a zone's clocks after an instant; if this year and the next have none, the end of the next.

    Two changes within a day that cancel each other out are not found; no zone has any.
    """
    year = datetime.fromtimestamp(instant, timezone.utc).year
    both_years = (*changes(zone, year), *changes(zone, year + 1))
    return next((change for change in both_years if change > instant), _start(year + 2))


@lru_cache(maxsize=4096)
def changes(zone: str, year: int) -> tuple[int, ...]:
    """Return the changes of a zone's clocks in a year of UTC, in order."""
    days = range(_start(year), _start(year + 1), _DAY)
    return tuple(_change(zone, day) for day in days if offset(zone, day) != offset(zone, day + _DAY))


def _change(zone: str, day: int) -> int:
    """Return the first second with the offset that is in force a day after `day`."""
    before = offset(zone, day)
    seconds = range(day, day + _DAY + 1)
    return seconds[bisect_left(seconds, True, key=lambda second: offset(zone, second) != before)]


def _start(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp())
