"""What only this package renders: the result of a validation, and the status of a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from beatsync.plan.drift import RowState
from beatsync.plan.groups import distinct, distinct_clauses
from beatsync.plan.history import HistoryEntry
from beatsync.plan.model import Condition
from beatsync.plan.observed import Suspension
from beatsync.values import Diagnostic, Location, Revision, Severity, group_row_name

if TYPE_CHECKING:
    from beatsync.plan.details import RowDetails, ScheduleDetails  # imports celery's schedules, which only `show` needs


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The files of a source, how many schedules they declare, and the diagnostics."""

    paths: Sequence[str]
    """Every file that was read, spelled as in the diagnostics."""
    schedules: int
    diagnostics: Sequence[Diagnostic]
    acknowledged: int = 0
    """The number of warnings that comments in the files acknowledge."""

    def count(self, severity: Severity) -> int:
        """Return how many diagnostics have this severity."""
        return sum(diagnostic.severity is severity for diagnostic in self.diagnostics)


@dataclass(frozen=True, slots=True)
class ShownSchedule:
    """One schedule, and what is known about it elsewhere."""

    details: ScheduleDetails
    source: str | None = None
    """The source that owns it; None if no source does."""
    origin: str | None = None
    revision: Revision | None = None
    """The revision of the source's last sync."""
    synced_at: datetime | None = None
    location: Location | None = None
    """The place in the file, below the directory of the reader if that is known."""
    url: str | None = None
    authors: Mapping[int, str] = field(default_factory=dict)
    """Who last changed a row in the Django admin, by row id."""
    changes: Sequence[HistoryEntry] = ()
    """The last entries of the history, newest first."""
    clauses: Sequence[str] = ()
    """The clauses of `every` that each row carries out, for people; empty if there is none, or if they are unknown."""

    @property
    def is_group(self) -> bool:
        """Return whether the schedule has `every`."""
        return any(row.state is not None and row.state.group is not None for row in self.details.rows)

    @property
    def every(self) -> str:
        """Return the distinct clauses of `every`, in their order; empty if there is none, or if they are unknown."""
        return distinct_clauses(self.clauses)

    def clauses_of(self, row: RowDetails) -> str:
        """Return the clauses that a row carries out; empty if they are unknown."""
        numbered = (group_row_name(self.details.name, number) for number in range(1, len(self.clauses) + 1))
        return dict(zip(numbered, self.clauses, strict=True)).get(row.name, "")

    def note(self, row: RowState) -> str | None:
        """Return who paused or changed a row, as far as that is known."""
        return str(row.pause) if row.pause is not None else self.authors.get(row.row_id)

    def notes(self, row_id: int, state: RowState | None) -> Iterator[tuple[str, str]]:
        """Yield `paused`, with who and why, and `last`, with who changed a row; not the second for a pause without drift."""
        pause = state.pause if state is not None else None
        if pause is not None:
            yield "paused", str(pause)
        author = self.authors.get(row_id)
        if author and (pause is None or (state is not None and state.drift)):
            yield "last", author


@dataclass(frozen=True, slots=True)
class UnownedRow:
    """A row that no source owns."""

    name: str
    task: str
    enabled: bool
    added: str | None = None
    """Who added it in the Django admin, in words, if that is known."""
    is_recreated: bool = False
    """Beat writes the row at every start: its application's `beat_schedule` has the name."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source with the state of every row that it owns."""

    name: str
    origin: str | None
    revision: Revision | None
    environment: str | None
    synced_at: datetime | None
    outcome: str
    """`applied`, `blocked`, `failed` or `invalid`; empty before the first sync."""
    message: str
    rows: Sequence[RowState]
    suspension: Suspension | None = None
    """The suspension that is in force, if any."""
    leader: str | None = None
    """The daemon that holds the source's lease, if any."""
    authors: Mapping[int, str] = field(default_factory=dict)
    """Who last changed a row, in words, by row id. Rows whose author is unknown are missing."""

    is_application: bool = False
    """Whether an application declares the schedules at run time; `synced_at` is its last change."""
    timezone: str | None = None
    """The zone of the last sync where no spec names one."""

    @property
    def drifted(self) -> list[RowState]:
        """The rows that differ from what was applied."""
        return [row for row in self.rows if row.drift]

    @property
    def missing(self) -> list[RowState]:
        """The rows that were deleted outside BeatSync."""
        return [row for row in self.rows if row.missing]

    @property
    def schedule_conditions(self) -> list[tuple[str, Condition]]:
        """The name and condition of each schedule that a sync would leave unchanged."""
        return distinct((row.schedule, condition) for row in self.rows for condition in row.conditions)

    def note(self, row: RowState) -> str | None:
        """Return who paused the row and why, as far as that is known."""
        if row.pause is not None:
            return str(row.pause)
        return self.authors.get(row.row_id) if row.is_paused else None

    @property
    def schedule_notes(self) -> dict[str, str]:
        """Who paused each schedule and why, by its name."""
        notes = ((row.schedule, self.note(row)) for row in reversed(self.rows))
        return {name: note for name, note in notes if note}

    @property
    def schedules(self) -> int:
        """The number of schedules that the rows carry out."""
        return len({row.schedule for row in self.rows})
