"""What of the database a plan is about, and whether that is still as it was when the plan was made.

A plan is a pure function of what it is made from. So one that was made before the lock was taken holds under the lock as well,
where everything that it is about reads the same there; and where anything reads otherwise, it is made again of everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from beatsync.plan.diff import make_plan
from beatsync.plan.guard import is_removal
from beatsync.plan.model import Action, Change, Condition, Plan
from beatsync.plan.observed import NameRule, Observed, Row
from beatsync.plan.request import Request
from beatsync.values import Desired, Revision, Severity

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
    whole = replace(before, rows={}, inventory={}, owners={}, settled=frozenset())
    if whole != replace(now, rows={}, inventory={}, owners={}):
        return False
    read = {row.row_id for row in now.rows.values()}
    return (
        all(before.rows.get(name) == now.rows.get(name) for name in names.union(now.rows))
        and all(before.inventory.get(name) == now.inventory.get(name) for name in names.union(now.inventory))
        and all(before.owners.get(name) == now.owners.get(name) for name in names.union(now.owners))
        and all(change.row_id in read for change in plan.changes if change.row_id is not None)
    )


def is_beside(desired: Desired, before: Observed, now: Observed) -> bool:
    """Whether all that differs between two looks at everything are rows that neither these files nor any source speaks of.

    Then a plan of `before` is that of `now`: somebody may save rows of their own while a large plan is made.
    """
    if replace(before, rows={}) != replace(now, rows={}):
        return False
    if before.rows.keys() != now.rows.keys() and before.name_rule is not NameRule.EXACT:
        return False  # a new name may be taken for one of ours
    names = {name for name in {**before.rows, **now.rows} if before.rows.get(name) != now.rows.get(name)}
    ids = {rows[name].row_id for rows in (before.rows, now.rows) for name in names if name in rows}
    return (
        ids.isdisjoint(entry.row_id for entry in before.inventory.values())
        and ids.isdisjoint(claim.row_id for claim in before.owners.values())
        and ids.isdisjoint(stone.row_id for stone in before.tombstones)
        and names.isdisjoint(before.settled)
        and names.isdisjoint(declared.spec.name for declared in desired.schedules)
        and names.isdisjoint(declared.policy.renamed_from for declared in desired.schedules)
    )


@dataclass(frozen=True, slots=True)
class Base:
    """What the last sync of everything, or of a part of it, left behind."""

    revision: Revision
    conditions: tuple[tuple[str, Condition], ...] = ()


def part_plan(desired: Desired, names: frozenset[str], base: Base, observed: Observed, request: Request) -> Plan | None:
    """Return the plan of everything, made of what was read of `names` alone; None where only everything can tell.

    Outside of `names` the files say what they said when `base` was synced, and the rows are taken to say the same: what
    somebody changed there meanwhile is for the next look at everything.
    """
    if (
        any(one.severity is Severity.ERROR for one in desired.diagnostics)
        or desired.environment != observed.environment
    ):
        return None
    if not _is_based(base, observed, request):
        return None
    made = make_plan(_of(desired, names), observed, request)
    if made.blocked or made.diagnostics != desired.diagnostics or not all(map(_is_usual, made.changes)):
        return None
    if any(record.previous_name is not None for record in made.records):
        return None
    others = (pair for pair in base.conditions if pair[0] not in names)
    return replace(
        made,
        unchanged=len(desired.schedules) - len(made.changes),
        conditions=tuple(sorted((*others, *made.conditions))),
    )


def _is_based(base: Base, observed: Observed, request: Request) -> bool:
    """Whether the database was last synced to what `base` is, and by nobody else to anything else."""
    return (
        observed.is_settled
        and observed.revision == base.revision
        and observed.origin == request.origin
        and observed.suspension is None
        and request.options.approved is None
    )


def _is_usual(change: Change) -> bool:
    """Whether a change is one that no guard and no other row has to do with."""
    if change.action not in {Action.CREATE, Action.UPDATE} or is_removal(change):
        return False
    return not any(field.field == "name" for field in change.fields)


def _of(desired: Desired, names: frozenset[str]) -> Desired:
    return replace(desired, schedules=tuple(one for one in desired.schedules if one.spec.name in names))


def names_of(plan: Plan) -> frozenset[str]:
    """Return the names that a plan's changes leave rows with, or take from them."""
    return frozenset(name for one in plan.changes for name in (one.name, one.target.name if one.target else one.name))


def as_written(plan: Plan, rows: Mapping[str, Row]) -> bool:
    """Whether rows that were read after the plan was applied plainly say what it wrote; where not, a closer look must tell."""
    return all(_as_written(change, rows) for change in plan.changes)


def is_told(plan: Plan) -> bool:
    """Whether all that the plan wrote are new rows of which the inventory knows what they are."""
    return all(change.action is Action.CREATE for change in plan.changes) and all(
        record.left for record in plan.records
    )


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
    # Not `in (…)`, which would normalise every row that says the same already.
    return change.target == row.found or change.target == row.spec  # noqa: PLR1714
