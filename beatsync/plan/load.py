"""How runs lie over the minutes of a window: counts by queue, the busiest minutes, and how to spread them.

An interval has no fixed minutes, because it counts from a last run that moves: its runs count as evenly spread. The clock is an argument.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nlargest
from math import ceil, floor
from typing import NamedTuple

from beatsync.plan.crontabruns import crontab_runs
from beatsync.plan.upcoming import UNREADABLE, Timed, Timetable, by_timetable
from beatsync.values import Crontab, Interval

_MINUTE = timedelta(minutes=1)
_BUSIEST = 5
"""Minutes that are shown, each with other schedules."""
_CANDIDATES = 200
"""Minutes among which these are looked for."""


class BusyMinute(NamedTuple):
    """A minute with many runs."""

    at: datetime
    runs: int
    """Without those of intervals."""
    names: tuple[str, ...]
    """The schedules that run in it, sorted."""
    times: int
    """How many of the busiest minutes have the same schedules."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """The runs of each minute of a window."""

    start: datetime
    counts: Sequence[int]
    even: float = 0.0
    """The runs of intervals in each minute."""

    @property
    def runs(self) -> float:
        """Return the number of runs."""
        return sum(self.counts) + self.even * len(self.counts)

    @property
    def mean(self) -> float:
        """Return the runs of an average minute."""
        return self.runs / len(self.counts)

    @property
    def peak(self) -> float:
        """Return the runs of the busiest minute."""
        return max(self.counts) + self.even

    @property
    def peak_at(self) -> datetime:
        """Return the first of the busiest minutes."""
        return self.start + self.counts.index(max(self.counts)) * _MINUTE


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a window, and what it consists of."""

    end: datetime
    total: Minutes
    queues: Mapping[str | None, Minutes]
    """By name; None is the default queue."""
    busiest: tuple[BusyMinute, ...]
    intervals: int
    """Number of schedules whose runs count as evenly spread."""
    minutes: Mapping[Timetable, Sequence[int]] = field(repr=False)
    """The minutes of each schedule in the window, without intervals."""


def count_load(schedules: Iterable[Timed], start: datetime, end: datetime) -> Load:
    """Return the load from `start` to `end`, both on whole minutes. Raises `upcoming.UNREADABLE`."""
    length = ceil((end - start) / _MINUTE)
    groups = by_timetable(schedules)
    counts: dict[str | None, array[int]] = {}
    even: dict[str | None, float] = {}
    minutes: dict[Timetable, Sequence[int]] = {}
    for timetable, timed in groups.items():
        rate = _even_rate(timetable)
        if rate is None:
            minutes[timetable] = array("l", minutes_of(timetable, start, end))
        for queue, number in Counter(each.queue for each in timed).items():
            if queue not in counts:
                counts[queue] = _zeros(length)
            if rate is None:
                _add(counts[queue], minutes[timetable], number)
            else:
                even[queue] = even.get(queue, 0.0) + number * rate
    total = Minutes(start, list(map(sum, zip(*counts.values(), strict=True))) or [0] * length, sum(even.values()))
    queues = {
        queue: Minutes(start, counts[queue], even.get(queue, 0.0))
        for queue in sorted(counts, key=lambda name: name or "")
    }
    intervals = sum(len(timed) for timetable, timed in groups.items() if timetable not in minutes)
    return Load(end, total, queues, tuple(_busiest(total, groups, minutes)), intervals, minutes)


def add_crontabs(
    counts: Sequence[int], numbers: Mapping[Crontab, int], start: datetime, end: datetime
) -> Sequence[int]:
    """Return `counts` of the minutes of a window, or zeros if empty, with the runs of `numbers` rows of each crontab added.

    Crontabs that celery cannot read have no runs.
    """
    total = array("l", counts) if counts else _zeros(ceil((end - start) / _MINUTE))
    for schedule, number in numbers.items():
        with suppress(*UNREADABLE):
            _add(total, list(_crontab_minutes(schedule, start, start - timedelta(microseconds=1), end)), number)
    return total


def _zeros(length: int) -> array[int]:
    return array("l", [0]) * length


def _add(counts: array[int], minutes: Iterable[int], number: int) -> None:
    for minute in minutes:
        counts[minute] += number


def _even_rate(timetable: Timetable) -> float | None:
    """Return the runs of an interval in a minute; None for another schedule, and for an interval that runs once."""
    if not isinstance(timetable.schedule, Interval) or timetable.one_off:
        return None
    return _MINUTE / timedelta(**{timetable.schedule.period: timetable.schedule.every})


def minutes_of(timetable: Timetable, start: datetime, end: datetime) -> Iterator[int]:
    """Yield the minutes in which a schedule runs, counted from `start`."""
    if isinstance(timetable.schedule, Crontab) and timetable.first is None and not timetable.one_off:
        until = min(end, timetable.expires or end)
        return _crontab_minutes(timetable.schedule, start, timetable.after, until)
    return ((run - start) // _MINUTE for run in timetable.runs(start, end))


def _crontab_minutes(schedule: Crontab, start: datetime, after: datetime, until: datetime) -> Iterator[int]:
    first = int(start.timestamp())
    runs = crontab_runs(schedule, floor(after.timestamp()), ceil(until.timestamp()))
    return ((run - first) // 60 for run in runs if run >= first)


def _busiest(
    total: Minutes, groups: Mapping[Timetable, Sequence[Timed]], minutes: Mapping[Timetable, Sequence[int]]
) -> Iterator[BusyMinute]:
    """Yield the busiest minutes; those with the same schedules once."""
    counts = total.counts
    top = [minute for minute in nlargest(_CANDIDATES, range(len(counts)), key=counts.__getitem__) if counts[minute]]
    tables: dict[int, list[Timetable]] = {minute: [] for minute in top}
    wanted = frozenset(top)
    for timetable, own in minutes.items():
        for minute in wanted.intersection(own):
            tables[minute].append(timetable)
    alike: dict[tuple[Timetable, ...], list[int]] = {}
    for minute in top:
        alike.setdefault(tuple(tables[minute]), []).append(minute)
    for timetables, same in list(alike.items())[:_BUSIEST]:
        names = sorted({each.name for timetable in timetables for each in groups[timetable]})
        yield BusyMinute(total.start + same[0] * _MINUTE, counts[same[0]], tuple(names), len(same))
