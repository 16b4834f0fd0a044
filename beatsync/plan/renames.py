"""Renames that the files do not declare: a schedule goes and another comes with the same values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from beatsync.plan.inventory import applied_fields
from beatsync.plan.model import Action, Change, Plan
from beatsync.plan.observed import Observed
from beatsync.values import Diagnostic, Location, Severity

_MAX_SHOWN = 20
"""Renames that are offered one by one."""


def possible_renames(plan: Plan, observed: Observed) -> Iterator[Diagnostic]:
    """Yield a warning for each new schedule that has the values of exactly one that is deleted, and of no other new one."""

    def is_new(change: Change) -> bool:
        return change.action is Action.CREATE and change.name not in observed.inventory

    new = _by_values(filter(is_new, plan.changes), _applied_by_plan(plan))
    if not new:
        return
    old = _by_values((c for c in plan.changes if c.action is Action.DELETE), _applied_before(observed))
    pairs = [(old[key][0], new[key][0]) for key in new if len(new[key]) == len(old.get(key, ())) == 1]
    for before, after in sorted(pairs, key=lambda pair: pair[1].name)[:_MAX_SHOWN]:
        yield Diagnostic(
            Severity.WARNING,
            "rename-possible",
            f"{after.name!r} has the values of {before.name!r}, which is deleted: is this a rename?",
            after.location or Location("."),
            hint=f"`sync: {{renamed_from: {before.name}}}` keeps the row, with its last run, its count and a pause by hand",
        )
    if len(pairs) > _MAX_SHOWN:
        message = f"{len(pairs) - _MAX_SHOWN:,} more new schedules have the values of one that is deleted"
        yield Diagnostic(Severity.WARNING, "rename-possible", message, Location("."))


def _by_values(changes: Iterable[Change], applied: dict[str, str]) -> dict[str, list[Change]]:
    """Return the changes by the values of their schedules; of a schedule with several rows, only its first row."""
    result: dict[str, list[Change]] = {}
    for change in changes:
        fields = applied_fields(applied.get(change.name, ""))
        if fields is not None and change.name == change.schedule:
            values = {name: value for name, value in fields.items() if name != "name"}
            result.setdefault(repr((change.group is None, sorted(values.items()))), []).append(change)
    return result


def _applied_by_plan(plan: Plan) -> dict[str, str]:
    return {record.name: record.applied for record in plan.records if record.row_id is None}


def _applied_before(observed: Observed) -> dict[str, str]:
    return {name: entry.applied for name, entry in observed.inventory.items()}
