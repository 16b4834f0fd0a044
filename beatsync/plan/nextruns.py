"""When a schedule runs next, decided by celery's own schedules, and how close together the runs of a crontab can be.

Daylight saving differs between versions of celery, so the next runs are never computed here. The clock is an argument.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from beatsync.plan import firing
from beatsync.specfile import solar
from beatsync.specfile.cronfield import members
from beatsync.values import Clocked, Crontab, Interval, Schedule, Solar

_MINUTE = timedelta(minutes=1)
_NO_TIME = timedelta(0)
_FIRST_DAY = date(2024, 1, 1).toordinal()
_DAYS = 28 * 366
"""Within 28 years every date falls on every weekday."""


def next_runs(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Yield the times, in UTC, at which beat runs a schedule that last ran at `after`: without end, except for a clocked one.

    Each run counts as on time. A row that never ran counts from the time at which it was written. Raises ImportError if a
    solar schedule lacks `ephem`, and what celery raises for a row that it cannot read: ValueError, OverflowError, RuntimeError
    or TypeError.
    """
    last = after.astimezone(timezone.utc)
    if isinstance(schedule, Clocked):
        if schedule.clocked_time > last:
            yield schedule.clocked_time
        return
    while True:
        last = _next_run(schedule, last)
        yield last


def _next_run(schedule: Interval | Crontab | Solar, last: datetime) -> datetime:
    """Return the first time at which beat finds a schedule due that ran at `last`."""
    if isinstance(schedule, Interval):
        return last + timedelta(**{schedule.period: schedule.every})
    if isinstance(schedule, Solar):
        wait: timedelta = solar.celery_schedule(schedule, last).remaining_estimate(last)
        return last + wait
    # Before it asks celery, django-celery-beat converts the last run to the zone of the row.
    local = last.astimezone(ZoneInfo(schedule.timezone))

    def remaining(now: datetime) -> timedelta:
        rest: timedelta = firing.celery_crontab(schedule, now).remaining_estimate(local)
        return rest

    run = last
    while (rest := remaining(run)) > _NO_TIME:
        run += rest
    if rest == _NO_TIME:
        return run
    # celery 5.4 subtracts what the clocks show, so over a clock change it may be due before its own estimate.
    start = last.replace(second=0, microsecond=0)
    minutes = range(1, (run - start) // _MINUTE)
    return (
        start
        + (1 + bisect_left(minutes, True, key=lambda minute: remaining(start + minute * _MINUTE) <= _NO_TIME)) * _MINUTE
    )


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
