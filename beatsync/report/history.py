"""One entry of the history as words and lines, shared by text and Markdown. What comes from the database is not escaped here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from beatsync.plan.groups import ScheduleChange
from beatsync.plan.history import BLOCKED, FAILED, INVALID, PAUSED, UNPAUSED, HistoryEntry
from beatsync.report.summary import action_counts, counted, revision_name, utc_text

FAILURES = frozenset({FAILED, BLOCKED, INVALID})
"""Outcomes of a sync that did nothing."""
MAX_LISTED = 10
"""Changed schedules of one entry that a list shows."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Which parts of the history are shown."""

    names: Collection[str] | None = None
    """Only the changes of the schedules of these names; None for all."""
    is_whole: bool = False
    """Whether everything that is stored about an entry is shown."""
    with_rows: bool = False
    """Whether each row of schedules with several rows is shown."""


def shown_changes(entry: HistoryEntry, view: HistoryView) -> tuple[Sequence[ScheduleChange], int]:
    """Return the changes to show, and how many schedules of the entry are not among them."""
    changes = entry.schedule_changes(view.names)
    shown = changes if view.is_whole else changes[:MAX_LISTED]
    return shown, len(changed_names(entry)) - len(shown)


def changed_names(entry: HistoryEntry) -> frozenset[str]:
    """Return the names of the changed schedules that the entry lists."""
    return frozenset(change.get("group") or change["name"] for change in entry.changes)


def lost_changes(entry: HistoryEntry) -> int:
    """Return how many changed schedules the database does not list: it stores the first 1,000 changes of rows."""
    changed = sum(count for action, count in entry.summary.items() if action != "unchanged")
    return max(0, changed - len(changed_names(entry)))


def outcome_words(entry: HistoryEntry) -> str:
    """Return what happened: `applied`, or `failed 12 times until 2026-06-01 12:00:00 UTC`."""
    if entry.count == 1 or entry.finished_at is None:
        return entry.outcome
    return f"{entry.outcome} {entry.count:,} times until {utc_text(entry.finished_at)}"


def closing_lines(entry: HistoryEntry, hidden: int, flags: str = "") -> Iterator[str]:
    """Yield what is not shown of an entry, and its totals.

    `hidden` is the number of its schedules that are not shown; with `flags`, `history --show` lists them.
    """
    if hidden:
        yield f"and {counted(hidden, 'other schedule')}; `beatsync history --show {entry.entry_id}{flags}` lists all"
    if lost := lost_changes(entry):
        yield f"and {counted(lost, 'schedule')} that the history does not list"
    if summary := totals(entry):
        yield summary


def totals(entry: HistoryEntry) -> str:
    """Return how many schedules were changed, if any: `1 created, 2 updated`. The plan of a failed sync did nothing."""
    if entry.outcome in {PAUSED, UNPAUSED}:
        return ""
    return ", ".join(action_counts(entry.summary, applied=entry.outcome not in FAILURES))


def entry_facts(entry: HistoryEntry) -> Iterator[str]:
    """Yield what is known about an entry besides its outcome and changes, for the line below the heading."""
    if entry.revision is not None:
        yield f"at {revision_name(entry.revision)}"
    if entry.environment:
        yield f"environment {entry.environment}"
    if entry.actor:
        yield f"by {entry.actor}"
