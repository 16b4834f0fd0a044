"""Changes that a plan refuses to make, as error diagnostics."""

from __future__ import annotations

from datetime import datetime

from beatsync.plan.firing import FIRING_FIELDS, RESTARTING_FIELDS
from beatsync.plan.model import Change
from beatsync.plan.observed import Row
from beatsync.plan.request import PlanOptions
from beatsync.specfile import crontab
from beatsync.values import Clocked, Crontab, Declared, Diagnostic, Severity, TaskSpec


def refuse(
    declared: Declared, target: TaskSpec, change: Change, row: Row | None, options: PlanOptions, now: datetime
) -> Diagnostic | None:
    """Return why the values `target` may not be written to `row` (None: a new row); None if they may."""
    changed = {field.field for field in change.field_changes}
    if row is None or "crontab" in changed:
        refusal = _misread_crontab(declared)
        if refusal is not None:
            return refusal
    if (not changed or changed & RESTARTING_FIELDS) and not options.catch_up:
        refusal = _clocked_in_past(declared, target, now)
        if refusal is not None:
            return refusal
    return _one_off_that_ran(declared, target, row) if row is not None and changed & FIRING_FIELDS else None


def _misread_crontab(declared: Declared) -> Diagnostic | None:
    """Refuse a crontab that the parser of the installed celery does not read as crontab(5) means it."""
    schedule = declared.spec.schedule
    field = crontab.misread(schedule) if isinstance(schedule, Crontab) else None
    if field is None:
        return None
    message = f"{field}: this version of celery does not read {getattr(schedule, field)!r} as crontab(5) does"
    return Diagnostic(Severity.ERROR, "crontab-celery", message, declared.location)


def _clocked_in_past(declared: Declared, target: TaskSpec, now: datetime) -> Diagnostic | None:
    """Refuse a one-time task whose time has passed, since beat would run it at once."""
    schedule = target.schedule
    if not isinstance(schedule, Clocked) or schedule.clocked_time > now or not target.enabled:
        return None
    return Diagnostic(
        Severity.ERROR,
        "clocked-past",
        f"the clocked time {schedule.clocked_time.isoformat()} of {target.name!r} has passed, so it would run at once",
        declared.location,
        hint="set a time in the future, or remove the schedule; --catch-up runs it now",
    )


def _one_off_that_ran(declared: Declared, target: TaskSpec, row: Row) -> Diagnostic | None:
    """Refuse to turn a row that has run into a one-off: beat takes it for completed, and the count of runs is beat's own."""
    if not (target.one_off and target.enabled and row.total_run_count):
        return None
    return Diagnostic(
        Severity.ERROR,
        "one-off-ran",
        f"the row of {target.name!r} has run, and beat takes a one-off whose row has run for completed: it would never run",
        declared.location,
        hint="declare it under a new name; if it is a one-off that has just run, beat disables it shortly",
    )
