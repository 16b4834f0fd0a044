"""When a schedule runs next, decided by celery's own schedules, and how close together the runs of a crontab can be.

Daylight saving differs between versions of celery, so the next runs are never computed here. The clock is an argument.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise, takewhile
from math import ceil, floor

from beatsync.plan.crontabruns import crontab_runs
from beatsync.specfile import solar
from beatsync.specfile.cronfield import members
from beatsync.values import Clocked, Crontab, Interval, Schedule, Solar

_FIRST_DAY = date(2024, 1, 1).toordinal()
_DAYS = 28 * 366
"""Within 28 years every date falls on every weekday."""


def next_runs(schedule: Schedule, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
    """Yield the times before `until`, in UTC, at which beat runs a schedule that last ran at `after`.

    None: without end, except for a clocked one. Each run counts as on time. A row that never ran counts from the time at which it was
    written. Raises ImportError if a solar schedule lacks `ephem`, and what celery raises for a row that it cannot read: ValueError,
    OverflowError, RuntimeError or TypeError.
    """
    last = after.astimezone(timezone.utc)
    if isinstance(schedule, Crontab):
        end = None if until is None else ceil(until.timestamp())
        for seconds in crontab_runs(schedule, floor(last.timestamp()), end):
            yield datetime.fromtimestamp(seconds, timezone.utc)
        return
    runs = _others(schedule, last)
    yield from runs if until is None else takewhile(lambda run: run < until, runs)


def _others(schedule: Interval | Solar | Clocked, last: datetime) -> Iterator[datetime]:
    """Yield the runs of a schedule that is no crontab after `last`."""
    if isinstance(schedule, Clocked):
        if schedule.clocked_time > last:
            yield schedule.clocked_time
        return
    if isinstance(schedule, Interval):
        step = timedelta(**{schedule.period: schedule.every})
        while True:
            last += step
            yield last
    start, entry = last, solar.celery_schedule(schedule, last)
    while True:
        # The clock of the schedule stands at `start`.
        last = start + entry.remaining_estimate(last)
        yield last


@lru_cache(maxsize=1024)
def shortest_gap(schedule: Crontab) -> timedelta | None:
    """Return the shortest time between two runs of a crontab in normal form, as clocks show it; None if it runs only once.

    A daily crontab has 24 hours between its runs, although the clocks change twice a year.
    """
    minutes = [60 * hour + minute for hour in _sorted("hour", schedule) for minute in _sorted("minute", schedule)]
    gaps = [later - earlier for earlier, later in pairwise(minutes)]
    days = _days(schedule.day_of_month, schedule.month_of_year, schedule.day_of_week)
    gaps += {24 * 60 * (later - earlier) + minutes[0] - minutes[-1] for earlier, later in pairwise(days)}
    return timedelta(minutes=min(gaps)) if gaps else None


def _sorted(name: str, schedule: Crontab) -> list[int]:
    return sorted(members(name, getattr(schedule, name)))


@lru_cache(maxsize=256)
def _days(day_of_month: str, month_of_year: str, day_of_week: str) -> list[int]:
    """Return the days of 28 years on which a crontab runs, as ordinals."""
    dates, months = members("day_of_month", day_of_month), members("month_of_year", month_of_year)
    weekdays = members("day_of_week", day_of_week)
    days = map(date.fromordinal, range(_FIRST_DAY, _FIRST_DAY + _DAYS))
    return [
        day.toordinal() for day in days if day.day in dates and day.month in months and day.isoweekday() % 7 in weekdays
    ]
