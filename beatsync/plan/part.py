"""What of the database a plan is about, and whether that is still as it was when the plan was made.

A plan is a pure function of what it is made from. So one that was made before the lock was taken holds under the lock as well,
where everything that it is about reads the same there; and where anything reads otherwise, it is made again of everything.
"""

from __future__ import annotations

from dataclasses import replace

from beatsync.plan.model import Observed, Plan
from beatsync.values import Desired

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


def of(desired: Desired, names: frozenset[str]) -> Desired:
    """Return what the files say of some names."""
    return replace(desired, schedules=tuple(one for one in desired.schedules if one.spec.name in names))
