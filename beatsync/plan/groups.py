"""Schedules with several rows: turns decisions and changes about rows into those about schedules, and counts schedules.

A plan lists rows. Everything that counts or shows schedules uses this module; a schedule without `every` is its one row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from beatsync.plan.model import Action, Cause, Change, Condition, Decision, Group, Plan, common_cause
from beatsync.plan.observed import Observed, Owned
from beatsync.values import SCHEDULE_FIELDS, Desired


class ScheduleChange(NamedTuple):
    """What a plan does to one schedule."""

    action: Action
    name: str
    changes: tuple[Change, ...]
    """The changes of its rows, in the order of the rows' numbers."""
    rows: int
    """Number of its rows after the plan; 0 if the schedule ends."""

    @property
    def cause(self) -> Cause:
        """Return the cause of the changes; `both` if they have several."""
        return common_cause(change.cause for change in self.changes)

    @property
    def fires_at_once(self) -> bool:
        """Return whether beat will run a row when it next checks."""
        return any(change.fires_at_once for change in self.changes)

    @property
    def is_group(self) -> bool:
        """Return whether the schedule has or had several rows."""
        return any(change.group is not None for change in self.changes)


def schedule_changes(plan: Plan) -> Iterator[ScheduleChange]:
    """Yield the changes of a plan by schedule, sorted by the name of the first row that changes."""
    return changes_by_schedule(plan.changes, row_counts(plan))


def row_counts(plan: Plan) -> dict[str, int]:
    """Return the number of rows after the plan of each schedule with several rows that it mentions, by name."""
    return {group.name: len(group.rows) for group in plan.groups}


def changes_by_schedule(changes: Sequence[Change], rows: Mapping[str, int]) -> Iterator[ScheduleChange]:
    """Yield changes of rows by schedule, in the order of the first row that changes; `rows` is that of `row_counts`."""
    groups = _changes_by_group(changes)
    names = frozenset(groups)
    for change in changes:
        name = change.schedule
        if name not in names:
            yield ScheduleChange(change.action, name, (change,), 0 if change.ends_row else 1)
        elif name in groups:
            ordered = sorted(groups.pop(name), key=lambda each: row_order(each.name))
            yield ScheduleChange(_action(ordered, rows.get(name, 0)), name, tuple(ordered), rows.get(name, 0))


