"""Local times that the clocks of a zone skip.

celery runs the first skipped time of a crontab row after the gap (docs/facts.md, 22). If `every` needs several rows, the same time could so run twice: the
compiler looks for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

from beatsync.specfile.times import zone

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Gap(NamedTuple):
    """Local times, without a zone, that do not exist: from `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    def minutes(self) -> Iterator[datetime]:
        """Yield each minute of the gap."""
        minute = self.start
        while minute < self.end:
            yield minute
            minute += _MINUTE

    def after(self, minute: datetime) -> datetime:
        """Return the local time at which celery runs a skipped minute."""
        return minute + (self.end - self.start)


@lru_cache(maxsize=1024)
def gaps(timezone_name: str, year: int) -> tuple[Gap, ...]:
    """Return the gaps of a zone in a year and the next one."""
    tz = zone(timezone_name)

    def offset(instant: datetime) -> timedelta:
        return instant.astimezone(tz).utcoffset() or timedelta(0)

    skipped = []
    instant, end = datetime(year, 1, 1, tzinfo=timezone.utc), datetime(year + 2, 1, 1, tzinfo=timezone.utc)
    while instant < end:
        following = instant + _DAY
        if offset(following) > offset(instant):
            early, late = instant, following
            while late - early > _MINUTE:
                middle = early + (late - early) // 2
                early, late = (middle, late) if offset(middle) <= offset(instant) else (early, middle)
            # The zones' clocks change at whole minutes.
            change = late.replace(second=0, microsecond=0)
            before, after = offset(instant), offset(following)
            skipped.append(Gap((change + before).replace(tzinfo=None), (change + after).replace(tzinfo=None)))
        instant = following
    return tuple(skipped)
