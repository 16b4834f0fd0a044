"""What `get` and `all` return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from beatsync.plan.identity import is_row_of
from beatsync.plan.observed import NameRule, Owned, Row
from beatsync.plan.restore import declared_of
from beatsync.values import TaskSpec


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One schedule of a set, and its row."""

    name: str
    spec: TaskSpec
    """As it was declared, in normal form; as the row is, if the inventory entry is damaged."""
    key: int | None = None
    """The primary key of the `PeriodicTask`; None if it was deleted outside BeatSync."""
    enabled: bool = False
    """Whether the row is enabled now: an operator may have paused it, and beat disables a one-off that ran."""
    last_run_at: datetime | None = None
    """When beat last ran it, as far as beat has written it. A change that shall not fire at once moves it, too."""


def scheduled(entry: Owned, row: Row | None, rule: NameRule) -> Scheduled | None:
    """Return the schedule of an inventory entry; None if it was removed and only its disabled row is kept."""
    if row is not None and not is_row_of(entry, row, rule):
        row = None
    declared = declared_of(entry)
    spec = declared.spec if declared is not None else row.spec if row is not None else None
    if spec is None or entry.retired:
        return None
    if row is None:
        return Scheduled(entry.name, spec)
    return Scheduled(entry.name, spec, row.row_id, row.spec.enabled, row.last_run_at)
