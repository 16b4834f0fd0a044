"""One declared schedule and its row → the change that makes the row say what the file says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from beatsync.plan.compare import Fields, applied_fields, applied_text, compare, completed, re_armed
from beatsync.plan.firing import due_because_of, first_look
from beatsync.plan.match import Match
from beatsync.plan.model import Action, Cause, Change, Condition, FieldChange, Initial, Record
from beatsync.plan.observed import Owned, Row
from beatsync.plan.request import PlanOptions
from beatsync.plan.settled import is_settled
from beatsync.specfile import crontab
from beatsync.values import (
    DEFAULT_POLICY,
    SCHEDULE_FIELDS,
    Clocked,
    Crontab,
    Declared,
    Diagnostic,
    Policy,
    Severity,
    TaskSpec,
    make,
)

_ARMING_FIELDS = frozenset({*SCHEDULE_FIELDS, "start_time", "enabled"})
_FIRING_FIELDS = _ARMING_FIELDS | {"expires", "one_off"}
"""Fields whose change may make a row due that was not."""


class Finding(NamedTuple):
    """What one schedule adds to a plan; without a change it is counted as unchanged."""

    change: Change | None = None
    record: Record | None = None
    condition: Condition | None = None
    diagnostic: Diagnostic | None = None


def enforce(match: Match, options: PlanOptions, now: datetime) -> Finding:
    """Compare one schedule with its row and return what a sync would do about it."""
    declared, row, entry = match.declared, match.row, match.entry
    if row is None:
        return _create(match, options, now)
    if entry is not None and is_settled(declared, entry, row):
        return Finding()
    fields, condition = _field_changes(declared, entry, row, now)
    record = _record(declared, entry, row)
    if not fields and entry is not None:
        return Finding(record=record, condition=condition)
    enabled = next((bool(f.after) for f in fields if f.field == "enabled"), row.spec.enabled)
    target = declared.spec._replace(enabled=enabled)
    change = Change(
        action=Action.ADOPT if entry is None else Action.UPDATE,
        name=declared.spec.name,
        cause=Cause.SPEC if entry is None or any(f.cause is Cause.SPEC for f in fields) else Cause.DRIFT,
        fields=fields,
        location=declared.location,
        row_id=row.row_id,
        target=target,
        schedule_id=row.schedule_id,
        schedule_kind=row.spec.schedule.kind if row.spec.schedule else None,
        sensitive=declared.policy.sensitive,
        note=match.note,
    )
    refused = (
        _misread(declared, fields)
        or _clocked_in_past(declared, target, fields, options, now)
        or _one_off_that_ran(declared, target, fields, row)
    )
    if refused is not None:
        return Finding(diagnostic=refused)
    return Finding(_without_accident(change, row, options, now), record, condition)


def remembered(policy: Policy, entry: Owned | None) -> Policy:
    """Return what the inventory keeps of a policy: protection stays until a file says `protect: false`."""
    protect = policy.protect
    if protect is None:
        protect = bool(entry and entry.policy.protect)
    # A policy's own hash takes its time, and most have none of their own.
    return _kept(policy, protect) if policy is not DEFAULT_POLICY or protect else _KEPT


@lru_cache(maxsize=4096)
def _kept(policy: Policy, protect: bool) -> Policy:
    return replace(policy, protect=protect, renamed_from=None)


_KEPT = _kept(DEFAULT_POLICY, False)


def _record(declared: Declared, entry: Owned | None, row: Row | None) -> Record | None:
    spec, location, policy, _, said, applied, left = declared
    name, row_id = spec.name, row.row_id if row else None
    applied = applied or applied_text(declared)
    record: Record = make(
        Record, (name, row_id, applied, remembered(policy, entry), location.path, False, False, None, said, left)
    )
    if entry is None:
        return record
    if entry.name != name:
        record = record._replace(previous_name=entry.name)
    if entry.retired or entry.frozen:
        return record
    known = (entry.name, entry.row_id, entry.applied, entry.policy, entry.path)
    return None if known == (record.name, record.row_id, record.applied, record.policy, record.path) else record


def _create(match: Match, options: PlanOptions, now: datetime) -> Finding:
    declared, entry, _, note = match
    spec, location, policy, _ = declared[:4]
    if entry is not None and isinstance(spec.schedule, Clocked) and spec.schedule.clocked_time <= now:
        # A one-time task that had its moment, and whose row somebody tidied away: making it anew would run it again.
        return Finding(condition=Condition.COMPLETED)
    cause = Cause.SPEC if entry is None else Cause.DRIFT
    refused = _misread(declared) or _clocked_in_past(declared, spec, (), options, now)
    if refused is not None:
        return Finding(diagnostic=refused)
    change: Change = make(
        Change,
        (
            Action.CREATE, spec.name, cause, Initial(spec, cause), location, None, spec, None, None, None, False,
            policy.sensitive, note,
        ),
    )  # fmt: skip
    return Finding(_without_accident(change, None, options, now), _record(declared, entry, None))


def _field_changes(
    declared: Declared, entry: Owned | None, row: Row, now: datetime
) -> tuple[tuple[FieldChange, ...], Condition | None]:
    want = declared.spec.fields()
    last = applied_fields(entry.applied) if entry else None
    fields = tuple(compare(want, row.spec.fields(), last, declared.policy.ignore))
    wanted = _wanted_enabled(declared, entry, last)
    # A one-off that becomes a crontab is one no more: that it is at rest is known by what it was.
    one_off = declared.spec.one_off or bool(last and last.get("one_off"))
    if completed(row, now, one_off=one_off):
        if _switched_on_again(declared, want, last):
            wanted = declared.spec.enabled
        elif _stays_completed(declared, fields, row, now):
            return fields, Condition.COMPLETED
    if wanted is None:
        return fields, None if row.spec.enabled else Condition.PAUSED
    if wanted is row.spec.enabled:
        return fields, None
    cause = Cause.DRIFT if last is not None and last.get("enabled") is wanted else Cause.SPEC
    if cause is Cause.DRIFT and "enabled" in declared.policy.ignore:
        return fields, None
    return (*fields, FieldChange("enabled", row.spec.enabled, wanted, cause)), None


def _wanted_enabled(declared: Declared, entry: Owned | None, last: Fields | None) -> bool | None:
    """Return what `enabled` shall be, or None where it belongs to whoever operates the row."""
    if declared.enabled_declared:
        return declared.spec.enabled
    if entry is None or last is None:
        return None
    # A switch that the file set and no longer names falls back to its default, as with `kubectl apply`.
    return True if entry.retired or last.get("enabled") is False else None


def _stays_completed(declared: Declared, fields: tuple[FieldChange, ...], row: Row, now: datetime) -> bool:
    """Whether a completed row still is one when `fields` are written: an `expires` that somebody drifted is put back."""
    if not any(field.field == "expires" for field in fields):
        return True
    return completed(
        row._replace(spec=row.spec._replace(expires=declared.spec.expires)), now, one_off=declared.spec.one_off
    )


def _switched_on_again(declared: Declared, want: Fields, last: Fields | None) -> bool:
    """Whether the file changed in a way that arms a completed row once more; taking a row over never does."""
    if last is None:
        return False
    return re_armed(want, last) or (declared.enabled_declared and last.get("enabled") is False)


def _misread(declared: Declared, fields: tuple[FieldChange, ...] | None = None) -> Diagnostic | None:
    """Refuse to write a crontab that celery's own parser, of whatever version is here, does not read as it is meant.

    `fields` are those that are written to a row that exists.
    """
    schedule = declared.spec.schedule
    if not isinstance(schedule, Crontab):
        return None
    if fields is not None and not any(f.field == "crontab" for f in fields):
        return None
    field = crontab.misread(schedule)
    if field is None:
        return None
    message = f"{field}: this celery reads {getattr(schedule, field)!r} in another way than crontab(5)"
    return Diagnostic(Severity.ERROR, "crontab-celery", message, declared.location)


def _clocked_in_past(
    declared: Declared, target: TaskSpec, fields: tuple[FieldChange, ...], options: PlanOptions, now: datetime
) -> Diagnostic | None:
    """Refuse a one-time task whose moment has passed where the sync would run it at once."""
    schedule = target.schedule
    if not isinstance(schedule, Clocked) or schedule.clocked_time > now or not target.enabled or options.catch_up:
        return None
    if fields and not any(f.field in _ARMING_FIELDS for f in fields):
        return None
    return Diagnostic(
        Severity.ERROR,
        "clocked-past",
        f"the clocked time {schedule.clocked_time.isoformat()} of {target.name!r} has passed, so it would run at once",
        declared.location,
        hint="give it a time to come, or take it out; --catch-up runs it now",
    )


def _one_off_that_ran(
    declared: Declared, target: TaskSpec, fields: tuple[FieldChange, ...], row: Row
) -> Diagnostic | None:
    """Refuse to make a one-off of a row that has run: beat takes it for done, and the count of runs is beat's own."""
    if not (target.one_off and target.enabled and row.total_run_count):
        return None
    if not any(f.field in _FIRING_FIELDS for f in fields):
        return None
    return Diagnostic(
        Severity.ERROR,
        "one-off-ran",
        f"the row of {target.name!r} has run, and beat takes a one-off whose row has run for done: it would never run",
        declared.location,
        hint="give it a name of its own; where it is a one-off that ran just now, beat switches it off in a moment",
    )


def _without_accident(change: Change, row: Row | None, options: PlanOptions, now: datetime) -> Change:
    """Keep a change from firing a task at once, or say that it does (DESIGN, section 6)."""
    if change.target is None or (row is not None and not any(f.field in _FIRING_FIELDS for f in change.fields)):
        return change
    look = first_look(change.target, now)
    if row is not None and row.last_run_at is not None and row.last_run_at > look:
        # An earlier sync had it wait for a `start_time` that is another by now.
        return change._replace(last_run_at=look)
    if not due_because_of(change.target, row, now):
        return change
    if options.catch_up:
        return change._replace(fires_at_once=look == now)
    return change._replace(last_run_at=look)
