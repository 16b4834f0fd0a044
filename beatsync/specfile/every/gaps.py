"""Local times that the clocks of a zone skip.

celery runs the first skipped time of a crontab row after the gap, where differs between its versions (docs/facts.md, 22). If `every` needs several rows, the same time could run twice: the
compiler checks that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from beatsync.specfile.clockchanges import changes, offset
from beatsync.specfile.every.clauses import COMPILED_YEARS
from beatsync.specfile.installed import runs_skipped_times_at_gap_end

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  local times have no zone
_MINUTE = timedelta(minutes=1)


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
        """Return the local time at which the installed celery runs a skipped minute."""
        return self.end if runs_skipped_times_at_gap_end() else minute + (self.end - self.start)


@lru_cache(maxsize=1024)
def gaps(timezone_name: str, year: int) -> tuple[Gap, ...]:
    """Return the gaps of a zone in the compiled years from `year`."""
    skipped = []
    for change in chain.from_iterable(changes(timezone_name, year + more) for more in range(COMPILED_YEARS)):
        before, after = offset(timezone_name, change - 1), offset(timezone_name, change)
        if after > before:
            skipped.append(Gap(_local(change + before), _local(change + after)))
    return tuple(skipped)


def _local(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
