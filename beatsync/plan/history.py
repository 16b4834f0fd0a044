"""An entry of the history as a value: one past sync, or what an operator did to a source or its schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from beatsync.specfile.shapes import mask_text
from beatsync.values import Actor, Revision


class Event(NamedTuple):
    """What the history says about the writing of a plan, besides the plan."""

    actor: Actor
    outcome: str = "applied"
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

    def changes_of(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return the changes of one schedule or row."""
        shown = mask_text(name)
        return tuple(change for change in self.changes if shown in {change["name"], change.get("group")})
