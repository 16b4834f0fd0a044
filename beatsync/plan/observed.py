"""What the database says, as a plan needs it: rows, what is owned, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from beatsync.values import Policy, Revision, TaskSpec


class Row(NamedTuple):
    """One observed `PeriodicTask` row: its normalised values, and what only beat writes."""

    row_id: int
    spec: TaskSpec
    schedule_id: int | None = None
    """Primary key of the schedule row that `spec.schedule` was read from."""
    last_run_at: datetime | None = None
    total_run_count: int = 0
    date_changed: datetime | None = None

    @property
    def found(self) -> TaskSpec:
        """What the row says before its JSON is normalised: where this equals a spec, so does `spec`, and it costs nothing."""
        return self.spec

    @property
    def name(self) -> str:
        """The row's name."""
        return self.found.name


class Owned(NamedTuple):
    """One inventory entry: a row that this source owns and what it last applied to it."""

    name: str
    row_id: int
    applied: str
    """Canonical JSON text of the flat field map last applied; `enabled` is null where the spec left it out."""
    policy: Policy
    path: str
    """The file that last declared it, relative to the source's directory."""
    # `policy.protect` is always said here, and `policy.renamed_from` never.
    retired: bool = False
    """It left the files and was disabled (`on_remove: disable`) rather than deleted."""
    frozen: bool = False
    """At the last sync a file was invalid, and the schedule may stand in it (`--on-invalid isolate`)."""
    said: bytes = b""
    """Digest of the text that the sync was told by (`Declared.said`)."""
    left: bytes = b""
    """And of what it left (`Declared.left`)."""


class Claim(NamedTuple):
    """That another source owns a row, and the file that declared it there."""

    source: str | None
    """None where somebody has deleted that source from BeatSync's tables, and left what it owned."""
    row_id: int
    path: str

    @property
    def owner(self) -> str:
        """Whose it is, in words."""
        return f"the source {self.source!r}" if self.source is not None else "a source that was deleted by hand"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A row that this source deleted, by which one that beat's save brings back is known (FACTS 26)."""

    name: str
    row_id: int


@dataclass(frozen=True, slots=True)
class Suspension:
    """Somebody's word that a source is left alone for a while."""

    by: str
    reason: str
    since: datetime | None = None
    until: datetime | None = None
    """None is until somebody resumes it."""

    def holds(self, now: datetime) -> bool:
        """Whether it is not over yet."""
        return self.until is None or now < self.until

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        until = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"suspended by {self.by}{since}{until}: {self.reason}"


class NameRule(str, Enum):
    """How the database tells names apart (FACTS 13)."""

    EXACT = "exact"
    CASE_INSENSITIVE = "case-insensitive"
    """Case and trailing spaces do not count, as in MariaDB's and MySQL's collations that end with `_as_ci`."""
    LETTERS = "letters"
    """Neither do accents, as in the default collations of both."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that a plan needs to know of the database, read at one moment."""

    rows: Mapping[str, Row] = field(default_factory=dict)
    """All `PeriodicTask` rows, by name, but those of `settled`."""
    inventory: Mapping[str, Owned] = field(default_factory=dict)
    """What this source owns, by name; but `settled`."""
    settled: frozenset[str] = frozenset()
    """Names of which the database says that row and entry are as a sync of this very text left them: nothing is to be done."""
    owners: Mapping[str, Claim] = field(default_factory=dict)
    """Names that other sources own, and which."""
    tombstones: tuple[Tombstone, ...] = ()
    beat_schedule: frozenset[str] = frozenset()
    """Names that a celery application writes at every start of beat (FACTS 9), where known."""
    origin: str | None = None
    """Where this source's files came from at its last sync."""
    revision: Revision | None = None
    """What this source last synced."""
    environment: str | None = None
    """Under which environment."""
    is_settled: bool = True
    """Whether the last sync, if there was one, was as it should be: not blocked, failed or invalid."""
    synced_at: datetime | None = None
    """When that was."""
    name_rule: NameRule = NameRule.EXACT
    suspension: Suspension | None = None
    """Whether somebody has told that this source be left alone, as it stands in the database, over or not."""
