"""How a source's rows differ from what was last applied to them, without reading its files: for `status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from beatsync.plan.compare import compare, completed
from beatsync.plan.identity import is_row_of
from beatsync.plan.inventory import Fields, applied_fields
from beatsync.plan.model import PAUSES, Cause, Condition, FieldChange
from beatsync.plan.observed import NameRule, Observed, Owned, Pause, Row
from beatsync.values import FieldValue


@dataclass(frozen=True, slots=True)
class RowState:
    """The state of one owned row: its drifted fields, and why a sync would leave it unchanged."""

    name: str
    path: str
    row_id: int
    missing: bool = False
    drift: tuple[FieldChange, ...] = ()
    """`before` is the row's value, `after` the one last applied."""
    conditions: tuple[Condition, ...] = ()
    sensitive: tuple[str, ...] = ()
    group: str | None = None
    """The schedule with `every` that the row is part of; None: the schedule is this one row."""
    pause: Pause | None = None
    """The operator's pause that keeps the row disabled."""
    crontab: str = ""
    """The crontab that was last applied; empty for another kind of schedule."""
    operator_fields: tuple[str, ...] = ()
    """The fields that an edit left to the operator until the file changes them."""

    @property
    def is_drifted(self) -> bool:
        """Return whether the row differs from what was applied, or was deleted outside BeatSync."""
        return self.missing or bool(self.drift)

    @property
    def is_paused(self) -> bool:
        """Return whether an operator has disabled the row."""
        return not PAUSES.isdisjoint(self.conditions)

    @property
    def schedule(self) -> str:
        """Return the name of the schedule."""
        return self.name if self.group is None else self.group


def states(observed: Observed, now: datetime) -> tuple[RowState, ...]:
    """Return the state of every row that the source owns, by name; `now` is aware."""
    by_id = observed.rows_by_id()
    return _with_partly_paused(
        [
            _state(entry, by_id.get(entry.row_id), now, observed.name_rule)
            for _, entry in sorted(observed.inventory.items())
        ]
    )


def _with_partly_paused(rows: Sequence[RowState]) -> tuple[RowState, ...]:
    """Return the states; a paused row of a schedule with other rows that are not paused has another condition."""
    running = {row.group for row in rows if row.group is not None and Condition.PAUSED not in row.conditions}
    partly = {Condition.PAUSED: Condition.PARTLY_PAUSED}
    return tuple(
        replace(row, conditions=tuple(partly.get(condition, condition) for condition in row.conditions))
        if row.group in running
        else row
        for row in rows
    )


def _state(entry: Owned, row: Row | None, now: datetime, rule: NameRule) -> RowState:
    applied = applied_fields(entry.applied)
    damaged = (Condition.DAMAGED,) if entry.damage or applied is None else ()
    if row is None or not is_row_of(entry, row, rule):
        return RowState(
            entry.name,
            entry.path,
            entry.row_id,
            missing=True,
            conditions=damaged,
            group=entry.group,
            crontab=_crontab(applied),
        )
    if applied is None:
        return RowState(entry.name, entry.path, entry.row_id, conditions=damaged, group=entry.group)
    fields = tuple(compare(applied, row.spec.fields(), applied, entry.free_fields))
    enabled = applied["enabled"]
    condition = _condition(entry, enabled, row, completed(row, now, one_off=applied["one_off"] is True))
    if condition is None and enabled not in {None, row.spec.enabled} and "enabled" not in entry.free_fields:
        fields = (*fields, FieldChange("enabled", row.spec.enabled, enabled, Cause.DRIFT))
    protected = Condition.PROTECTED if entry.policy.protect else None
    conditions = (condition, protected, Condition.OPERATOR if entry.operator_fields else None)
    return RowState(
        name=entry.name,
        path=entry.path,
        row_id=entry.row_id,
        drift=fields,
        conditions=(*filter(None, conditions), *damaged),
        sensitive=entry.policy.sensitive,
        group=entry.group,
        crontab=_crontab(applied),
        pause=entry.pause if condition is Condition.HELD else None,
        operator_fields=entry.operator_fields,
    )


def _crontab(applied: Fields | None) -> str:
    return str(applied["crontab"]) if applied is not None and "crontab" in applied else ""


def _condition(entry: Owned, enabled: FieldValue, row: Row, is_completed: bool) -> Condition | None:
    if entry.frozen:
        return Condition.FROZEN
    if entry.retired:
        return Condition.RETIRED
    if entry.pause is not None and not row.spec.enabled:
        return Condition.HELD
    if row.spec.enabled or enabled is False:
        return None
    if is_completed:
        return Condition.COMPLETED
    return Condition.PAUSED if enabled is None else None
