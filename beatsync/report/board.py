"""All sources of a database at one time, and what runs next, reduced to what pages for people show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from beatsync.plan.drift import RowState
from beatsync.plan.load import Load
from beatsync.plan.model import PAUSES, Condition
from beatsync.plan.upcoming import LastRun, Run
from beatsync.report.groups import by_schedule
from beatsync.report.values import SourceStatus
from beatsync.values import Diagnostic


class ScheduleRows(NamedTuple):
    """Some rows of a schedule: those that a list is about."""

    source: SourceStatus
    name: str
    rows: Sequence[RowState]
    total: int | None
    """The number of all of its rows; None if it has no `every`."""


@dataclass(frozen=True, slots=True)
class SourceBoard:
    """One source."""

    status: SourceStatus
    """Its `rows` are only those that differ from what was applied, and those that a sync leaves unchanged."""
    schedules: int
    rows: int
    warnings: Sequence[Diagnostic] = ()
    """The warnings of its files at the last sync."""
    groups: Mapping[str, int] = field(default_factory=dict)
    """The number of rows of each schedule with `every`, by name."""

    @property
    def drifted(self) -> list[ScheduleRows]:
        """Return the schedules with rows that differ from what was applied, or were deleted outside BeatSync."""
        return self._by_schedule(row for row in self.status.rows if row.is_drifted)

    @property
    def paused(self) -> list[ScheduleRows]:
        """Return the schedules with rows that an operator disabled."""
        return self._by_schedule(row for row in self.status.rows if row.is_paused)

    @property
    def skipped(self) -> list[tuple[ScheduleRows, Condition]]:
        """Return the schedules with rows that a sync leaves unchanged for another reason, with that reason."""
        rows: dict[Condition, list[RowState]] = {}
        for row in self.status.rows:
            for condition in row.conditions:
                rows.setdefault(condition, []).append(row)
        pairs = ((each, why) for why in rows if why not in PAUSES for each in self._by_schedule(rows[why]))
        return sorted(pairs, key=lambda pair: pair[0].name)

    def _by_schedule(self, rows: Iterable[RowState]) -> list[ScheduleRows]:
        return [ScheduleRows(self.status, name, each, self.groups.get(name)) for name, each in by_schedule(rows)]


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
