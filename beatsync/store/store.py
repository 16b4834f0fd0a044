"""`Store`: one database, with every question that a sync, `status` and `history` put to it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from beatsync.fingerprint import EVERYTHING, FileChanges, FileRecord, RowFingerprints, Scope, SourceRecord
from beatsync.fingerprint.records import SyncStamp
from beatsync.plan.history import Event, HistoryEntry
from beatsync.plan.managed import ManagedRow
from beatsync.plan.model import Plan
from beatsync.plan.observed import NameRule, Observed, Owned, Row, RowPage, Suspension
from beatsync.specfile.shapes import mask_text
from beatsync.store import (
    application,
    editing,
    filerecords,
    fingerprints,
    foresee,
    history,
    inventory,
    kept,
    lease,
    listing,
    lock,
    observe,
    pauses,
    project,
    rows,
    schema,
    signals,
    sources,
    tasks,
)
from beatsync.store.application import Application
from beatsync.store.dialects import Dialect, dialect_of
from beatsync.store.errors import ConnectionUnusable, LockHeld, RowsLocked, SchemaMissing, StoreError
from beatsync.store.history import Failure
from beatsync.store.sources import SourceMarks, SourceState
from beatsync.store.tables import PERIODIC_TASK, PLAN_KEY, SOURCE
from beatsync.values import Actor, Crontab, Diagnostic, Location

SUSPEND_WAIT = 30.0
"""Seconds that suspending waits for a sync that is at work."""
EDIT_WAIT = 5.0
"""Seconds that a page of the admin waits for a sync that is at work."""
FAILURE_WAIT = 1.0
"""Seconds that recording a failure waits for the source's lock."""
_ALIASES: set[str] = set()
"""The databases that this process has a `Store` of."""


