"""All sources of a database at one time, and what runs next, reduced to what pages for people show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from beatsync.plan.drift import RowState
from beatsync.plan.load import Load
from beatsync.plan.model import PAUSES, Condition
from beatsync.plan.upcoming import LastRun, Run
from beatsync.report.values import SourceStatus
from beatsync.values import Diagnostic


@dataclass(frozen=True, slots=True)
class SourceBoard:
    """One source."""

    status: SourceStatus
    """Its `rows` are only those that differ from what was applied, and those that a sync leaves unchanged."""
    schedules: int
    rows: int
    warnings: Sequence[Diagnostic] = ()
    """The warnings of its files at the last sync."""

    @property
    def drifted(self) -> list[RowState]:
        """Return the rows that differ from what was applied, or were deleted outside BeatSync."""
        return [row for row in self.status.rows if row.is_drifted]

    @property
    def paused(self) -> list[RowState]:
        """Return the rows that an operator disabled."""
        return [row for row in self.status.rows if row.is_paused]

    @property
    def skipped(self) -> list[tuple[RowState, Condition]]:
        """Return the rows that a sync leaves unchanged for another reason, with that reason."""
        return [(row, condition) for row in self.status.rows for condition in row.conditions if condition not in PAUSES]


@dataclass(frozen=True, slots=True)
class Board:
    """The state of all sources."""

    at: datetime
    """When it was read."""
    sources: Sequence[SourceBoard]
    unowned: int
    """Rows that no source owns."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What runs next, of every source and of none."""

    at: datetime
    """When it was read."""
    runs: Sequence[Run]
    """The first runs of the next day, by time and name."""
    are_more: bool
    unknown: Sequence[tuple[str, str]]
    """The schedules whose runs are unknown: name and reason."""
    load: Load | None
    """Of seven days from the hour of `at` on; None if no schedule runs."""
    last: LastRun | None = None
    """The row that ran last; None if none has run."""
    due_after_last: datetime | None = None
    """When its schedule is due next."""
