"""What happens to rows that this source owns and no file declares any more."""

from __future__ import annotations

from beatsync.plan.enforce import Finding
from beatsync.plan.model import Action, Cause, Change, Condition, FieldChange, Record
from beatsync.plan.observed import Owned, Row
from beatsync.values import OnRemove


def prune(entry: Owned, row: Row | None, *, frozen: bool) -> Finding:
    """Return what a sync would do about one undeclared entry.

    `frozen`: a file is invalid and the others are synced without it. Whatever is missing then may stand in that file, so
    nothing goes.
    """
    if row is None:
        return Finding(_change(Action.FORGET, entry, None, Cause.DRIFT, "the row was deleted by somebody"))
    if frozen:
        return freeze(entry, row)
    if entry.policy.protect:
        return Finding(record=_noted(entry, row, frozen=False), condition=Condition.PROTECTED)
    if entry.policy.on_remove is OnRemove.KEEP:
        return Finding(_change(Action.FORGET, entry, row, Cause.SPEC, "kept as it is (on_remove: keep)"))
    if entry.policy.on_remove is OnRemove.DISABLE:
        return _retire(entry, row)
    return Finding(_change(Action.DELETE, entry, row, Cause.SPEC, None))


def pass_on(entry: Owned, row: Row) -> Finding:
    """Return that an undeclared entry ends and its row stays, which somebody put in the place of another."""
    return Finding(_change(Action.FORGET, entry, row, Cause.DRIFT, f"its row goes by the name {row.name} now"))


def goes(entry: Owned) -> bool:
    """Whether an entry's row is deleted when it leaves the files."""
    return entry.policy.on_remove is OnRemove.DELETE and not entry.policy.protect


def is_let_go(entry: Owned) -> bool:
    """Whether an entry's row stays and is nobody's when it leaves the files."""
    return entry.policy.on_remove is OnRemove.KEEP and not entry.policy.protect


def freeze(entry: Owned, row: Row) -> Finding:
    """Return that a row is left as it is until every file can be read again."""
    return Finding(record=_noted(entry, row, frozen=True), condition=Condition.FROZEN)


def bury(row: Row) -> Change:
    """Return the change that deletes once more what beat brought back."""
    return Change(
        action=Action.DELETE,
        name=row.spec.name,
        cause=Cause.DRIFT,
        row_id=row.row_id,
        schedule_id=row.schedule_id,
        schedule_kind=row.spec.schedule.kind if row.spec.schedule else None,
        note="brought back by beat after it was deleted",
    )


def _noted(entry: Owned, row: Row, *, frozen: bool) -> Record | None:
    """Return the entry to write where it does not say yet whether it is frozen."""
    if entry.frozen is frozen:
        return None
    return Record(entry.name, row.row_id, entry.applied, entry.policy, entry.path, entry.retired, frozen=frozen)


def _retire(entry: Owned, row: Row) -> Finding:
    if entry.retired:
        return Finding(record=_noted(entry, row, frozen=False), condition=Condition.RETIRED)
    record = Record(entry.name, row.row_id, entry.applied, entry.policy, entry.path, retired=True)
    if not row.spec.enabled:
        return Finding(record=record, condition=Condition.RETIRED)
    change = _change(Action.DISABLE, entry, row, Cause.SPEC, "left the files (on_remove: disable)")
    return Finding(change, record)


def _change(action: Action, entry: Owned, row: Row | None, cause: Cause, note: str | None) -> Change:
    switched_off = (FieldChange("enabled", before=True, after=False, cause=cause),)
    return Change(
        action=action,
        name=entry.name,
        cause=cause,
        fields=switched_off if action is Action.DISABLE else (),
        row_id=row.row_id if row else None,
        schedule_id=row.schedule_id if row else None,
        schedule_kind=row.spec.schedule.kind if row and row.spec.schedule else None,
        sensitive=entry.policy.sensitive,
        note=note,
    )
