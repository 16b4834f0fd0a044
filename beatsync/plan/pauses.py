"""An operator's pause of schedules: the plans that start and end one, and how a pause follows its rows through a sync.

A pause writes `enabled` and nothing else. Its end restores what the file last said, or what the row was, and never runs a task at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase

from beatsync.plan.enforce import prevent_immediate_run
from beatsync.plan.groups import groups_of_entries
from beatsync.plan.identity import is_row_of
from beatsync.plan.inventory import applied_fields
from beatsync.plan.model import PAUSES, Action, Cause, Change, Condition, Decision, FieldChange, PauseRecord, Plan
from beatsync.plan.observed import NameRule, Observed, Owned, Pause, Row
from beatsync.plan.request import Request
from beatsync.specfile.passed import is_clocked_past
from beatsync.values import Revision


def matching(pattern: str, schedules: Collection[str]) -> frozenset[str]:
    """Return the schedule of this name, or else those whose names match it as a glob pattern; case counts."""
    if pattern in schedules:
        return frozenset({pattern})
    return frozenset(name for name in schedules if fnmatchcase(name, pattern))


def pause_plan(source: str, schedules: Collection[str], observed: Observed, pause: Pause) -> Plan:
    """Return the plan that pauses these schedules; of a schedule that is paused already, the reason and the end change."""
    changes, records = [], []
    for entry, row in _entries(schedules, observed):
        present = entry.pause if row is None or not row.spec.enabled else None
        was_enabled = row is None or row.spec.enabled
        since = pause.since
        if present is not None:
            since, was_enabled = present.since, present.was_enabled
        records.append(PauseRecord(entry.name, replace(pause, since=since, was_enabled=was_enabled)))
        if row is None:
            note = "the row is gone; a new one will be created disabled"
        else:
            note = "" if row.spec.enabled else "it was paused already" if present else "it was disabled already"
        changes.append(_change(entry, row, note, enabled=False))
    return _plan(source, observed, changes, records)


def unpause_plan(source: str, names: Collection[str], observed: Observed, now: datetime) -> Plan:
    """Return the plan that ends the pauses of these rows, by the names of their inventory entries."""
    by_id = observed.rows_by_id()
    changes, records = [], []
    for name in sorted(names):
        entry = observed.inventory.get(name)
        records.append(PauseRecord(name, None))
        if entry is not None and entry.pause is not None:
            row = _row_of(entry, by_id, observed.name_rule)
            changes.append(_end(entry, entry.pause, row, Request(source, now, Revision(""), None)))
    return _plan(source, observed, changes, records)


def paused_rows(schedules: Collection[str], observed: Observed) -> frozenset[str]:
    """Return the names of the inventory entries of these schedules that have a pause."""
    return frozenset(e.name for e in observed.inventory.values() if e.pause is not None and e.schedule in schedules)


def followed_pauses(decisions: Iterable[Decision], observed: Observed) -> tuple[PauseRecord, ...]:
    """Return how pauses follow the rows of a sync: those of removed rows end, others move with a rename or to a new row."""
    if all(entry.pause is None for entry in observed.inventory.values()):
        return ()
    return tuple(sorted(_followed(decisions, observed), key=lambda record: (record.name, record.pause is not None)))


def _followed(decisions: Iterable[Decision], observed: Observed) -> Iterator[PauseRecord]:
    for decision in decisions:
        entry = _entry_before(decision, observed)
        if decision.pause is not None and decision.change is not None:
            yield PauseRecord(decision.name, decision.pause)
        if entry is None or entry.pause is None:
            continue
        is_renamed = entry.name != decision.name
        if decision.ends_row or is_renamed:
            yield PauseRecord(entry.name, None)
        if is_renamed and not decision.ends_row and decision.pause is None:
            yield PauseRecord(decision.name, entry.pause)


def _entry_before(decision: Decision, observed: Observed) -> Owned | None:
    """Return the present inventory entry of what a decision is about, which may have another name; None if there is none."""
    record = decision.record
    return observed.inventory.get(decision.name if record is None else record.previous_name or record.name)


def notes_of_pauses(decisions: Iterable[Decision], observed: Observed) -> tuple[tuple[str, str], ...]:
    """Return who paused which row and why, by its name."""
    notes = {}
    for decision in decisions:
        if decision.condition is Condition.HELD:
            entry = _entry_before(decision, observed)
            notes[decision.name] = str(decision.pause or (entry and entry.pause))
    return tuple(sorted(notes.items()))


def with_authors_of_pauses(plan: Plan, observed: Observed, authors: Mapping[int, str]) -> Plan:
    """Return the plan with a note on each row that was paused by hand and whose author is known, by the row's key."""
    by_hand = rows_paused_by_hand(plan, observed)
    notes = tuple((name, authors[row_id]) for name, row_id in by_hand if row_id in authors)
    return replace(plan, notes=tuple(sorted((*plan.notes, *notes)))) if notes else plan


