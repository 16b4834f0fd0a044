"""What a source's rows say against what was last applied to them, without its files: for `status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from beatsync.plan.compare import applied_fields, compare, completed
from beatsync.plan.model import Cause, Condition, FieldChange
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.values import FieldValue


@dataclass(frozen=True, slots=True)
class RowState:
    """How one owned row stands: the fields that somebody changed, and what BeatSync leaves as it is."""

    name: str
    path: str
    row_id: int
    missing: bool = False
    drift: tuple[FieldChange, ...] = ()
    """`before` is what the row says, `after` what was last applied."""
    conditions: tuple[Condition, ...] = ()
    sensitive: tuple[str, ...] = ()


def states(observed: Observed, now: datetime) -> tuple[RowState, ...]:
    """Return the state of every row that the source owns, by name; `now` is aware."""
    by_id = {row.row_id: row for row in observed.rows.values()}
    return tuple(_state(entry, by_id.get(entry.row_id), now) for _, entry in sorted(observed.inventory.items()))


def _state(entry: Owned, row: Row | None, now: datetime) -> RowState:
    if row is None:
        return RowState(entry.name, entry.path, entry.row_id, missing=True)
    applied = applied_fields(entry.applied)
    fields = tuple(compare(applied, row.spec.fields(), applied, entry.policy.ignore))
    condition = _condition(entry, applied["enabled"], row, completed(row, now, one_off=applied["one_off"] is True))
    switch = applied["enabled"]
    if condition is None and switch not in {None, row.spec.enabled} and "enabled" not in entry.policy.ignore:
        fields = (*fields, FieldChange("enabled", row.spec.enabled, switch, Cause.DRIFT))
    protected = Condition.PROTECTED if entry.policy.protect else None
    conditions = tuple(found for found in (condition, protected) if found)
    return RowState(entry.name, entry.path, entry.row_id, False, fields, conditions, entry.policy.sensitive)


def _condition(entry: Owned, switch: FieldValue, row: Row, is_completed: bool) -> Condition | None:
    if entry.frozen:
        return Condition.FROZEN
    if entry.retired:
        return Condition.RETIRED
    if row.spec.enabled or switch is False:
        return None
    if is_completed:
        return Condition.COMPLETED
    return Condition.PAUSED if switch is None else None
