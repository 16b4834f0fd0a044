"""Step 3 of a plan: decide about the entries that no file declares, the frozen rows and the resurrected ones."""

from __future__ import annotations

from collections.abc import Mapping

from beatsync.plan.match import Leftover, Matches
from beatsync.plan.model import Action, Cause, Change, Condition, Decision, FieldChange, Record
from beatsync.plan.observed import Owned, Row
from beatsync.values import SCHEDULE_FIELDS, OnRemove, minute_text

_LOSSES = ("task", *SCHEDULE_FIELDS, "queue")
"""The fields of a row that its deletion shows."""


def prune_leftovers(matches: Matches, *, isolated: bool) -> tuple[Decision, ...]:
    """Return the decisions about the frozen rows, the undeclared entries and the resurrected rows.

    `isolated`: a file is invalid and the others are synced without it. What is missing from them may be in that file, so
    nothing is removed.
    """
    return (
        *(_in_group(_freeze(entry, row), entry.group) for entry, row in matches.frozen),
        *(_prune_in_group(leftover, matches.continued, isolated=isolated) for leftover in matches.leftovers),
        *(_delete_resurrected(row) for row in matches.resurrected),
    )


def _in_group(decision: Decision, group: str | None) -> Decision:
    return decision if group is None else decision.in_group(group)


def _prune_in_group(leftover: Leftover, continued: Mapping[str, str], *, isolated: bool) -> Decision:
    group = leftover.entry.group
    schedule = None if group is None else continued.get(group)
    if schedule is None:
        return _in_group(_prune(leftover, isolated=isolated), group)
    return _leave(leftover).in_group(schedule)


def _leave(leftover: Leftover) -> Decision:
    """Remove a row that its schedule no longer needs, whatever `sync` says: it would run beside the rows that replace it."""
    entry, row = leftover.entry, leftover.row
    if row is None or leftover.reassigned:
        return _prune(leftover, isolated=False)
    return _remove(Action.DELETE, entry, row, Cause.SPEC, leftover.note)


def _prune(leftover: Leftover, *, isolated: bool) -> Decision:
    entry, row = leftover.entry, leftover.row
    if row is None:
        return _remove(Action.FORGET, entry, None, Cause.DRIFT, leftover.note)
    if leftover.reassigned:
        return _remove(Action.FORGET, entry, row, Cause.DRIFT, f"its row was renamed to {row.name}")
    if isolated:
        return _freeze(entry, row)
    if entry.policy.protect:
        return Decision(entry.name, record=_thaw(entry, row), condition=Condition.PROTECTED)
    if entry.policy.on_remove is OnRemove.DISABLE:
        return _retire(entry, row, leftover.note)
    if entry.policy.on_remove is OnRemove.KEEP:
        note = _joined("the row is kept (on_remove: keep)", leftover.note)
        return _remove(Action.FORGET, entry, row, Cause.SPEC, note)
    return _remove(Action.DELETE, entry, row, Cause.SPEC, leftover.note)


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _remove(action: Action, entry: Owned, row: Row | None, cause: Cause, note: str) -> Decision:
    change = Change(action, entry.name, cause, sensitive=entry.policy.sensitive, note=note or None)
    if action is Action.DELETE and row is not None:
        change = _with_loss(change, row)
    return Decision(entry.name, change.of_row(row))


def _delete_resurrected(row: Row) -> Decision:
    change = Change(Action.DELETE, row.name, Cause.DRIFT, note="beat restored it after it was deleted")
    return Decision(row.name, _with_loss(change, row).of_row(row))


def _with_loss(change: Change, row: Row) -> Change:
    """Return the deletion with what is lost: the values that say what ran and when, and the last run."""
    values = row.spec.fields()
    fields = (name for name in _LOSSES if values.get(name) is not None)
    return change._replace(
        field_changes=tuple(FieldChange(name, values[name], None, change.cause) for name in fields),
        note=_joined(change.note or "", _last_run(row)) or None,
    )


def _last_run(row: Row) -> str:
    """Return when the row last ran; empty if that is unknown, because beat clears it when it disables a row."""
    # BeatSync sets `last_run_at` of a row that never ran.
    if row.total_run_count and row.last_run_at is not None:
        return f"last run {minute_text(row.last_run_at)}"
    return "it never ran" if row.spec.enabled else ""


def _freeze(entry: Owned, row: Row) -> Decision:
    """Leave the row unchanged until every file is valid."""
    # To write a damaged entry again without its file would hide the damage.
    record = None if entry.frozen or entry.damage else _record(entry, row, retired=entry.retired, frozen=True)
    return Decision(entry.name, record=record, condition=Condition.FROZEN)


def _retire(entry: Owned, row: Row, note: str) -> Decision:
    """Disable a row and keep its entry."""
    if entry.retired:
        return Decision(entry.name, record=_thaw(entry, row), condition=Condition.RETIRED)
    record = _record(entry, row, retired=True)
    if not row.spec.enabled:
        return Decision(entry.name, record=record, condition=Condition.RETIRED)
    disabled = FieldChange("enabled", before=True, after=False, cause=Cause.SPEC)
    note, sensitive = _joined("removed from the files (on_remove: disable)", note), entry.policy.sensitive
    change = Change(Action.DISABLE, entry.name, Cause.SPEC, (disabled,), sensitive=sensitive, note=note)
    return Decision(entry.name, change.of_row(row), record)


def _thaw(entry: Owned, row: Row) -> Record | None:
    """Return the record of an entry that is no longer frozen; None if it was not frozen."""
    return _record(entry, row, retired=entry.retired) if entry.frozen else None


def _record(entry: Owned, row: Row, *, retired: bool, frozen: bool = False) -> Record:
    return Record(
        entry.name,
        row.row_id,
        entry.applied,
        entry.policy,
        entry.path,
        retired,
        frozen,
        group=entry.group,
        operator_fields=entry.operator_fields,
    )
