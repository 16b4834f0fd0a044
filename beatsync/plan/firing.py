"""Whether beat runs a row when it next checks, decided by celery's own schedules.

Follows what django-celery-beat's `ModelEntry` does with a row (its `schedulers.py`, 2.8 and later): a row that never ran
counts from `date_changed`, and from thirty years earlier if it has a `start_time`. The clock is an argument.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beatsync.plan.observed import Row
from beatsync.specfile import solar
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.specfile.installed import celery_crontab
from beatsync.values import SCHEDULE_FIELDS, Clocked, Crontab, Interval, Solar, TaskSpec

RESTARTING_FIELDS: Final = frozenset({*SCHEDULE_FIELDS, *(field.name for field in FIELD_TABLE if field.restarts)})
"""Fields whose change makes a row that never ran count from the change."""
FIRING_FIELDS: Final = RESTARTING_FIELDS | {field.name for field in FIELD_TABLE if field.rearms}
"""Fields whose change may make a row due that was not."""
_LATE_RECORDS = timedelta(seconds=200)
"""Beat records runs every 180 seconds, when it next sends a task."""
_BEFORE_START = timedelta(days=365 * 30)


def counts_from(target: TaskSpec, now: datetime) -> datetime:
    """Return the time from which the schedule of `target` counts: `now`, or a later `start_time` of a crontab or solar schedule.

    At its `start_time` beat runs a row at once, even if its crontab or solar event is not due. An interval counts from its
    `start_time` in any case.
    """
    start = target.start_time
    if start is not None and start > now and isinstance(target.schedule, (Crontab, Solar)):
        return start
    return now


def becomes_due(target: TaskSpec, row: Row | None, now: datetime, *, in_group: bool = False) -> bool:
    """Return whether beat would run a row at once because `target` is written to it (None: a new row), and not without that.

    Times are aware. `in_group`: the row shares a schedule with others, which have carried out what `target` would do again. Beat records a
    run late, so such a row is overdue only if it was due some minutes ago.
    """
    if row is None and target.start_time is None and not isinstance(target.schedule, Clocked):
        return False  # it counts from now on
    first_check = counts_from(target, now)
    if row is None:
        return is_due(Row(row_id=0, spec=target, date_changed=now), first_check)
    after = row._replace(spec=target, date_changed=now if _restarts(target, row.spec) else row.date_changed)
    return is_due(after, first_check) and not is_due(row, now - _LATE_RECORDS if in_group else now)


def _restarts(target: TaskSpec, before: TaskSpec) -> bool:
    """Return whether the store sets `date_changed`, from which a row that never ran counts."""
    after, present = target.fields(), before.fields()
    return any(after.get(name) != present.get(name) for name in RESTARTING_FIELDS)


def never_runs(row: Row) -> bool:
    """Return whether beat does not run the row as it is: it is disabled, or a one-off that has run."""
    return not row.spec.enabled or (row.spec.one_off and row.total_run_count > 0)


def is_due(row: Row, now: datetime) -> bool:
    """Return whether beat, checking at `now`, runs the row. A row whose schedule celery cannot read is never due."""
    spec = row.spec
    if never_runs(row):
        return False
    if spec.start_time is not None and now < spec.start_time:
        return False
    if spec.expires is not None and now >= spec.expires:
        return False
    try:
        return _schedule_due(spec.schedule, last_run(row, now), now)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, RuntimeError, TypeError):
        # celery before 5.7 raises RuntimeError for a day that never comes; an unknown period is a TypeError of `timedelta`.
        return False


def last_run(row: Row, now: datetime) -> datetime:
    """Return the time from which beat counts: the last run, or the time that replaces it if the row never ran."""
    if row.last_run_at is not None:
        return row.last_run_at
    start = row.date_changed or now
    return start - _BEFORE_START if row.spec.start_time is not None else start


def _schedule_due(schedule: object, last: datetime, now: datetime) -> bool:
    if isinstance(schedule, Interval):
        return last + timedelta(**{schedule.period: schedule.every}) <= now
    if isinstance(schedule, Clocked):
        return schedule.clocked_time <= now
    if isinstance(schedule, Crontab):
        return bool(celery_crontab(schedule, now).is_due(last.astimezone(ZoneInfo(schedule.timezone))).is_due)
    if isinstance(schedule, Solar):
        return _solar_due(schedule, last, now)
    return False


def _solar_due(schedule: Solar, last: datetime, now: datetime) -> bool:
    try:
        entry = solar.celery_schedule(schedule, now)
    except ImportError:
        # Without `ephem` the time of the event is unknown. It comes once a day, so a row is due a day after its last run.
        return last <= now - timedelta(days=1)
    return bool(entry.is_due(last).is_due)
