"""Step 2 of a plan: compare a matched schedule with its row, and decide what makes the row equal to the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from beatsync.plan import conflicts
from beatsync.plan.compare import compare_row
from beatsync.plan.firing import FIRING_FIELDS, RESTARTING_FIELDS, becomes_due, counts_from
from beatsync.plan.inventory import new_record, record_if_changed
from beatsync.plan.match import Match
from beatsync.plan.model import Action, Cause, Change, Condition, Decision, FieldChange, Record, common_cause
from beatsync.plan.observed import Pause, Row
from beatsync.plan.request import Request
from beatsync.specfile import crontab
from beatsync.specfile.passed import clocked_past, is_clocked_past
from beatsync.values import Crontab, Diagnostic, Severity, TaskSpec


class _Refusal(NamedTuple):
    """Why a value may not be written."""

    code: str
    message: str
    hint: str | None = None


def enforce_all(matches: Sequence[Match], request: Request) -> list[Decision]:
    """Return the decision about each matched schedule. A schedule that is paused gets new rows that are paused too."""
    held = {m.declared.schedule: m.entry.pause for m in matches if m.entry is not None and m.entry.pause is not None}
    paused = _paused_groups([match for match in matches if match.declared.group is not None], request)
    if paused:
        matches = [
            _paused(match) if match.declared.group in paused and match.row is None else match for match in matches
        ]
    return [enforce(match, request, held.get(match.declared.schedule)) for match in matches]


def _paused_groups(matches: Sequence[Match], request: Request) -> AbstractSet[str | None]:
    """Return the schedules among `matches` that get new rows and whose existing rows all stay disabled."""
    growing = {match.declared.group for match in matches if match.row is None and not match.declared.enabled_declared}
    enabled: dict[str | None, bool] = {}
    for match in matches:
        group = match.declared.group
        if match.row is not None and group in growing:
            change = _decide(match, request).change
            values = match.row.spec if change is None or change.target is None else change.target
            enabled[group] = enabled.get(group, False) or values.enabled
    return {group for group, is_enabled in enabled.items() if not is_enabled}


def _paused(match: Match) -> Match:
    declared = match.declared
    return match._replace(declared=declared._replace(spec=declared.spec._replace(enabled=False)))


def enforce(match: Match, request: Request, pause: Pause | None = None) -> Decision:
    """Return the decision about a matched schedule: to create its row, to change it, or neither.

    `pause` is the pause of the schedule; a new row is created disabled then.
    """
    decision = _decide(match, request, pause)
    if match.declared.group is not None:
        decision = decision.in_group(match.declared.group)
    if match.entry is None or decision.record is None:
        return decision
    return decision._replace(warning=conflicts.healed_entry(match.entry, match.declared.location))


def _decide(match: Match, request: Request, pause: Pause | None = None) -> Decision:
    declared, entry, row = match.declared, match.entry, match.row
    spec = declared.spec
    if row is None:
        return _create(match, request, pause)
    record = record_if_changed(declared, entry, row)
    if record is None and row.spec == spec and (entry is None or entry.pause is None):
        return Decision(spec.name)  # as for nearly all rows; this comparison is cheap
    fields, condition = compare_row(declared, entry, row, request.now)
    if not fields and entry is not None:
        return Decision(spec.name, record=record, condition=condition)
    # `enabled` stays unless it is one of the changed fields.
    enabled = next((bool(field.after) for field in fields if field.field == "enabled"), row.spec.enabled)
    return _write(match, spec._replace(enabled=enabled), fields, record, condition, request)


def _create(match: Match, request: Request, pause: Pause | None) -> Decision:
    declared, entry, spec = match.declared, match.entry, match.declared.spec
    if entry is not None and _has_passed(spec, request):
        # Completed, and its row was deleted since: a new row would run a one-time task again, and any other never.
        return Decision(spec.name, condition=Condition.COMPLETED)
    if pause is not None:
        target = spec._replace(enabled=False)
        decision = _write(match, target, (), new_record(declared, entry, None), Condition.HELD, request)
        return decision._replace(pause=replace(pause, since=request.now, was_enabled=True))
    condition = None if spec.enabled or declared.enabled_declared else Condition.PAUSED
    return _write(match, spec, (), new_record(declared, entry, None), condition, request)


def _write(
    match: Match,
    target: TaskSpec,
    fields: tuple[FieldChange, ...],
    record: Record | None,
    condition: Condition | None,
    request: Request,
) -> Decision:
    """Return the decision to write `target`, or the diagnostic that refuses or skips it."""
    declared, entry, row = match.declared, match.entry, match.row
    changed = {field.field for field in fields}
    stopped = _stopped(match, target, changed, request)
    if stopped is not None:
        return stopped
    change = Change(
        action=Action.CREATE if row is None else Action.ADOPT if entry is None else Action.UPDATE,
        name=target.name,
        cause=Cause.SPEC if entry is None else common_cause(field.cause for field in fields),
        field_changes=fields,
        location=declared.location,
        target=target,
        # What the file no longer lists was secret when the old value was written.
        sensitive=tuple(sorted({*declared.policy.sensitive, *(entry.policy.sensitive if entry is not None else ())})),
        note=match.note,
        clauses=declared.clauses,
    ).of_row(row)
    if row is None or changed & FIRING_FIELDS:
        in_group = declared.group is not None or (entry is not None and entry.group is not None)
        change = prevent_immediate_run(change, target, row, request, in_group=in_group)
    return Decision(target.name, change, record, condition)


def prevent_immediate_run(
    change: Change, target: TaskSpec, row: Row | None, request: Request, *, in_group: bool
) -> Change:
    """Return `change` with the `last_run_at` that keeps beat from running the task at once, or marked as `fires_at_once`.

    A change of a schedule never runs a task by accident; with `--catch-up` beat's own behaviour stays.
    """
    start = counts_from(target, request.now)
    if row is not None and row.last_run_at is not None and row.last_run_at > start:
        # An earlier sync made the row wait for a `start_time` that has changed since.
        return change._replace(last_run_at=start)
    if not becomes_due(target, row, request.now, in_group=in_group):
        return change
    if request.options.catch_up:
        return change._replace(fires_at_once=start == request.now)
    return change._replace(last_run_at=start)


def _has_passed(spec: TaskSpec, request: Request) -> bool:
    """Return whether the clocked time or `expires` has passed."""
    return is_clocked_past(spec, request.now) or (spec.expires is not None and spec.expires <= request.now)


def _is_too_late(target: TaskSpec, changed: set[str], request: Request) -> bool:
    """Return whether writing a one-time task would make beat run it at once, because its time has passed."""
    is_scheduled = not changed or bool(changed & RESTARTING_FIELDS)
    return is_scheduled and target.enabled and not request.options.catch_up and is_clocked_past(target, request.now)


def _stopped(match: Match, target: TaskSpec, changed: set[str], request: Request) -> Decision | None:
    """Return the decision to skip the schedule or to refuse `target`; None if it may be written."""
    if _is_too_late(target, changed, request):
        warning = clocked_past(target, match.declared.location)
        return Decision(target.name, condition=Condition.SKIPPED, warning=warning)
    refusal = _refusal(match, target, changed, request)
    return None if refusal is None else Decision(target.name, diagnostic=refusal)


def _refusal(match: Match, target: TaskSpec, changed: set[str], request: Request) -> Diagnostic | None:
    """Return why `target`, which differs from the row in the fields `changed`, may not be written; None if it may."""
    for refusal in _refusals(match.row, target, changed, request):
        if refusal is not None:
            return Diagnostic(Severity.ERROR, refusal.code, refusal.message, match.declared.location, refusal.hint)
    return None


def _refusals(row: Row | None, target: TaskSpec, changed: set[str], request: Request) -> Iterator[_Refusal | None]:
    """Yield the result of each check that applies."""
    if row is None or "crontab" in changed:
        yield _misread_crontab(target)
    if row is None or "enabled" in changed:
        yield _expired(target, request)
    if row is not None and changed & FIRING_FIELDS:
        yield _one_off_that_ran(target, row)


def _misread_crontab(target: TaskSpec) -> _Refusal | None:
    """Refuse a crontab that the parser of the installed celery does not read as crontab(5) means it."""
    schedule = target.schedule
    field = crontab.misread(schedule) if isinstance(schedule, Crontab) else None
    if field is None:
        return None
    text = getattr(schedule, field)
    return _Refusal("crontab-celery", f"{field}: this version of celery does not read {text!r} as crontab(5) does")


def _expired(target: TaskSpec, request: Request) -> _Refusal | None:
    """Refuse to create or enable a row past its `expires`: beat would never run it, and disables it."""
    if not target.enabled or target.expires is None or target.expires > request.now:
        return None
    message = f"{target.name!r} expired at {target.expires.isoformat()}, so it would never run"
    return _Refusal(
        "expires-past",
        message,
        "set a later time, or remove `expires` or the schedule; expire_seconds limits each message",
    )


def _one_off_that_ran(target: TaskSpec, row: Row) -> _Refusal | None:
    """Refuse to turn a row that has run into a one-off: beat treats it as completed, and only beat writes the count of runs."""
    if not (target.one_off and target.enabled and row.total_run_count):
        return None
    return _Refusal(
        "one-off-ran",
        f"the row of {target.name!r} has already run; beat treats a one-off that has run as completed, so it would never run",
        "declare it under a new name; if it is a one-off that has just run, beat disables it shortly",
    )
