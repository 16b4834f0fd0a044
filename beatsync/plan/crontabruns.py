"""The runs of a crontab, as the installed celery has them, quickly. Times are whole seconds since 1970 in UTC.

Between two changes of the clocks a crontab runs whenever they show what its fields, as celery reads them, name. Around a change
celery itself is asked for each run: what it does then differs between its versions. A test compares both with celery.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from beatsync.specfile.clockchanges import next_change, offset
from beatsync.specfile.cronfield import FIELDS, celery_reads
from beatsync.specfile.installed import celery_crontab
from beatsync.values import Crontab

_MINUTE = timedelta(minutes=1)
_NO_TIME = timedelta(0)
_DAY = 86_400
_AROUND_CHANGE = 3 * 3600
"""Seconds before and after a change of the clocks in which celery is asked: times that the clocks skip or show twice are in them."""
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The days of each month in the longest year."""
_EPOCH = date(1970, 1, 1).toordinal()


class _Fields(NamedTuple):
    """The fields of a crontab as celery reads them."""

    seconds: tuple[int, ...]
    """The seconds of a day at which it runs, sorted."""
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def on(self, day: int) -> bool:
        """Return whether the crontab runs on a day, counted from 1970-01-01."""
        day_of_month, month, weekday = _calendar(day)
        return day_of_month in self.days and month in self.months and weekday in self.weekdays


def crontab_runs(schedule: Crontab, after: int, until: int | None = None) -> Iterator[int]:
    """Yield the runs of a row that last ran at `after`, in order: those before `until`, or without end.

    Raises what celery raises for a crontab that it cannot read or that never runs: ValueError, OverflowError or RuntimeError.
    """
    fields, celery, zone, last = _fields(schedule), _Celery(schedule), schedule.timezone, after
    while until is None or last < until:
        change = next_change(zone, last - _AROUND_CHANGE)
        if fields is not None:
            end = change - _AROUND_CHANGE
            for last in _between(fields, offset(zone, last), last, end if until is None else min(end, until)):  # noqa: B020
                yield last
            if until is not None and end >= until:
                return
        while last < change + _AROUND_CHANGE:
            last = celery.next_run(last)
            if until is not None and last >= until:
                return
            yield last


def _fields(schedule: Crontab) -> _Fields | None:
    """Return the fields as celery reads them; None if it refuses one, or if they name no day."""
    minutes, hours, days, months, weekdays = (
        celery_reads(name, text) for name, text in zip(FIELDS, schedule, strict=False)
    )
    if minutes is None or hours is None or days is None or months is None or weekdays is None:
        return None
    if min(days) > max(_LONGEST[month] for month in months):
        return None  # celery refuses it, or looks for its day until it gives up
    seconds = sorted(3600 * hour + 60 * minute for hour in hours for minute in minutes)
    return _Fields(tuple(seconds), days, months, weekdays)


def _between(fields: _Fields, ahead: int, after: int, until: int) -> Iterator[int]:
    """Yield the runs after `after` and before `until`, between which the clocks are `ahead` seconds ahead of UTC."""
    day = (after + ahead) // _DAY
    while (midnight := day * _DAY - ahead) < until:
        if fields.on(day):
            for second in fields.seconds:
                if after < midnight + second < until:
                    yield midnight + second
        day += 1


@lru_cache(maxsize=4096)
def _calendar(day: int) -> tuple[int, int, int]:
    """Return the day of the month, the month and the weekday, Sunday is 0, of a day counted from 1970-01-01."""
    calendar_day = date.fromordinal(_EPOCH + day)
    return calendar_day.day, calendar_day.month, calendar_day.isoweekday() % 7


class _Celery:
    """Asks celery for the runs of a crontab. Its schedule is created when it is first needed, which takes longer than a run."""

    def __init__(self, schedule: Crontab) -> None:
        self._schedule = schedule
        self._zone = ZoneInfo(schedule.timezone)
        self._entry: Any = None

    def next_run(self, after: int) -> int:
        """Return the first time at which beat finds the crontab due that ran at `after`."""
        last = datetime.fromtimestamp(after, timezone.utc)
        # Before it asks celery, django-celery-beat converts the last run to the zone of the row.
        local = last.astimezone(self._zone)
        run = last
        while (rest := self._remaining(local, run)) > _NO_TIME:
            run += rest
        if rest != _NO_TIME:
            # celery 5.4 subtracts what the clocks show, so over a clock change it may be due before its own estimate.
            start = last.replace(second=0, microsecond=0)
            minutes = range(1, (run - start) // _MINUTE)
            first = bisect_left(
                minutes, True, key=lambda minute: self._remaining(local, start + minute * _MINUTE) <= _NO_TIME
            )
            run = start + (1 + first) * _MINUTE
        return int(run.timestamp())

    def _remaining(self, last: datetime, now: datetime) -> timedelta:
        """Return what celery says at `now` about a crontab that last ran at `last`."""
        if self._entry is None:
            self._entry = celery_crontab(self._schedule, now)
        self._entry.nowfun = lambda: now.astimezone(self._zone)
        rest: timedelta = self._entry.remaining_estimate(last)
        return rest
