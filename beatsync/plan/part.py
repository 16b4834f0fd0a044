"""What of the database a plan is about, and whether that is still as it was when the plan was made.

A plan is a pure function of what it is made from. So one that was made before the lock was taken holds under the lock as well,
where everything that it is about reads the same there; and where anything reads otherwise, it is made again of everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from beatsync.plan.model import Action, Change, Observed, Plan, Row

MOST = 5_000
"""Names that are asked for one by one; of more, everything is read at once."""


def concerned(plan: Plan) -> frozenset[str] | None:
    """Return the names that a plan is about; None where it is better made again of everything."""
    if len(plan.changes) + len(plan.records) > MOST:
        return None
    names = {change.name for change in plan.changes} | {record.name for record in plan.records}
    names |= {record.previous_name for record in plan.records if record.previous_name is not None}
    return frozenset(names)


def still_holds(plan: Plan, names: frozenset[str], before: Observed, now: Observed) -> bool:
    """Whether the plan that was made of `before` is that of `now`, which was read of `names` alone."""
    whole = replace(before, rows={}, inventory={}, owners={})
    if whole != replace(now, rows={}, inventory={}, owners={}):
        return False
    read = {row.row_id for row in now.rows.values()}
    return (
        all(before.rows.get(name) == now.rows.get(name) for name in names.union(now.rows))
        and all(before.inventory.get(name) == now.inventory.get(name) for name in names.union(now.inventory))
        and all(before.owners.get(name) == now.owners.get(name) for name in names.union(now.owners))
        and all(change.row_id in read for change in plan.changes if change.row_id is not None)
    )


def names_of(plan: Plan) -> frozenset[str]:
    """Return the names that a plan's changes leave rows with, or take from them."""
    return frozenset(name for one in plan.changes for name in (one.name, one.target.name if one.target else one.name))


def as_written(plan: Plan, rows: Mapping[str, Row]) -> bool:
    """Whether rows that were read after the plan was applied plainly say what it wrote; where not, a closer look must tell."""
    return all(_as_written(change, rows) for change in plan.changes)


def _as_written(change: Change, rows: Mapping[str, Row]) -> bool:
    if change.action is Action.FORGET:
        return True
    row = rows.get(change.target.name if change.target else change.name)
    if change.action is Action.DELETE:
        return row is None or row.row_id != change.row_id
    if row is None or (change.row_id is not None and row.row_id != change.row_id):
        return False
    if change.action is Action.DISABLE:
        return not row.found.enabled
    return change.target in (row.found, row.spec)