def _changes_by_group(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Return the changes of each schedule with several rows, also of one that has a single row from now on."""
    groups: dict[str, list[Change]] = {}
    names = {change.group for change in changes if change.group is not None}
    if names:
        for change in changes:
            if change.schedule in names:
                groups.setdefault(change.schedule, []).append(change)
    return groups


def row_order(name: str) -> tuple[int, str]:
    """Return the sort key of the name of a row among those of its schedule: `NAME#9` comes before `NAME#10`."""
    return len(name), name


def _action(changes: Sequence[Change], rows: int) -> Action:
    """Return what the changes of its rows do to a schedule that has `rows` rows afterwards."""
    actions = {change.action for change in changes}
    if not rows:
        return Action.DELETE if Action.DELETE in actions else Action.FORGET
    for action in (Action.DISABLE, Action.ADOPT):
        if action in actions:
            return action
    return Action.CREATE if actions == {Action.CREATE} and len(changes) == rows else Action.UPDATE


def count_actions(plan: Plan) -> Counter[Action]:
    """Return the number of schedules that each action changes."""
    if not any(change.group is not None for change in plan.changes):
        return Counter(change.action for change in plan.changes)
    return Counter(schedule.action for schedule in schedule_changes(plan))


def moves_runs(plan: Plan) -> bool:
    """Return whether rows of a schedule that stays take over runs from other rows of it."""
    if all(change.group is None for change in plan.changes):
        return False
    return any(
        schedule.is_group
        and schedule.action in (Action.UPDATE, Action.ADOPT)
        and any(_moves_runs(change) for change in schedule.changes)
        for schedule in schedule_changes(plan)
    )


def _moves_runs(change: Change) -> bool:
    replaces = change.action in (Action.CREATE, Action.DELETE)
    return replaces or any(field.field in SCHEDULE_FIELDS for field in change.field_changes)


def schedules_of_rows(plan: Plan) -> dict[str, str]:
    """Return the schedule of each row of a schedule with several rows that the plan mentions."""
    return {row: group.name for group in plan.groups for row in group.rows}


def schedule_conditions(plan: Plan) -> list[tuple[str, Condition]]:
    """Return why schedules stay as they are, each schedule once for each reason."""
    schedules = schedules_of_rows(plan)
    return distinct((schedules.get(name, name), condition) for name, condition in plan.conditions)


def schedule_notes(plan: Plan) -> dict[str, str]:
    """Return what people should know about the conditions of schedules, by name: the note of the first row that has one."""
    schedules = schedules_of_rows(plan)
    return {schedules.get(name, name): note for name, note in reversed(plan.notes)}


def distinct(conditions: Iterable[tuple[str, Condition]]) -> list[tuple[str, Condition]]:
    """Return the pairs without repetitions, in their order."""
    return list(dict.fromkeys(conditions))


def distinct_clauses(rows: Iterable[str]) -> str:
    """Return the distinct clauses of several rows, in their order."""
    return ", ".join(dict.fromkeys(clause for row in rows for clause in row.split(", ") if clause))


# What follows is used while a plan is made.


def with_partly_paused(decisions: Sequence[Decision]) -> Sequence[Decision]:
    """Return the decisions; a paused row of a schedule with other rows that are not paused has another condition."""
    paused = {d.group for d in decisions if d.condition is Condition.PAUSED and d.group is not None}
    if not paused:
        return decisions
    partly = {
        d.group for d in decisions if d.group in paused and d.condition is not Condition.PAUSED and not d.ends_row
    }
    return [
        d._replace(condition=Condition.PARTLY_PAUSED) if d.condition is Condition.PAUSED and d.group in partly else d
        for d in decisions
    ]


def groups_of(decisions: Iterable[Decision], continued: Collection[str]) -> tuple[Group, ...]:
    """Return the schedules with several rows; those in `continued` have at least the row with the name of the schedule."""
    rows: dict[str, list[str]] = {}
    for decision in decisions:
        if decision.group is not None:
            names = rows.setdefault(decision.group, [])
            if not decision.ends_row:
                names.append(decision.name)
    for name in continued:
        rows[name] = rows.get(name) or [name]
    return tuple(Group(name, tuple(sorted(names, key=row_order))) for name, names in sorted(rows.items()))


def groups_of_entries(entries: Iterable[Owned]) -> tuple[Group, ...]:
    """Return the schedules with several rows that a source owns, for a plan that neither adds nor ends rows."""
    rows: dict[str, list[str]] = {}
    for entry in entries:
        if entry.group is not None:
            rows.setdefault(entry.group, []).append(entry.name)
    return tuple(Group(name, tuple(sorted(names, key=row_order))) for name, names in sorted(rows.items()))


def count_unchanged(
    enforced: Iterable[Decision], pruned: Iterable[Decision], frozen: Iterable[Owned], desired: Desired
) -> int:
    """Return how many schedules stay as they are: declared ones, frozen ones, and those of unchanged files."""
    plain, groups = 0, set[str]()
    changed = {d.group for d in pruned if d.change is not None and d.group is not None}
    for decision in enforced:
        is_unchanged = decision.change is None and decision.diagnostic is None
        if decision.group is None:
            plain += is_unchanged and decision.name not in changed
        else:
            (groups if is_unchanged else changed).add(decision.group)
    unread = {*desired.unchanged_groups.values()}
    rows = len(desired.unchanged) - len(desired.unchanged_groups) - len(desired.unchanged & changed - unread)
    return plain + rows + len((groups | unread) - changed) + len({entry.schedule for entry in frozen})


def count_owned(desired: Desired, observed: Observed, *, retired: bool) -> int:
    """Return how many schedules a source owns, with those outside the scope; `retired`: also those that were disabled."""
    plain, groups = 0, {*desired.unchanged_groups.values()}
    for entry in observed.inventory.values():
        if retired or not entry.retired:
            if entry.group is None:
                plain += 1
            else:
                groups.add(entry.group)
    # Each row of an unchanged file has an entry, which was not read.
    unread = desired.unchanged - observed.inventory.keys()
    return plain + len(groups) + len(unread - desired.unchanged_groups.keys())
