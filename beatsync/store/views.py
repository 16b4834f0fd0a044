"""`Views`: what a database says about its sources, rows and history, for commands and pages. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime

from beatsync.fingerprint import Scope
from beatsync.plan.history import HistoryEntry
from beatsync.plan.managed import ManagedRow
from beatsync.plan.observed import Owned, Row, RowPage
from beatsync.store import (
    filerecords,
    history,
    inventory,
    lease,
    listing,
    managed,
    observe,
    pauses,
    project,
    rows,
    sources,
)
from beatsync.store.database import Database
from beatsync.store.errors import StoreError
from beatsync.store.managed import ManagedUsers
from beatsync.store.sources import SourceMarks, SourceState
from beatsync.values import ROW_MARK, Crontab, Diagnostic, ScheduleFacts


class Views(Database):
    """One database as it is now. Every method may raise StoreError."""

    def sources(self) -> tuple[SourceState, ...]:
        """Return every source, by name."""
        with self._readable() as db:
            return sources.read_all(db)

    def source_marks(self, source: str) -> SourceMarks:
        """Return what operators and other processes left in a source's row: one statement that reads one row by its name."""
        with self._readable() as db:
            return sources.read_marks(db, source)

    def owner(self, name: str) -> str | None:
        """Return the source that owns the row of this inventory entry; None if no source does."""
        with self._readable() as db:
            claim = observe.observe(db, "", Scope(frozenset({name}))).owners.get(name)
        return claim.source if claim is not None else None

    def owned(self) -> tuple[Owned, ...]:
        """Return the inventory entries of every source."""
        return tuple(entry for inventory in self.inventories().values() for entry in inventory.values())

    def inventories(self) -> dict[str, dict[str, Owned]]:
        """Return the inventory entries of every source that has some, by source and by name."""
        with self._readable() as db:
            return observe.read_inventories(db)

    def schedule_of(self, name: str) -> str:
        """Return the schedule with several rows that has, or last had, a row of this name; the name itself if there is none."""
        if ROW_MARK not in name:
            return name
        with self._readable() as db:
            return inventory.schedule_of(db, name) or history.schedule_of(db, name)

    def schedule_facts(self, source: str, path: str, name: str) -> ScheduleFacts | None:
        """Return what a file said about a schedule at the last sync; None if that is unknown."""
        with self._readable() as db:
            records = filerecords.read(db, source, path)
        schedules = records[path].facts.schedules if path in records else ()
        return next((each for each in schedules if each.name == name), None)

    def file_warnings(self) -> dict[str, list[Diagnostic]]:
        """Return the warnings of the files at the last sync of each source, by source, without those that depend on anything else."""
        with self._readable() as db:
            return filerecords.warnings(db)

    def history(
        self,
        source: str | None,
        limit: int,
        name: str | None = None,
        since: datetime | None = None,
        before: int | None = None,
    ) -> tuple[HistoryEntry, ...]:
        """Return the newest `limit` entries of the history, newest first; of all sources for None.

        With `name`, only entries that changed this schedule; with `since`, only those that ended at that time or later; with
        `before`, only those with a lower key.
        """
        with self._readable() as db:
            return history.read(db, source, limit, name, since, before)

    def history_entry(self, entry_id: int) -> HistoryEntry | None:
        """Return one entry of the history by its key; None if there is none."""
        with self._readable() as db:
            return history.read_one(db, entry_id)

    def authors(self, row_ids: Collection[int], *, additions: bool = False) -> dict[int, str]:
        """Return who last changed (with `additions`: who added) each of these rows, as text, as far as the Django admin has logged it."""
        if not self._project or not row_ids:
            return {}
        with suppress(StoreError), self._readable():
            return project.admin_log(row_ids, additions=additions)
        return {}  # the log's tables may be missing; nothing depends on them

    def read_rows(self, names: Collection[str]) -> Mapping[str, Row]:
        """Return the rows of these names, by name."""
        with self._readable() as db:
            return {row.name: row for row in rows.read_some(db, names, ())}

    def list_rows(self, search: str, offset: int, limit: int, *, unowned: bool = False) -> RowPage:
        """Return one page of the rows by name: those whose name or task contains `search`, with `unowned` those without a source."""
        with self._readable() as db:
            return listing.read(db, search, offset, limit, unowned=unowned)

    def crontab_counts(self) -> Mapping[Crontab, int]:
        """Return how many enabled rows each crontab has in the whole database, without one-offs."""
        with self._readable() as db:
            return rows.crontab_counts(db)

    def managed_rows(self, row_ids: Collection[int], now: datetime) -> dict[int, ManagedRow]:
        """Return those of these rows that a source owns, by key; the number of statements does not depend on theirs."""
        with self._readable() as db:
            return managed.read_rows(db, row_ids, self._names_compare_by(db), now)

    def schedule_users(self, kind: str, keys: Collection[int]) -> dict[int, ManagedUsers]:
        """Return the managed rows that use each of these rows of a kind of schedule, by its key."""
        with self._readable() as db:
            return managed.read_users(db, kind, keys)

    def due_pauses(self, now: datetime) -> dict[str, set[str]]:
        """Return the names of the paused rows whose pause ends now, by source: its time is over, or the row was enabled."""
        with self._readable() as db:
            return pauses.due(db, now)

    def leaders(self) -> dict[str, str]:
        """Return the holder of each lease that is in force, by source."""
        with self._readable() as db:
            return lease.leaders(db)

    def leader(self, source: str) -> lease.Leadership | None:
        """Return who leads a source now; None if no lease is in force."""
        with self._readable() as db:
            return lease.leader(db, source)

    def change_mark(self) -> tuple[object, ...]:
        """Return a value to compare: it is another one after a sync, after anything that the history records, and after a save that notifies beat."""
        with self._readable() as db:
            return listing.mark(db)
