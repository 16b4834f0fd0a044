"""Whether beat would run a row at its next look, by celery's own schedules.

Follows what django-celery-beat's `ModelEntry` does with a row (its `schedulers.py`, 2.8 and later): a row that never ran
counts from `date_changed`, and from thirty years earlier where it has a `start_time`. The clock is an argument.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beatsync.plan.observed import Row
from beatsync.values import Clocked, Crontab, Interval, Solar, TaskSpec

_BEFORE_START = timedelta(days=365 * 30)

# Only what celery's schedules read of an application, so that no default application is made as a side effect.
_APP = SimpleNamespace(
    conf=SimpleNamespace(enable_utc=True, beat_cron_starting_deadline=None), timezone=timezone.utc, now=None
)


def first_look(target: TaskSpec, now: datetime) -> datetime:
    """Return the moment from which the schedule of `target` counts, as what names moments of its own.

    Beat runs a row whose `start_time` has come at once, whatever moment its crontab or the sun names; an interval counts from there.
    """
    start = target.start_time
    waits = start is not None and start > now and isinstance(target.schedule, (Crontab, Solar))
    return start if waits and start is not None else now


def due_because_of(target: TaskSpec, row: Row | None, now: datetime) -> bool:
    """Whether writing `target` to `row` (None: a new row) makes it due at beat's first look, where it is not due now.

    A row that waits to be run anyway is none of ours. Times are aware.
    """
    if row is None and target.start_time is None and not isinstance(target.schedule, Clocked):
        return False  # it counts from now on
    look = first_look(target, now)
    if row is None:
        return is_due(Row(row_id=0, spec=target, date_changed=now), look)
    after = row._replace(spec=target, date_changed=now if _moves_base(target, row.spec) else row.date_changed)
    return is_due(after, look) and not is_due(row, now)


def _moves_base(target: TaskSpec, before: TaskSpec) -> bool:
    """Whether the store sets `date_changed`, from which a row that never ran counts."""
    return (target.schedule, target.start_time, target.enabled) != (before.schedule, before.start_time, before.enabled)


def is_due(row: Row, now: datetime) -> bool:
    """Whether beat, looking at `now`, runs the row. A row whose schedule celery cannot read is never due."""
    spec = row.spec
    if not spec.enabled or (spec.one_off and row.total_run_count > 0):
        return False
    if spec.start_time is not None and now < spec.start_time:
        return False
    if spec.expires is not None and now >= spec.expires:
        return False
    last = row.last_run_at
    if last is None:
        last = row.date_changed or now
        if spec.start_time is not None:
            last -= _BEFORE_START
    try:
        return _schedule_due(spec.schedule, last, now)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, RuntimeError, TypeError):
        # RuntimeError is what celery before 5.7 says of a day that never comes, TypeError what becomes of a period of another name.
        return False


def _schedule_due(schedule: object, last: datetime, now: datetime) -> bool:
    if isinstance(schedule, Interval):
        return last + timedelta(**{schedule.period: schedule.every}) <= now
    if isinstance(schedule, Clocked):
        return schedule.clocked_time <= now
    if isinstance(schedule, Crontab):
        zone = ZoneInfo(schedule.timezone)
        return bool(_crontab(schedule, zone, now).is_due(last.astimezone(zone)).is_due)
    if isinstance(schedule, Solar):
        return _solar_due(schedule, last, now)
    return False


def _crontab(schedule: Crontab, zone: ZoneInfo, now: datetime) -> Any:
    from celery.schedules import crontab

    entry = crontab(
        minute=schedule.minute,
        hour=schedule.hour,
        day_of_month=schedule.day_of_month,
        month_of_year=schedule.month_of_year,
        day_of_week=schedule.day_of_week,
        nowfun=lambda: now.astimezone(zone),
        app=_APP,
    )
    entry.tz = zone
    return entry


def _solar_due(schedule: Solar, last: datetime, now: datetime) -> bool:
    from celery.exceptions import ImproperlyConfigured
    from celery.schedules import solar

    try:
        entry = solar(schedule.event, float(schedule.latitude), float(schedule.longitude), nowfun=lambda: now, app=_APP)
    except ImproperlyConfigured:
        # Without `ephem` the sun is unknown here. An event comes once a day, so a base over a day old is due.
        return last <= now - timedelta(days=1)
    return bool(entry.is_due(last).is_due)
