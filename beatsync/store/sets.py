"""`SetStore`: the sets of schedules that an application declares, in a transaction of its own or in the caller's."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.db import connections
from django.db.transaction import TransactionManagementError

from beatsync.fingerprint import EVERYTHING, FileChanges, Scope
from beatsync.plan.history import Event
from beatsync.plan.model import Action, Plan
from beatsync.plan.observed import APPLICATION, NameRule, Observed, Owned, Row
from beatsync.store import (
    filerecords,
    history,
    inventory,
    kept,
    observe,
    oneoffs,
    pauses,
    pending,
    setlock,
    signals,
    tasks,
)
from beatsync.store.dialects import Dialect
from beatsync.store.oneoffs import Retention
from beatsync.store.pending import PendingWrite
from beatsync.store.setlock import SetLock
from beatsync.store.statements import MAX_NAMES
from beatsync.store.store import Store
from beatsync.store.tables import INVENTORY, PERIODIC_TASK, SOURCE, TOMBSTONE
from beatsync.values import Actor

NOTICE_WAIT = 10.0
"""Seconds that the notice waits for others, who hold beat's row for as long as they save."""
TIDY_WAIT = 0.25
"""Seconds that a statement after the commit waits: the application waits for it, and a later write does the same again."""


class SetStore(Store):
    """One database with the sets that an application declares in it. Every method may raise StoreError."""

    @classmethod
    def of(cls, store: Store) -> SetStore:
        """Return the sets in the database of `store`."""
        sets = cls(store.alias, project_settings=store._project)  # noqa: SLF001  its own base class
        sets._application = store._application  # noqa: SLF001
        return sets

    @property
    def is_in_transaction(self) -> bool:
        """Whether the caller has opened a transaction."""
        return connections[self.alias].in_atomic_block

    @contextmanager
    def lock_names(
        self, source: str, reserve: Collection[str], others: Collection[str], wait: float
    ) -> Iterator[SetLock]:
        """Run the body in a transaction, or in a savepoint of the caller's, with `setlock.lock_names`."""
        with self._writing(wait) as (db, stays_open):
            yield replace(setlock.lock_names(db, source, reserve, others), stays_open=stays_open)

    @contextmanager
    def lock_set(self, source: str, wait: float) -> Iterator[SetLock]:
        """Run the body in a transaction, or in a savepoint of the caller's, with `setlock.lock_set`."""
        with self._writing(wait) as (db, stays_open):
            yield replace(setlock.lock_set(db, source), stays_open=stays_open)

    @contextmanager
    def _writing(self, wait: float) -> Iterator[tuple[Dialect, bool]]:
        stays_open = self.is_in_transaction
        if not stays_open and not connections[self.alias].get_autocommit():
            # Django calls back after a commit only in `atomic`, and SQLite commits when the outermost savepoint is released.
            raise TransactionManagementError(
                "schedules cannot be changed while autocommit is off (set_autocommit(False), or AUTOCOMMIT in DATABASES):"
                " a rollback would not undo it; use transaction.atomic()"
            )
        with self._readable() as db, db.begin(), db.lock_timeout(wait):
            yield db, stays_open

    def observe_set(self, source: str, names: Collection[str] | None, lock: SetLock) -> Observed:
        """Return what a plan for these names of a set needs, or for the whole set; rows of any name if they are many."""
        is_narrow = names is not None and len(names) <= MAX_NAMES
        observed = self.observe(source, Scope(frozenset(names or ())) if is_narrow else EVERYTHING)
        present = {name: entry for name, entry in observed.inventory.items() if name not in lock.reserved}
        return replace(observed, inventory=present)

    def retentions(self, lock: SetLock, names: Collection[str]) -> dict[str, Retention]:
        """Return the retentions of the one-offs among these names, by name."""
        with self._readable() as db:
            return oneoffs.read(db, lock.source_id, names)

    def write_set(
        self,
        lock: SetLock,
        plan: Plan,
        observed: Observed,
        retentions: Mapping[str, Retention | None],
        actor: str,
        now: datetime,
    ) -> None:
        """Write `plan` and the retentions, and record that the notice to beat is due, inside `lock_names` or `lock_set`."""
        with self._readable() as db:
            is_written = tasks.write(db, plan, observed, now, sweeps=False, keeps=lock.stays_open)
            new_ids = tasks.row_ids(db, [record.name for record in plan.records if record.row_id is None])
            entries = {name: entry.entry_id for name, entry in observed.inventory.items()} | lock.entries
            inventory.write(db, lock.source_id, plan, observed, new_ids, entries)
            inventory.write_tombstones(db, lock.source_id, plan, observed, now)
            _check_kept(db, lock.source_id, plan)
            if plan.pauses:
                pauses.write(db, lock.source_id, plan.pauses)
            oneoffs.write(db, lock.source_id, retentions)
            if plan.changes:
                history.write_applied(db, lock.source_id, plan, Event(Actor(actor)), now, now)
                if self.project_settings().get("SIGNALS"):
                    signals.send_after_commit(self.alias, plan)
            if is_written:
                # Beat does not know a new row, and so never saves it.
                rewritten = [change.name for change in plan.changes if change.action is not Action.CREATE]
                pending.add(db, lock.source_id, rewritten, now)
                if not lock.stays_open:
                    db.check_constraints()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back after the commit of the caller's transaction; never, if it or a savepoint around this call is rolled back."""
        signals.after_commit(self.alias, callback)

    # After the commit.

    def has_sets(self) -> bool:
        """Return whether an application declares schedules in this database."""
        with self._readable() as db:
            return bool(db.fetch(f"SELECT id FROM {SOURCE.name} WHERE kind = %s", [APPLICATION]))

    def settle_notices(self, now: datetime) -> list[PendingWrite]:
        """Send one notice to beat for all committed writes that owe one; return the writes that remain to be verified."""
        with self._readable() as db:
            writes = pending.read(db)
            if owing := [write for write in writes if not write.notified]:
                with db.begin(), db.lock_timeout(NOTICE_WAIT):
                    db.begin_writing()
                    # First, so that of two processes with the same writes the second waits.
                    tasks.notify(db, now)
                    pending.mark_notified(db, owing)
            return [write for write in writes if write.notified]

    def forget_writes(self, writes: Collection[PendingWrite]) -> None:
        """Record that writes were verified."""
        with self._readable() as db:
            pending.delete(db, (write.key for write in writes))

    def finished_one_offs(self, now: datetime) -> dict[str, set[str]]:
        """Return the names of the one-offs that are no longer kept, by their set."""
        with self._readable() as db:
            return oneoffs.finished(db, now)

    def resurrected(self) -> dict[str, set[str]]:
        """Return the names of the rows that a set removed and a save by beat has restored (docs/facts.md, 26), by the set."""
        with self._readable() as db:
            rows = db.fetch(
                f"SELECT s.name, t.name, b.name FROM {TOMBSTONE.name} b JOIN {SOURCE.name} s ON s.id = b.source_id"
                f" JOIN {PERIODIC_TASK.name} t ON t.id = b.row_id WHERE s.kind = %s"
                f" AND NOT EXISTS (SELECT 1 FROM {INVENTORY.name} e WHERE e.row_id = t.id)",
                [APPLICATION],
            )
        names: dict[str, set[str]] = {}
        for source, name, deleted_name in rows:
            if name == deleted_name:
                names.setdefault(source, set()).add(name)
        return names

    def tidy(self, source: str, plan: Plan, now: datetime) -> None:
        """Delete what a committed write has left: unused schedule rows, old entries of the history, old tombstones."""
        with self._readable() as db, db.begin(), db.lock_timeout(TIDY_WAIT):
            db.begin_writing()
            for (source_id,) in db.fetch(f"SELECT id FROM {SOURCE.name} WHERE name = %s", [source]):
                tasks.sweep_released(db, plan)
                history.limit(db, source_id)
                inventory.expire_tombstones(db, source_id, now)
                db.check_constraints()

    def name_rule(self) -> NameRule:
        """Return how the database compares names."""
        with self._readable() as db:
            return self._names_compare_by(db)

    def owned_rows(self, source: str, name: str | None = None) -> list[tuple[Owned, Row | None]]:
        """Return each inventory entry of a set, or that of one name, with the row of its key."""
        with self._readable() as db:
            return observe.owned_rows(db, source, name)


def _check_kept(db: Dialect, source_id: int, plan: Plan) -> None:
    """Raise StoreError if a row does not have what the plan has written to it."""
    written = kept.written_changes(plan)
    expected = {name: tasks.target(change) for name, change in written.items()}
    filerecords.write(db, source_id, FileChanges(expected=expected), written)
