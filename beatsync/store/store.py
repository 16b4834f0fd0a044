"""`Store`: one database, with what a sync reads and writes, and what operators write."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DatabaseError

from beatsync.fingerprint import EVERYTHING, FileChanges, FileRecord, RowFingerprints, Scope, SourceRecord
from beatsync.fingerprint.records import SyncStamp
from beatsync.plan.history import APPLIED, RENAMED, RESUMED, SUSPENDED, Event
from beatsync.plan.model import Plan
from beatsync.plan.observed import Observed, Suspension
from beatsync.specfile.shapes import mask_text
from beatsync.store import (
    editing,
    filerecords,
    fingerprints,
    foresee,
    history,
    inventory,
    kept,
    lease,
    lock,
    observe,
    pauses,
    signals,
    sources,
    tasks,
)
from beatsync.store.dialects import Dialect
from beatsync.store.errors import LockHeld, RowsLocked, StoreError
from beatsync.store.history import Failure
from beatsync.store.tables import PLAN_KEY
from beatsync.store.views import Views
from beatsync.values import Actor

SUSPEND_WAIT = 30.0
"""Seconds that suspending waits for a sync that is at work."""
EDIT_WAIT = 5.0
"""Seconds that a page of the admin waits for a sync that is at work."""
FAILURE_WAIT = 1.0
"""Seconds that recording a failure waits for the source's lock."""


class Store(Views):
    """One database that syncs and operators write to. Every method may raise StoreError."""

    def __init__(self, alias: str = "default", *, project_settings: bool = True) -> None:
        """`project_settings` says whether the settings are a project's."""
        super().__init__(alias, project_settings=project_settings)
        self._plan_key: str | None = None
        self._locks = threading.local()  # as Django's connections: the loops of several sources share a store

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

    def plan_key(self) -> str:
        """Return the key of the checksums of plans, as text."""
        with self._readable() as db:
            return self._key_of_plans(db)

    def _key_of_plans(self, db: Dialect) -> str:
        """Return the key; it is read once. A missing key, whose table was emptied, is created again if possible."""
        if self._plan_key is None:
            self._plan_key = sources.read_plan_key(db)
        if self._plan_key is None:
            with suppress(DatabaseError), db.savepoint():
                db.insert(PLAN_KEY, ("value",), [(secrets.token_hex(32),)])
            # Without the right to write, no saved plan of this process is ever approved.
            self._plan_key = sources.read_plan_key(db) or secrets.token_hex(32)
        return self._plan_key

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
            if event.outcome == APPLIED:
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
        outcome, message = (RESUMED, "") if suspension is None else (SUSPENDED, str(suspension))
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
            history.write_event(db, source_id, Event(actor, RENAMED, f"renamed from {old}"), now)

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
        """Release the lease of a source."""
        with self._readable() as db:
            lease.release(db, source, token)
