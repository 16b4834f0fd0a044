"""What the database remembers about a source, and what one run of the road parses and reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from beatsync.plan.observed import NameRule
from beatsync.values import FileFacts, Revision, TaskSpec


@dataclass(frozen=True, slots=True)
class FileRecord:
    """The record of one file, written by the last sync that parsed it."""

    fingerprint: str
    """Hex SHA-256 of the file's path, content and context (`beatsync.fingerprint.context`)."""
    facts: FileFacts
    row_digests: Mapping[str, str] = field(default_factory=dict)
    """By schedule name: the server's digest of the row that the sync read before its commit. A name is missing if its row must be read every time."""


class SyncStamp(NamedTuple):
    """The last sync of a source. If two stamps are equal, the source was not synced in between."""

    revision: Revision | None = None
    origin: str | None = None
    environment: str | None = None
    synced_at: datetime | None = None
    timezone: str | None = None
    """The zone that applied where no spec names one; None if it is unknown."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What the database remembers about a source: its last sync and the record of each file, by path."""

    stamp: SyncStamp = field(default_factory=SyncStamp)
    files: Mapping[str, FileRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowFingerprints:
    """One digest for each inventory entry of a source, computed by the database server.

    A digest covers every column of the task row, of its schedule's row and of the inventory entry, except for those that only
    beat writes (`last_run_at`, `total_run_count`, `date_changed`).
    """

    digests: Mapping[str, str | None] = field(default_factory=dict)
    """By the entry's name; None if the row is missing, if more than one entry claims it, or if several rows have the name."""
    resurrected: frozenset[int] = frozenset()
    """Keys of unowned rows that have the key and the name of a tombstone of this source."""
    name_rule: NameRule = NameRule.EXACT
    """How the database compares names."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one run reads from the database: the same for the plan, for the plan under the lock, and for the daemon's edit of one file."""

    names: frozenset[str] | None = None
    """Names whose rows and inventory entries are read; None is every row and entry."""
    row_ids: frozenset[int] = frozenset()
    """Keys of further rows to read."""


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class FileChanges:
    """Changes to the records of a source's files, to be written with a plan."""

    records: Mapping[str, FileRecord] = field(default_factory=dict)
    """By path, without row digests: the store adds those of the rows that it verified."""
    removed: frozenset[str] = frozenset()
    """Paths whose record is deleted."""
    expected: Mapping[str, TaskSpec] = field(default_factory=dict)
    """By schedule name: the values that a row must have for its digest to be recorded. A name that is missing gets no digest."""
