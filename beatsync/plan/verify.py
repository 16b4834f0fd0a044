"""Whether rows that were read after the commit hold what the plan wrote."""

from __future__ import annotations

from collections.abc import Mapping

from beatsync.plan.model import Action, Change, Plan
from beatsync.plan.observed import Row


def written_names(plan: Plan) -> frozenset[str]:
    """Return the names of the rows that the plan writes or removes, after the plan."""
    return frozenset(name for change in plan.changes for name in (change.name, _name_of_row(change)))


def written_as_planned(plan: Plan, rows: Mapping[str, Row]) -> bool:
    """Return whether `rows`, which hold every existing row of `written_names(plan)`, are as the plan wrote them.

    False if a row keeps a drifted value that `sync.ignore` allows: only a new plan shows that this is intended.
    """
    return all(_is_written(change, rows.get(_name_of_row(change))) for change in plan.changes)


def _name_of_row(change: Change) -> str:
    return change.target.name if change.target is not None else change.name


def _is_written(change: Change, row: Row | None) -> bool:
    if change.action is Action.FORGET:
        return True
    if change.action is Action.DELETE:
        return row is None or row.row_id != change.row_id
    if row is None or (change.row_id is not None and row.row_id != change.row_id):
        return False
    return not row.spec.enabled if change.action is Action.DISABLE else row.spec == change.target