def rows_paused_by_hand(plan: Plan, observed: Observed) -> list[tuple[str, int]]:
    """Return the names and keys of the rows that a plan leaves disabled because an operator disabled them."""
    names = [name for name, condition in plan.conditions if condition in PAUSES and condition is not Condition.HELD]
    return [(name, observed.rows[name].row_id) for name in names if name in observed.rows]


def _entries(schedules: Collection[str], observed: Observed) -> Iterator[tuple[Owned, Row | None]]:
    by_id = observed.rows_by_id()
    for _, entry in sorted(observed.inventory.items()):
        if entry.schedule in schedules:
            yield entry, _row_of(entry, by_id, observed.name_rule)


def _row_of(entry: Owned, by_id: Mapping[int, Row], rule: NameRule) -> Row | None:
    row = by_id.get(entry.row_id)
    return row if row is not None and is_row_of(entry, row, rule) else None


def _plan(source: str, observed: Observed, changes: Iterable[Change], records: Iterable[PauseRecord]) -> Plan:
    return Plan(
        source=source,
        revision=observed.revision or Revision(""),
        environment=observed.environment,
        origin=observed.origin,
        changes=tuple(changes),
        pauses=tuple(records),
        groups=groups_of_entries(observed.inventory.values()),
        key=observed.plan_key,
    )


def _change(entry: Owned, row: Row | None, note: str, *, enabled: bool) -> Change:
    """Return the change of `enabled`; one that writes nothing, for the history, if the row is gone or as it shall be."""
    change = Change(Action.UPDATE, entry.name, Cause.PAUSE, note=note or None, group=entry.group)
    if row is None or row.spec.enabled is enabled:
        return change
    field = FieldChange("enabled", row.spec.enabled, enabled, Cause.PAUSE)
    return change._replace(field_changes=(field,), target=row.spec._replace(enabled=enabled)).of_row(row)


def _end(entry: Owned, pause: Pause, row: Row | None, request: Request) -> Change:
    if row is None:
        return _change(entry, None, "the row is gone", enabled=True)
    if row.spec.enabled:
        return _change(entry, row, "the row was enabled meanwhile", enabled=True)
    reason = _stays_disabled(entry, pause, row, request.now)
    change = _change(entry, row, reason, enabled=not reason)
    if change.target is None:
        return change
    return prevent_immediate_run(change, change.target, row, request, in_group=entry.group is not None)


def _stays_disabled(entry: Owned, pause: Pause, row: Row, now: datetime) -> str:
    """Return why the end of a pause does not enable a row; empty if it does."""
    applied = applied_fields(entry.applied)
    declared = applied["enabled"] if applied is not None else None
    if entry.retired:
        return "stays disabled: it was removed from the files"
    if declared is False:
        return "stays disabled: the file says enabled: false"
    if declared is None and not pause.was_enabled:
        return "stays disabled: it was disabled before the pause"
    if row.spec.expires is not None and row.spec.expires <= now:
        return "stays disabled: it expired"
    if is_clocked_past(row.spec, now):
        return "stays disabled: its time has passed, so it would run at once"
    if row.spec.one_off and _may_have_run(row, pause):
        return "stays disabled: it is a one-off that may have run, and beat runs one that is enabled again"
    return ""


def _may_have_run(row: Row, pause: Pause) -> bool:
    """Return whether beat may have completed a one-off: it then clears its count and its last run (docs/facts.md, 6).

    The pause itself wrote `date_changed`, so a row with another one was saved since. Some columns keep whole seconds only.
    """
    untouched = row.date_changed in (pause.since, pause.since.replace(microsecond=0))
    ran_since = row.last_run_at is not None and row.last_run_at > pause.since
    return not pause.was_enabled or row.total_run_count > 0 or ran_since or not untouched
