"""`Store`: one database, with everything that a sync, `status` and `history` ask of it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from beatsync.plan.digest import Told
from beatsync.plan.model import Plan
from beatsync.plan.observed import NameRule, Observed, Row, Suspension
from beatsync.store import bulk, digests, lease, lock, notes, observe, project, records, rows, schema, tasks, times
from beatsync.store.authors import admin_log
from beatsync.store.errors import LockHeld, SchemaMissing, StoreError
from beatsync.store.guarded import describe, readable_errors
from beatsync.store.records import Failure, HistoryEntry, SourceState
from beatsync.store.staging import Staged, staged
from beatsync.values import TaskSpec

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_NOTHING: Mapping[str, TaskSpec] = MappingProxyType({})


class Store:
    """One database of a Django that is set up, by its alias. Every method may raise StoreError.

    It holds no connection of its own: Django keeps one for each thread. `project_settings` says whether the settings are a
    project's, and so know its celery, or BeatSync's own.
    """

    def __init__(self, alias: str = "default", *, project_settings: bool = True) -> None:
        self.alias = alias
        self._project = project_settings
        self._name_rule: NameRule | None = None
        self._held: tuple[int, str] | None = None

    @property
    def _connection(self) -> BaseDatabaseWrapper:
        return connections[self.alias]

    def describe(self) -> str:
        """Return what database this is, for people, without its password."""
        return describe(self._connection)

    def close(self) -> None:
        """Close this thread's connection; the next call opens a new one (a long-lived one does not outlive its server)."""
        self._connection.close()

    def refresh(self) -> None:
        """Close this thread's connection where its server has gone; for those that stay connected for months."""
        connection = self._connection
        if connection.connection is not None and not connection.is_usable():
            connection.close()

    def round_trip(self) -> float:
        """Return the seconds that a statement takes to the database and back."""
        begun = time.perf_counter()
        with readable_errors(self._connection):
            bulk.fetch(self._connection, "SELECT 1")
        return time.perf_counter() - begun

    def check_tables(self) -> None:
        """Raise SchemaMissing where a table is missing or older than BeatSync can write; cheap."""
        with readable_errors(self._connection):
            schema.check(self._connection, in_project=self._project)

    def explained(self, error: StoreError) -> StoreError:
        """Return what is the matter where a statement failed: what a driver says of a missing table names no migration."""
        try:
            self.check_tables()
        except SchemaMissing as found:
            return found
        except StoreError:
            return error
        return error

    def migrate(self, with_beat: bool) -> list[str]:
        """Make or update BeatSync's own tables, and django-celery-beat's if told to; return the migrations applied."""
        with readable_errors(self._connection):
            return schema.migrate(self._connection, with_beat=with_beat)

    def project_settings(self) -> Mapping[str, Any]:
        """Return the project's `BEATSYNC` settings; empty where there is no project."""
        return project.beatsync_settings() if self._project else {}

    def celery_timezone(self) -> str | None:
        """Return the project's `CELERY_TIMEZONE`; None where there is no project or it says none."""
        return project.celery_timezone() if self._project else None

    def beat_schedule_names(self) -> frozenset[str]:
        """Return the names in the project's `beat_schedule`, which beat writes at every start (FACTS 9), where known."""
        return project.beat_schedule_names() if self._project else frozenset()

    def authors(self, row_ids: Collection[int]) -> dict[int, str]:
        """Return who last changed each of these rows, in words, as far as the project's Django admin tells."""
        if not self._project or not row_ids:
            return {}
        with suppress(StoreError), readable_errors(self._connection):
            return admin_log(row_ids)
        return {}  # the log's tables may not be made; nothing depends on them

    def observe(self, source: str, expected: Mapping[str, TaskSpec] = _NOTHING) -> Observed:
        """Read what a plan of `source` needs to know; a constant number of queries, no matter how many rows.

        Rows that say what is `expected` of their names are the same values in memory; nothing else depends on it.
        """
        with readable_errors(self._connection):
            return self._completed(observe.observe(self._connection, source, expected))

    def told(self, source: str) -> Told | None:
        """Have the server tell which rows of `source` are as a sync left them, and read none of them; None where it tells of none."""
        with readable_errors(self._connection):
            return digests.read(self._connection, source, self.beat_schedule_names())

    def are_left(self, source: str, least: int) -> bool:
        """Whether all rows of `source` of which is known what a sync left, `least` or more, are as it left them; one query."""
        with readable_errors(self._connection):
            known, left = digests.count(self._connection, source)
        return known == left >= least

    def observe_part(self, source: str, names: Collection[str], row_ids: Collection[int] = ()) -> Observed:
        """Read what a plan of `source` needs to know of some names and rows, and of what they are about: no more."""
        with readable_errors(self._connection):
            return self._completed(observe.observe_part(self._connection, source, names, row_ids))

    def look(self, names: Collection[str]) -> Mapping[str, Row]:
        """Read the rows of these names; nothing else."""
        with readable_errors(self._connection):
            return rows.read_some(self._connection, names, ())

    def _completed(self, observed: Observed) -> Observed:
        """Add what does not change while we run."""
        if self._name_rule is None:
            self._name_rule = observe.name_rule(self._connection)
        return replace(observed, name_rule=self._name_rule, beat_schedule=self.beat_schedule_names())

    @contextmanager
    def prepared(self, plan: Plan) -> Iterator[Staged | None]:
        """Do what can be done of `apply` before the lock is taken; what comes of it, if anything, is good for this very plan."""
        connection = self._connection
        with readable_errors(connection), staged(connection, plan) as ready:
            yield ready

    @contextmanager
    def locked(self, source: str, wait: float | None, holder: str, lease_token: str | None = None) -> Iterator[None]:
        """One transaction under the lock of `source`; it is rolled back when the body raises.

        `wait` is in seconds: 0 asks once, None waits for ever. `holder` is who we are, told to those who find the lock held.
        With a `lease_token` it is only for the one that leads the source by that lease.
        Raises LockHeld, LeaseLost, RetryableError, StoreError.
        """
        connection = self._connection
        deadline = lock.Deadline(wait)
        with readable_errors(connection):
            try:
                lock.claim(connection, source, deadline.left(), holder)
                with transaction.atomic(using=self.alias):
                    self._held = (lock.take(connection, source, deadline.left()), holder)
                    lease.fence(connection, source, lease_token)
                    yield
            except LockHeld as error:
                raise LockHeld(source, *self._holder(source)) from error.__cause__
            finally:
                self._held = None

    def _holder(self, source: str) -> tuple[str | None, datetime | None]:
        try:
            with readable_errors(self._connection):
                return lock.recorded_holder(self._connection, source)
        except StoreError:
            return None, None  # SQLite, in the instant of somebody's commit: who it is must stay unknown

    def apply(
        self, plan: Plan, observed: Observed, now: datetime, ready: Staged | None = None, *, is_sync: bool = True
    ) -> None:
        """Write what `plan` says and remember it, inside `locked`; the last statement tells beat, if a task row was written.

        What was made `ready` for another plan is passed over. What is no sync of any files leaves alone what the source was last
        synced to.
        """
        if self._held is None:
            raise RuntimeError("apply is for the inside of locked")
        source_id, holder = self._held
        connection = self._connection
        begun = time.perf_counter()
        with readable_errors(connection):
            zone = times.zone_of(connection)
            ready = ready if ready is not None and ready.plan is plan else None
            wrote = tasks.write(connection, plan, observed, now, ready)
            new = [record.name for record in plan.records if record.row_id is None and ready is None]
            ids = tasks.row_ids(connection, new)
            records.write_inventory(connection, source_id, plan, observed, ids, ready)
            records.write_marks(connection, plan)
            records.write_tombstones(connection, source_id, plan, observed, now)
            if is_sync:
                synced = records.synced(plan.revision, plan.origin, plan.environment, times.write(now, zone))
                records.write_source(connection, source_id, synced)
            finished = now + timedelta(seconds=time.perf_counter() - begun)
            if plan.changes:
                told = records.told_of(plan) if ready is None else ready.told
                row = records.history_row(source_id, records.APPLIED, "", holder, told)
                row["started_at"], row["finished_at"] = times.write(now, zone), times.write(finished, zone)
                records.write_history(connection, row)
            if wrote:
                tasks.settle(connection)
                tasks.notice(connection, now)

    def touch_revision(self, plan: Plan, now: datetime, lease_token: str | None = None) -> None:
        """Note what a sync that changed no row was a sync of. Raises LockHeld where another one is at work, and LeaseLost."""
        with readable_errors(self._connection):
            notes.write_revision(self._connection, plan, now, lease_token)

    def record_failure(self, source: str, failure: Failure, lease_token: str | None = None) -> bool:
        """Note a sync that did nothing, in a transaction of its own; return whether that worked.

        The same failure again only moves the end of the newest record, so a daemon that fails for a night leaves one.
        """
        try:
            with readable_errors(self._connection):
                notes.write_failure(self._connection, source, failure, lease_token)
        except StoreError:
            return False
        return True

    def suspend(self, source: str, suspension: Suspension | None) -> None:
        """Leave a source alone from now on, or with None no longer. Raises LockHeld where a sync is at work too long."""
        with readable_errors(self._connection):
            notes.suspend(self._connection, source, suspension)

    def lead(self, source: str, holder: str, token: str, seconds: int) -> bool:
        """Take or renew the lease of a source; return whether it is ours for `seconds` from now."""
        with readable_errors(self._connection):
            return lease.acquire(self._connection, source, holder, token, seconds)

    def stand_down(self, source: str, token: str) -> None:
        """Give the lease of a source back."""
        with readable_errors(self._connection):
            lease.release(self._connection, source, token)

    def leader(self, source: str) -> lease.Held | None:
        """Return who leads a source now; None where nobody does."""
        with readable_errors(self._connection):
            return lease.held(self._connection, source)

    def sources(self) -> tuple[SourceState, ...]:
        """Return every source, by name."""
        with readable_errors(self._connection):
            return records.sources(self._connection)

    def history(self, source: str | None, limit: int) -> tuple[HistoryEntry, ...]:
        """Return the last `limit` syncs that changed something or failed, the newest first; of all sources for None."""
        with readable_errors(self._connection):
            return records.history(self._connection, source, limit)
