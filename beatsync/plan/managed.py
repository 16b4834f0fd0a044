"""A row that a source owns, as the Django admin sees it: its state, and which of its fields a sync would restore."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from beatsync.plan.drift import RowState, states
from beatsync.plan.inventory import applied_fields
from beatsync.plan.model import Action, Cause, Change, FieldChange, Group, Plan
from beatsync.plan.observed import APPLICATION_PATH, NameRule, Observed, Owned, Row
from beatsync.values import FIELDS, SCHEDULE_FIELDS, Revision


@dataclass(frozen=True, slots=True)
class ManagedRow:
    """A row with the inventory entry that owns it."""

    source: str
    entry: Owned
    state: RowState

    @property
    def is_application(self) -> bool:
        """Return whether an application declares the schedule at run time."""
        return self.entry.path == APPLICATION_PATH

    @property
    def locked_fields(self) -> frozenset[str]:
        """Return the fields, names of `FIELDS`, whose change a sync would undo."""
        free = set(self.entry.free_fields)
        if not free.isdisjoint(SCHEDULE_FIELDS):
            free.update(SCHEDULE_FIELDS)  # one value
        applied = applied_fields(self.entry.applied)
        if applied is None or applied["enabled"] is None:
            free.add("enabled")  # it belongs to the operator
        return frozenset(FIELDS) - free


def managed_rows(
    owned: Sequence[tuple[str, Owned]], rows: Iterable[Row], rule: NameRule, now: datetime
) -> dict[int, ManagedRow]:
    """Return the rows that have an entry, by key; `owned` are entries with the names of their sources.

    If several entries have one row, which only SQL or a broken restore can do, the first one by name counts.
    """
    sources = {entry.name: source for source, entry in owned}
    observed = Observed(
        rows={row.name: row for row in rows}, inventory={entry.name: entry for _, entry in owned}, name_rule=rule
    )
    return {
        state.row_id: ManagedRow(sources[state.name], observed.inventory[state.name], state)
        for state in reversed(states(observed, now))
        if not state.missing
    }


def edit_plan(managed: ManagedRow, before: Row, after: Row, group_rows: Sequence[str] = ()) -> Plan:
    """Return what an operator changed in a row, for the history; without changes if nothing. `group_rows` are all of its schedule."""
    fields = changed_fields(before, after)
    entry = managed.entry
    change = Change(
        Action.UPDATE,
        entry.name,
        Cause.EDIT,
        fields,
        row_id=after.row_id,
        sensitive=entry.policy.sensitive,
        group=entry.group,
    )
    groups = (Group(entry.group, tuple(group_rows)),) if entry.group is not None else ()
    return Plan(managed.source, Revision(""), changes=(change,) if fields else (), groups=groups)


def changed_fields(before: Row, after: Row) -> tuple[FieldChange, ...]:
    """Return the fields that differ between two versions of a row."""
    old, new = before.spec.fields(), after.spec.fields()
    names = [name for name in FIELDS if old.get(name) != new.get(name)]
    return tuple(FieldChange(name, old.get(name), new.get(name), Cause.EDIT) for name in names)


def operator_fields(entry: Owned, changed: Collection[str], *, keep: bool) -> tuple[str, ...]:
    """Return the fields that are left to the operator after an edit: with `keep`, those of earlier edits and the changed ones; else none.

    A name is never left to the operator: the files know the row by it.
    """
    if not keep:
        return ()
    return tuple(name for name in FIELDS if name != "name" and (name in changed or name in entry.operator_fields))
