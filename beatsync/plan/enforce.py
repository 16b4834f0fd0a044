"""Step 2 of a plan: compare each matched schedule with its row, and decide what makes the row equal to the file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from beatsync.plan.compare import compare_row
from beatsync.plan.firing import FIRING_FIELDS, becomes_due, counts_from
from beatsync.plan.inventory import new_record, record_if_changed
from beatsync.plan.matches import Match
from beatsync.plan.model import Action, Cause, Change, Condition, Decision, FieldChange
from beatsync.plan.observed import Row
from beatsync.plan.refusals import refuse
from beatsync.plan.request import PlanOptions
from beatsync.values import Clocked, TaskSpec


def enforce_matches(matches: Iterable[Match], options: PlanOptions, now: datetime) -> tuple[Decision, ...]:
    """Return the decision about each matched schedule, in the same order."""
    return tuple(
        _create(match, options, now) if match.row is None else _update(match, match.row, options, now)
        for match in matches
    )


def _create(match: Match, options: PlanOptions, now: datetime) -> Decision:
    """Return the creation of a row."""
    declared, entry = match.declared, match.entry
    spec = declared.spec
    if entry is not None and isinstance(spec.schedule, Clocked) and spec.schedule.clocked_time <= now:
        # A one-time task whose time has passed and whose row was deleted since: a new row would run it again.
        return Decision(spec.name, condition=Condition.COMPLETED)
    change = Change(
        action=Action.CREATE,
        name=spec.name,
        cause=Cause.SPEC if entry is None else Cause.DRIFT,
        location=declared.location,
        target=spec,
        sensitive=declared.policy.sensitive,
        note=match.note,
    )
    refusal = refuse(declared, spec, change, None, options, now)
    if refusal is not None:
        return Decision(spec.name, diagnostic=refusal)
    change = prevent_immediate_run(change, spec, None, options, now)
    return Decision(spec.name, change, new_record(declared, entry, None))


def _update(match: Match, row: Row, options: PlanOptions, now: datetime) -> Decision:
    """Return what makes an existing row equal to the file."""
    declared, entry = match.declared, match.entry
    name = declared.spec.name
    record = record_if_changed(declared, entry, row)
    if record is None and row.spec == declared.spec:
        return Decision(name)  # as for nearly all rows; this comparison is cheap
    fields, condition = compare_row(declared, entry, row, now)
    if not fields and entry is not None:
        return Decision(name, record=record, condition=condition)
    target = _target(declared.spec, row, fields)
    change = Change(
        action=Action.ADOPT if entry is None else Action.UPDATE,
        name=name,
        cause=Cause.SPEC if entry is None or any(field.cause is Cause.SPEC for field in fields) else Cause.DRIFT,
        field_changes=fields,
        location=declared.location,
        row_id=row.row_id,
        target=target,
        schedule_id=row.schedule_id,
        schedule_kind=row.schedule_kind,
        sensitive=declared.policy.sensitive,
        note=match.note,
    )
    refusal = refuse(declared, target, change, row, options, now)
    if refusal is not None:
        return Decision(name, diagnostic=refusal)
    return Decision(name, prevent_immediate_run(change, target, row, options, now), record, condition)


def _target(spec: TaskSpec, row: Row, fields: Iterable[FieldChange]) -> TaskSpec:
    """Return the values that `row` shall have; `enabled` stays unless it is one of the changed `fields`."""
    enabled = next((bool(field.after) for field in fields if field.field == "enabled"), row.spec.enabled)
    return spec._replace(enabled=enabled)


def prevent_immediate_run(
    change: Change, target: TaskSpec, row: Row | None, options: PlanOptions, now: datetime
) -> Change:
    """Return `change` with the `last_run_at` that keeps beat from running the task at once, or marked as `fires_at_once`.

    A change of a schedule never runs a task by accident; with `--catch-up` beat's own behaviour stays.
    """
    if row is not None and not any(field.field in FIRING_FIELDS for field in change.field_changes):
        return change
    start = counts_from(target, now)
    if row is not None and row.last_run_at is not None and row.last_run_at > start:
        # An earlier sync made the row wait for a `start_time` that has changed since.
        return change._replace(last_run_at=start)
    if not becomes_due(target, row, now):
        return change
    if options.catch_up:
        return change._replace(fires_at_once=start == now)
    return change._replace(last_run_at=start)