def _prepare_session(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Run what a dialect needs first in a new session of a store's database."""
    if connection.alias in _ALIASES and (sql := dialect_of(connection).session_sql):
        dialect_of(connection).execute(sql)


class Store:
    """One database of a Django that is set up, by its alias. Every method may raise StoreError.

    It holds no connection: Django keeps one for each thread. `project_settings` says whether the settings are a
    project's, which know its celery application, or BeatSync's own.
    """

    def __init__(self, alias: str = "default", *, project_settings: bool = True) -> None:
        self.alias = alias
        self._project = project_settings
        self._name_rule: NameRule | None = None
        self._plan_key: str | None = None
        self._locks = threading.local()  # as Django's connections: the loops of several sources share a store
        self._application = Application()
        connection_created.connect(_prepare_session, dispatch_uid="beatsync.store")
        _ALIASES.add(alias)

    @property
    def _db(self) -> Dialect:
        """This thread's connection."""
        return dialect_of(connections[self.alias])

    @contextmanager
    def _readable(self) -> Iterator[Dialect]:
        """Yield this thread's connection, and turn what its driver raises into StoreError.

        A connection that cannot be used any more is closed, whatever its driver says about it, so that the next call opens a new one.
        """
        try:
            with self._db.readable_errors() as db:
                yield db
        except ConnectionUnusable:
            if not connections[self.alias].in_atomic_block:
                self.close()
            raise

    def gave_way(self, error: DatabaseError) -> bool:
        """Return whether the server rolled a transaction back for another one, so that it can be run again."""
        return self._db.is_retryable(error)

    def describe(self) -> str:
        """Return which database this is, for messages, without its password."""
        return mask_text(self._db.describe())

    def close(self) -> None:
        """Close this thread's connection; the next call opens a new one."""
        with suppress(DatabaseError, InterfaceError):  # the server may have closed it
            connections[self.alias].close()

    def refresh(self) -> None:
        """Close this thread's connection if its server has closed it, for processes that stay connected for months."""
        connection = connections[self.alias]
        if connection.connection is not None and not connection.is_usable():
            self.close()

    def check_writable(self) -> None:
        """Raise StoreError if the database cannot be written to: connect if necessary, and run one statement that changes nothing."""
        with self._readable() as db:
            db.execute(f"UPDATE {SOURCE.name} SET name = name WHERE 1 = 0")  # noqa: S608

    def round_trip(self) -> float:
        """Return the seconds that a statement takes to the database and back."""
        started = time.perf_counter()
        with self._readable() as db:
            db.fetch("SELECT 1")
        return time.perf_counter() - started

    def check_tables(self) -> None:
        """Raise SchemaMissing if a table is missing or older than BeatSync can write; cheap."""
        with self._readable() as db:
            schema.check(db, in_project=self._project)

    def explained(self, error: StoreError) -> StoreError:
        """Return the error to show for a statement that failed: a driver's message about a missing table names no migration."""
        if isinstance(error, ConnectionUnusable):
            return error
        try:
            self.check_tables()
        except StoreError as cause:
            return cause if isinstance(cause, SchemaMissing) else error
        return error

    def migrate(self, with_beat: bool) -> list[str]:
        """Create or update BeatSync's own tables, and django-celery-beat's if `with_beat`; return the migrations applied."""
        with self._readable() as db:
            return schema.migrate(db, with_beat=with_beat)

    def project_settings(self) -> Mapping[str, Any]:
        """Return the project's `BEATSYNC` settings; empty without a project."""
        return project.beatsync_settings() if self._project else {}

    def load_application(self, name: str | None) -> Application | None:
        """Load the celery application of this name, else the project's; None if the project has none.

        Without a name and a project, nothing is loaded and the result is empty. Raises StoreError as `application.load` does.
        """
        if name is None and not self._project:
            return self._application
        loaded = application.load(name)
        if loaded is not None:
            self._application = loaded
        return loaded

    def celery_timezone(self) -> str | None:
        """Return the zone of the loaded application, else the project's `CELERY_TIMEZONE`; None if neither is set."""
        return self._application.timezone or (project.celery_timezone() if self._project else None)

    def beat_schedule_names(self) -> frozenset[str]:
        """Return the names in `beat_schedule`, which beat writes at every start (docs/facts.md, 9), if known."""
        return self._application.beat_schedule | (project.beat_schedule_names() if self._project else frozenset())

    def registered_tasks(self) -> frozenset[str]:
        """Return the names of all tasks of the loaded application; empty if they are unknown."""
        return self._application.tasks

    def authors(self, row_ids: Collection[int], *, additions: bool = False) -> dict[int, str]:
        """Return who last changed (with `additions`: who added) each of these rows, as text, as far as the Django admin has logged it."""
        if not self._project or not row_ids:
            return {}
        with suppress(StoreError), self._readable():
            return project.admin_log(row_ids, additions=additions)
        return {}  # the log's tables may be missing; nothing depends on them

    def source_record(self, source: str) -> SourceRecord:
        """Return what the last syncs recorded about a source and its files; empty if it was never synced."""
        with self._readable() as db:
            state = sources.read_one(db, source)
            if state is None:
                return SourceRecord()
            stamp = SyncStamp(state.revision, state.origin, state.environment, state.synced_at, state.timezone)
            return SourceRecord(stamp, filerecords.read(db, source))

    def row_fingerprints(self, source: str) -> RowFingerprints:
        """Return one digest for each inventory entry of a source, computed by the server; no row is read."""
        with self._readable() as db:
            return replace(fingerprints.read(db, source), name_rule=self._names_compare_by(db))

    def observe(self, source: str, scope: Scope = EVERYTHING) -> Observed:
        """Return what a plan of `source` for `scope` needs; the number of queries does not depend on the number of rows."""
        with self._readable() as db:
            observed = observe.observe(db, source, scope)
            name_rule, plan_key = self._names_compare_by(db), self._key_of_plans(db)
        names, late_runs = self.beat_schedule_names(), self._application.late_runs
        return replace(observed, name_rule=name_rule, plan_key=plan_key, beat_schedule=names, late_runs=late_runs)

    def owned(self) -> tuple[Owned, ...]:
        """Return the inventory entries of every source."""
        return tuple(entry for inventory in self.inventories().values() for entry in inventory.values())

    def inventories(self) -> dict[str, dict[str, Owned]]:
        """Return the inventory entries of every source that has some, by source and by name."""
        with self._readable() as db:
            return observe.read_inventories(db)

    def plan_key(self) -> str:
        """Return the key of the checksums of plans, as text."""
        with self._readable() as db:
            return self._key_of_plans(db)

    def _key_of_plans(self, db: Dialect) -> str:
        """Return the key; it is read once. A key that is missing, because the table was emptied, is created again if possible."""
        if self._plan_key is None:
            self._plan_key = sources.read_plan_key(db)
        if self._plan_key is None:
            with suppress(DatabaseError), db.savepoint():
                db.insert(PLAN_KEY, ("value",), [(secrets.token_hex(32),)])
            # Without the right to write, no saved plan of this process is ever approved.
            self._plan_key = sources.read_plan_key(db) or secrets.token_hex(32)
        return self._plan_key

    def _names_compare_by(self, db: Dialect) -> NameRule:
        """Return how the database compares names; it is asked once."""
        if self._name_rule is None:
            self._name_rule = db.name_rule(PERIODIC_TASK)
        return self._name_rule

    def read_rows(self, names: Collection[str]) -> Mapping[str, Row]:
        """Return the rows of these names, by name."""
        with self._readable() as db:
            return {row.name: row for row in rows.read_some(db, names, ())}

    def crontab_counts(self) -> Mapping[Crontab, int]:
        """Return how many enabled rows each crontab has, whoever owns them, without one-offs."""
        with self._readable() as db:
            return rows.crontab_counts(db)

    def foresee(self, plan: Plan, *, is_dry_run: bool) -> Plan:
        """Return the plan with what would stop its sync and only the database knows, as blockers; no query if it changes nothing."""
        if not (plan.changes or plan.records):
            return plan
        with self._readable() as db:
            return foresee.foresee(db, plan, is_dry_run=is_dry_run)

    @contextmanager
    def locked(
        self,
        source: str,
        wait: float | None,
        holder: str,
        lease_token: str | None = None,
        report: lock.Report | None = None,
    ) -> Iterator[None]:
        """Run the body in one transaction under the lock of `source`; it is rolled back if the body raises.

        `wait` is in seconds: 0 tries once, None waits for ever. `holder` names this process to others that find the lock held.
        With a `lease_token` the lease of that token must be in force. `report` is called about a long wait. No statement of the body
        waits long for a row: `wait_for_rows` does. Raises LockHeld, RowsLocked, LeaseLost, RetryableError, StoreError.
        """
        deadline = lock.Deadline(wait)
        with self._readable() as db:
            try:
                lock.claim(db, source, deadline.remaining(), holder, report)
                with db.begin():
                    self._locks.held = (lock.take(db, source, deadline.remaining(), report), holder)
                    with db.readable_errors(), db.lock_timeout(lock.rows_slice(wait)):
                        lease.check(db, source, lease_token)
                        yield
            except LockHeld as error:
                raise lock.lock_held(db, source) from error.__cause__
            except RowsLocked as error:
                raise error.held_by(lock.blockers(db)) from error.__cause__
            finally:
                self._locks.held = None

    def wait_for_rows(self, error: RowsLocked, deadline: lock.Deadline, report: lock.Report) -> None:
        """Return when a sync that failed with `error` may start again, outside `locked`. Raises RowsLocked at the deadline."""
        with self._readable() as db:
            lock.wait_for_rows(db, error, deadline, report)

    def apply(
        self,
        plan: Plan,
        observed: Observed,
        changes: FileChanges,
        now: datetime,
        *,
        event: Event | None = None,
        checksum: str | None = None,
    ) -> Mapping[str, FileRecord]:
        """Write `plan` and the records of files, inside `locked`; return the records as written.

        If a task row was written, the last statement tells beat. `event` is for the history, by default a sync by the holder of the
        lock. A plan that is not a sync has another outcome, and leaves the source's last sync unchanged. `checksum` is recorded instead of the plan's own.
        """
        held: tuple[int, str] | None = getattr(self._locks, "held", None)
        if held is None:
            raise RuntimeError("Store.apply needs the lock: call it inside Store.locked")
        source_id, holder = held
        event = event or Event(Actor(holder))
        started = time.perf_counter()
        with self._readable() as db:
            notifies_beat = tasks.write(db, plan, observed, now)
            new_ids = tasks.row_ids(db, [record.name for record in plan.records if record.row_id is None])
            inventory.write(db, source_id, plan, observed, new_ids)
            inventory.write_tombstones(db, source_id, plan, observed, now)
            if plan.pauses:
                pauses.write(db, source_id, plan.pauses)
            if observed.tombstones:
                inventory.expire_tombstones(db, source_id, now)
            records = filerecords.write(db, source_id, changes, kept.written_changes(plan))
            if event.outcome == sources.APPLIED:
                sources.write_synced(db, source_id, plan, now, checksum)
            if plan.changes:
                finished = now + timedelta(seconds=time.perf_counter() - started)
                history.write_applied(db, source_id, plan, event, now, finished)
                history.limit(db, source_id)
                if self.project_settings().get("SIGNALS"):
                    signals.send_after_commit(self.alias, plan)
            if notifies_beat:
                db.check_constraints()
                tasks.notify(db, now)
        return records

    def record_failure(self, source: str, failure: Failure, lease_token: str | None = None) -> bool:
        """Record a sync that did nothing, in a separate transaction; return whether that worked.

        The same failure again only moves the end of the newest entry, so a daemon that fails for a night adds one.
        """
        failure = replace(failure, message=mask_text(failure.message))
        try:
            with self._locked_shortly(source, FAILURE_WAIT, lease_token) as (db, source_id):
                sources.write(db, source_id, {"outcome": failure.outcome, "message": failure.message})
                history.write_failure(db, source_id, failure)
        except StoreError:
            return False
        return True

    def suspend(self, source: str, suspension: Suspension | None, actor: Actor, now: datetime) -> None:
        """Suspend a source, or resume it if `suspension` is None. Raises LockHeld if a sync takes too long."""
        outcome, message = (history.RESUMED, "") if suspension is None else (history.SUSPENDED, str(suspension))
        with self._locked_shortly(source, SUSPEND_WAIT) as (db, source_id):
            sources.write_suspension(db, source_id, suspension)
            history.write_event(db, source_id, Event(actor, outcome, message), now)

    def rename_source(self, old: str, new: str, actor: Actor, now: datetime) -> None:
        """Give a source and its lease another name, and record that in its history.

        Raises StoreError if `new` exists, and LockHeld if a sync of `old` takes too long; nothing was written then.
        """
        with self._locked_shortly(old, SUSPEND_WAIT) as (db, source_id):
            if sources.read_one(db, new) is not None:
                raise StoreError(f"there is a source {new!r} already: its rows are not those of {old!r}")
            sources.write(db, source_id, {"name": new})
            lease.rename(db, old, new)
            history.write_event(db, source_id, Event(actor, history.RENAMED, f"renamed from {old}"), now)

    @contextmanager
    def _locked_shortly(
        self, source: str, wait: float, lease_token: str | None = None
    ) -> Iterator[tuple[Dialect, int]]:
        """Run the body in a transaction under the lock of `source` without recording a holder; yield the source's id too."""
        with self._readable() as db:
            lock.ensure(db, source, wait)
            with db.begin():
                source_id = lock.take(db, source, wait)
                lease.check(db, source, lease_token)
                yield db, source_id

    def due_pauses(self, now: datetime) -> dict[str, set[str]]:
        """Return the names of the paused rows whose pause ends now, by source: its time is over, or the row was enabled."""
        with self._readable() as db:
            return pauses.due(db, now)

    def managed_rows(self, row_ids: Collection[int], now: datetime) -> dict[int, ManagedRow]:
        """Return those of these rows that a source owns, by key; the number of statements does not depend on theirs."""
        with self._readable() as db:
            return editing.read_managed(db, row_ids, self._names_compare_by(db), now)

    def schedule_users(self, kind: str, keys: Collection[int]) -> dict[int, editing.Users]:
        """Return the managed rows that use each of these rows of a kind of schedule, by its key."""
        with self._readable() as db:
            return editing.read_users(db, kind, keys)

    @contextmanager
    def editing(self, source: str) -> Iterator[editing.Edit]:
        """Run the body, in which an operator changes a row of `source`, in one transaction under its lock. Raises LockHeld."""
        with self._locked_shortly(source, EDIT_WAIT) as (db, source_id):
            yield editing.Edit(db, source_id)

    def acquire_lease(self, source: str, holder: str, token: str, seconds: int) -> bool:
        """Take or renew the lease of a source; return whether the lease of `token` is in force for `seconds` from now."""
        with self._readable() as db:
            return lease.acquire(db, source, holder, token, seconds)

    def release_lease(self, source: str, token: str) -> None:
        """Give the lease of a source back."""
        with self._readable() as db:
            lease.release(db, source, token)

    def leaders(self) -> dict[str, str]:
        """Return the holder of each lease that is in force, by source."""
        with self._readable() as db:
            return lease.leaders(db)

    def leader(self, source: str) -> lease.Leadership | None:
        """Return who leads a source now; None if no lease is in force."""
        with self._readable() as db:
            return lease.leader(db, source)

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

    def location(self, source: str, path: str, name: str) -> Location | None:
        """Return where a file declared a schedule at the last sync; None if that is unknown."""
        with self._readable() as db:
            records = filerecords.read(db, source, path)
        schedules = records[path].facts.schedules if path in records else ()
        return next((Location(path, each.line, each.column) for each in schedules if each.name == name), None)

    def file_warnings(self) -> dict[str, list[Diagnostic]]:
        """Return the warnings of the files at the last sync of each source, by source, without those that depend on anything else."""
        with self._readable() as db:
            return filerecords.warnings(db)

    def change_mark(self) -> tuple[object, ...]:
        """Return a value to compare: it is another one after a sync, after anything that the history records, and after a save that notifies beat."""
        with self._readable() as db:
            return listing.mark(db)

    def list_rows(self, search: str, offset: int, limit: int, *, unowned: bool = False) -> RowPage:
        """Return one page of the rows by name: those whose name or task contains `search`, with `unowned` those without a source."""
        with self._readable() as db:
            return listing.read(db, search, offset, limit, unowned=unowned)

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
