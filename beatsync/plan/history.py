"""An entry of the history as a value: one past sync, or what an operator did to a source or its schedules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from beatsync.plan.groups import ScheduleChange, changes_by_schedule
from beatsync.plan.jsonform import change_of_json, row_counts_of_json
from beatsync.specfile.shapes import mask_text
from beatsync.values import Actor, Revision

APPLIED, FAILED, BLOCKED, INVALID = "applied", "failed", "blocked", "invalid"
"""The outcomes of a sync."""
EDITED, PAUSED, UNPAUSED = "edited", "paused", "unpaused"
"""What operators did to schedules."""
RELEASED, SUSPENDED, RESUMED, RENAMED = "released", "suspended", "resumed", "renamed"
"""What operators did to sources."""


class Event(NamedTuple):
    """What the history says about the writing of a plan, besides the plan."""

    actor: Actor
    outcome: str = APPLIED
    """`applied` for a sync; else the name of what was done."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One past sync or other event, secrets masked; `changes` are those of the published JSON of a plan."""

    source: str
    started_at: datetime | None
    finished_at: datetime | None
    revision: Revision | None
    environment: str | None
    outcome: str
    """`applied`, `failed`, `blocked` or `invalid` for a sync; else what was done, such as `suspended` or `released`."""
    summary: Mapping[str, int]
    changes: tuple[Mapping[str, Any], ...]
    message: str
    actor: str
    entry_id: int = 0
    run_url: str = ""
    """The page of the CI system's run; empty if there is none."""
    count: int = 1
    """How often in a row the sync failed in the same way, from `started_at` to `finished_at`."""

    def changes_of(self, *names: str) -> tuple[Mapping[str, Any], ...]:
        """Return the changes of schedules or rows of these names."""
        shown = {mask_text(name) for name in names}
        return tuple(change for change in self.changes if not shown.isdisjoint({change["name"], change.get("group")}))

    def schedule_changes(self, names: Collection[str] | None = None) -> list[ScheduleChange]:
        """Return the changes by schedule; with `names`, only those of schedules or rows of these names."""
        documents = self.changes if names is None else self.changes_of(*names)
        return schedule_changes(documents)

    def name_before(self, name: str) -> str | None:
        """Return the name from which this entry renamed a schedule; None if it did not."""
        for change in self.changes_of(name):
            for field in change["fields"]:
                if field["field"] == "name" and field["after"] == mask_text(name) and field["before"] is not None:
                    return str(field["before"])
        return None


def schedule_changes(documents: Sequence[Mapping[str, Any]]) -> list[ScheduleChange]:
    """Return changes of rows, in their published JSON, by schedule."""
    return list(changes_by_schedule([change_of_json(each) for each in documents], row_counts_of_json(documents)))


def past_names(entries: Iterable[HistoryEntry], name: str) -> list[str]:
    """Return a schedule's name and those that it had before; `entries` are its own, newest first."""
    names = [name]
    for entry in entries:
        before = entry.name_before(names[-1])
        if before is not None:
            names.append(before)
    return names
