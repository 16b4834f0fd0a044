"""One entry of the history as words and lines, shared by text and Markdown. What comes from the database is not escaped here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from beatsync.plan.history import BLOCKED, FAILED, INVALID, PAUSED, UNPAUSED, HistoryEntry
from beatsync.plan.jsonform import change_of_json
from beatsync.plan.model import Change
from beatsync.report.summary import action_counts, counted, revision_name, utc_text

FAILURES = frozenset({FAILED, BLOCKED, INVALID})
"""Outcomes of a sync that did nothing."""
MAX_LISTED = 10
"""Changes of one entry that a list shows."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Which parts of the history are shown."""

    names: Collection[str] | None = None
    """Only the changes of the schedules of these names; None for all."""
    is_whole: bool = False
    """Whether everything that is stored about an entry is shown."""


def shown_changes(entry: HistoryEntry, view: HistoryView) -> tuple[Sequence[Change], int]:
    """Return the changes to show, and how many rows of the entry are not among them."""
    changes = [*entry.changes] if view.names is None else [*entry.changes_of(*view.names)]
    shown = changes if view.is_whole else changes[:MAX_LISTED]
    return [change_of_json(change) for change in shown], len(entry.changes) - len(shown)


def lost_changes(entry: HistoryEntry) -> int:
    """Return how many changed schedules the database does not list: it stores the first 1,000 changes of rows."""
    changed = sum(count for action, count in entry.summary.items() if action != "unchanged")
    return max(0, changed - len({change.get("group") or change["name"] for change in entry.changes}))


def outcome_words(entry: HistoryEntry) -> str:
    """Return what happened: `applied`, or `failed 12 times until 2026-06-01 12:00:00 UTC`."""
    if entry.count == 1 or entry.finished_at is None:
        return entry.outcome
    return f"{entry.outcome} {entry.count:,} times until {utc_text(entry.finished_at)}"


def closing_lines(entry: HistoryEntry, hidden: int, flags: str = "") -> Iterator[str]:
    """Yield what is not shown of an entry, and its totals.

    `hidden` is the number of its rows that are not shown; with `flags`, `history --show` lists them.
    """
    if hidden:
        yield f"and {counted(hidden, 'other row')}; `beatsync history --show {entry.entry_id}{flags}` lists all"
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
