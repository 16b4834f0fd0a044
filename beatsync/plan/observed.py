"""What a plan needs from the database: rows, the inventory, and the owners of other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from beatsync.values import Policy, Revision, TaskSpec, minute_text

APPLICATION = "application"
"""The kind of a source whose schedules an application declares at run time; None is a directory of files."""
APPLICATION_PATH = "the application"
"""Stands in messages and in the inventory for the file of a schedule that an application declared."""


class Row(NamedTuple):
    """One observed `PeriodicTask` row: its normalised values, and those that only beat writes."""

    row_id: int
    spec: TaskSpec
    schedule_id: int | None = None
    """Primary key of the schedule row that `spec.schedule` was read from."""
    last_run_at: datetime | None = None
    total_run_count: int = 0
    date_changed: datetime | None = None

    @property
    def name(self) -> str:
        """Return the row's name."""
        return self.spec.name

    @property
    def schedule_kind(self) -> str | None:
        """Return the kind of the row's schedule; None if it has none that can be read."""
        return self.spec.schedule.kind if self.spec.schedule is not None else None


def until_text(until: datetime | None) -> str:
    """Return ` until 2026-06-01 12:00 UTC`, to put after a phrase; empty for None."""
    return f" until {minute_text(until)}" if until else ""


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator's decision that a schedule does not run for a while, as it concerns one of its rows."""

    by: str
    reason: str
    since: datetime
    until: datetime | None = None
    """None: until it is ended."""
    was_enabled: bool = True
    """Whether the row was enabled before."""

    def holds(self, now: datetime) -> bool:
        """Return whether the pause is still in force at `now`."""
        return self.until is None or now < self.until

    def __str__(self) -> str:
        return f"by {self.by} since {minute_text(self.since)}{until_text(self.until)}: {self.reason}"


class Owned(NamedTuple):
    """One inventory entry: a row that this source owns and what it last applied to it."""

    name: str
    row_id: int
    applied: str
    """JSON text of the declared fields, without those at their defaults; `enabled` only if the file sets it."""
    policy: Policy
    path: str
    """The file that last declared it, relative to the source's directory."""
    # Here `policy.protect` is never None and `policy.renamed_from` always is.
    retired: bool = False
    """The schedule left the files and its row was disabled (`on_remove: disable`) instead of deleted."""
    frozen: bool = False
    """At the last sync a file was invalid and may declare this schedule (`--on-invalid isolate`)."""
    damage: tuple[str, ...] = ()
    """Columns, except for `applied`, whose values BeatSync does not write; this value has safe ones in their place."""
    entry_id: int = 0
    """The primary key of the entry itself, for messages."""
    group: str | None = None
    """The schedule with `every` that the row was part of; None: the schedule was this one row."""
    pause: Pause | None = None
    """The pause of the schedule, also one whose time is over: it ends when a sync or a daemon sees it."""
    operator_fields: tuple[str, ...] = ()
    """The fields that an edit left to the operator until the file changes them; names of `FIELDS`."""

    @property
    def free_fields(self) -> tuple[str, ...]:
        """Return the fields whose drift a sync leaves in the row: those of `sync.ignore`, and those left to the operator."""
        return (*self.policy.ignore, *self.operator_fields)

    @property
    def schedule(self) -> str:
        """Return the name of the schedule that the row carries out."""
        return self.name if self.group is None else self.group


class GroupTotals(NamedTuple):
    """The rows of a schedule with `every`, summed up."""

    rows: int
    enabled: int
    last_run_at: datetime | None
    """The last run of any of them; None if no run is recorded."""
    total_run_count: int


class ListedRow(NamedTuple):
    """A row in a list of all rows, and the source that owns it."""

    row: Row
    source: str | None = None
    """None: no source owns it."""
    entry: str | None = None
    """The name of its inventory entry, which differs from the row's if the row was renamed by hand."""
    group: GroupTotals | None = None
    """All rows of the schedule, of which this is the first one; None: the schedule is this one row."""


class RowPage(NamedTuple):
    """One page of a list of rows."""

    rows: tuple[ListedRow, ...]
    total: int
    """The number of rows of all pages."""


class Claim(NamedTuple):
    """The ownership of a row by another source, and the file that declared it there."""

    source: str | None
    """None if the source was deleted from BeatSync's tables by hand, without its entries."""
    row_id: int
    path: str

    @property
    def owner(self) -> str:
        """Return the owner, in words."""
        return f"the source {self.source!r}" if self.source is not None else "a source that was deleted by hand"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A row that this source deleted; beat can resurrect it by saving its copy (docs/facts.md, 26)."""

    name: str
    row_id: int


@dataclass(frozen=True, slots=True)
class Suspension:
    """An operator's decision that a source is not synced for a while."""

    by: str
    reason: str
    since: datetime | None = None
    until: datetime | None = None
    """None: until it is resumed."""

    def holds(self, now: datetime) -> bool:
        """Return whether the suspension is still in force at `now`."""
        return self.until is None or now < self.until

    def __str__(self) -> str:
        since = f" since {minute_text(self.since)}" if self.since else ""
        return f"suspended by {self.by}{since}{until_text(self.until)}: {self.reason}"


class LateRuns(NamedTuple):
    """Why beat, after it was down, may run a crontab at a time that the crontab does not name (docs/facts.md, 35)."""

    reason: str
    hint: str


class NameRule(str, Enum):
    """How the database compares names (docs/facts.md, 13)."""

    EXACT = "exact"
    CASE_INSENSITIVE = "case-insensitive"
    """Case and trailing spaces do not count, as in MariaDB's and MySQL's collations that end with `_as_ci`."""
    LETTERS = "letters"
    """Neither do accents, as in the default collations of both."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a plan needs from the database, read for one scope at one time."""

    rows: Mapping[str, Row] = field(default_factory=dict)
    """The `PeriodicTask` rows in scope, by name. Of several rows with one name, the one whose key an entry has."""
    duplicates: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Keys, sorted, of the rows in scope that share a name: the table has lost its unique index."""
    inventory: Mapping[str, Owned] = field(default_factory=dict)
    """The inventory entries of this source in scope, by name."""
    owners: Mapping[str, Claim] = field(default_factory=dict)
    """The claims of other sources on names and rows in scope, by name."""
    tombstones: tuple[Tombstone, ...] = ()
    beat_schedule: frozenset[str] = frozenset()
    """Names that the celery application writes at every start of beat (docs/facts.md, 9), if known."""
    late_runs: LateRuns | None = None
    """None: beat does not, or nothing is known about it."""
    origin: str | None = None
    """Where this source's files came from at its last sync."""
    revision: Revision | None = None
    """The revision that this source was last synced to."""
    environment: str | None = None
    """The environment of the last sync."""
    timezone: str | None = None
    """The zone of the last sync where no spec names one; None if it is unknown."""
    synced_at: datetime | None = None
    """The time of the last successful sync."""
    kind: str | None = None
    """`APPLICATION`, or None for a directory of files."""
    outcome: str = ""
    """How the last sync ended: `applied`, `failed`, `blocked` or `invalid`; empty before the first."""
    name_rule: NameRule = NameRule.EXACT
    suspension: Suspension | None = None
    """The stored suspension, whether or not it is still in force."""
    checksum: str | None = None
    """The checksum of the last plan that was applied and did something."""
    plan_key: str = field(default="", repr=False)
    """The key of the checksums of plans."""

    def rows_by_id(self) -> dict[int, Row]:
        """Return the rows by their keys."""
        return {row.row_id: row for row in self.rows.values()}
