"""The sets of schedules that an application declares: lock → observe → plan → write, and what is due after the commit.

It is the data flow of `beatsync.reconcile` without files, in a transaction of the caller's if there is one. This module must not
know how a value is checked, who declares it, or how SQL is written.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from beatsync.fingerprint import Scope
from beatsync.plan.diff import make_plan
from beatsync.plan.guard import SUSPENDED
from beatsync.plan.model import Action, Blocked, Plan
from beatsync.plan.observed import APPLICATION, Observed
from beatsync.plan.request import PlanOptions, Request
from beatsync.plan.restore import declared_of
from beatsync.plan.verify import written_as_planned, written_names
from beatsync.retry import ATTEMPTS
from beatsync.specfile.passed import CLOCKED_PAST
from beatsync.sync_types import Clock, utc_now
from beatsync.values import Declared, Desired, Diagnostic, Revision, Severity

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from beatsync.store import Retention, SetStore, Store
    from beatsync.store.pending import PendingWrite
    from beatsync.store.setlock import SetLock

_Value = TypeVar("_Value")
log = logging.getLogger(__name__)

_VERIFY_AFTER = timedelta(seconds=5)
"""A save that beat began before a commit has ended by then (`reconcile._LONGEST_SETTLE`)."""
LOCK_WAIT = 10.0
"""Seconds that a statement of a change waits for a lock."""
_PAUSE = 0.05
"""The longest pause in seconds before a transaction that gave way starts again."""


@dataclass(frozen=True, slots=True)
class SetChange:
    """What an application changes in one of its sets."""

    source: str
    declared: tuple[Declared, ...] = ()
    removed: frozenset[str] = frozenset()
    one_offs: Mapping[str, Retention] | None = field(default_factory=dict)
    """How long the one-offs among `declared` are kept; the others are no one-offs. None leaves that unchanged."""
    is_whole: bool = False
    """Whether every other schedule of the set is removed."""
    locks_set: bool = False
    """Whether the whole set is locked instead of the names."""
    only_finished: bool = False
    """Whether those of `removed` stay that are kept, by what is read under the lock."""
    restores: bool = False
    """Whether the rows of `removed` get the values that the inventory has under the lock, and only those without an entry are removed."""
    adopt: bool = False
    actor: str = "beatsync"

    @property
    def names(self) -> frozenset[str]:
        """Return every name that the change is about."""
        return self.removed.union(declared.spec.name for declared in self.declared)


class Refused(Exception):  # noqa: N818  it names the condition
    """A change of a set that was not made, because of blockers or errors that only the database shows."""

    def __init__(self, blocked: Iterable[Blocked], diagnostics: Iterable[Diagnostic] = ()) -> None:
        self.blocked, self.diagnostics = tuple(blocked), tuple(diagnostics)
        messages = (*(each.message for each in self.blocked), *(each.message for each in self.diagnostics))
        super().__init__("; ".join(messages))


def change_set(store: SetStore, change: SetChange, clock: Clock = utc_now, *, verifies: bool = True) -> Plan:
    """Make a change, and return what was done; nothing is written if the rows have the values already.

    In a transaction of the caller's it runs in a savepoint, once. Otherwise it starts again if the database gives way to another
    transaction. Raises Refused, RetryableError and StoreError; nothing was written then.
    """
    return _retried(store, partial(_attempt, store, change, clock, verifies=verifies))


def _retried(store: SetStore, work: Callable[[], _Value]) -> _Value:
    """Return the result of `work`, which starts again if the database gives way to another transaction; in the caller's it does not."""
    from beatsync.store import RetryableError, RowsLocked

    attempts = ATTEMPTS
    while True:
        try:
            return work()
        except RetryableError as error:
            attempts -= 1
            if isinstance(error, RowsLocked) or not attempts or store.is_in_transaction:
                raise
        time.sleep(random.uniform(0, _PAUSE))  # noqa: S311  so that two of them do not meet again


def _attempt(store: SetStore, change: SetChange, clock: Clock, *, verifies: bool) -> Plan:
    with _locked(store, change) as lock:
        now = clock()
        if change.only_finished:
            still_due = store.finished_one_offs(now).get(change.source, set())
            change = replace(change, removed=change.removed & still_due)
        observed = store.observe_set(change.source, None if change.is_whole else change.names, lock)
        if change.restores:
            change = _restoring(change, observed)
        if change.is_whole:
            change = replace(change, removed=frozenset(observed.inventory.keys() - change.names))
        plan = _plan(change, observed, now)
        retentions = _changed_retentions(store, change, lock)
        if plan.does_something or retentions:
            store.write_set(lock, plan, observed, retentions, change.actor, now)
            store.after_commit(partial(_after_commit, store, change.source, plan, clock, verifies=verifies))
    return plan


def _locked(store: SetStore, change: SetChange) -> AbstractContextManager[SetLock]:
    if change.locks_set or change.is_whole:
        return store.lock_set(change.source, LOCK_WAIT)
    return store.lock_names(change.source, change.names - change.removed, change.removed, LOCK_WAIT)


def _plan(change: SetChange, observed: Observed, now: datetime) -> Plan:
    """Return what makes the rows equal to what is declared. Raises Refused."""
    if not change.is_whole:
        observed = _narrowed(observed, change.names)
    request = Request(change.source, now, Revision(""), None, PlanOptions(adopt=change.adopt))
    declared = sorted(change.declared, key=lambda each: each.spec.name)
    plan = make_plan(Desired(tuple(declared)), observed, request)
    # A sync of files skips a schedule whose time has passed, and goes on; here, a warning would be lost.
    errors = [each for each in plan.diagnostics if each.severity is Severity.ERROR or each.code == CLOCKED_PAST]
    blocked = (*_set_blockers(plan, observed), *plan.blocked)
    if blocked or errors:
        raise Refused(blocked, errors)
    return plan


def _narrowed(observed: Observed, names: Collection[str]) -> Observed:
    """Return what was observed of these names: other schedules of the set are not in this change. Raises Refused.

    A row that was renamed by hand is observed under both names, and belongs to the schedule that it was written for.
    """
    owners = {entry.row_id: entry.name for entry in observed.inventory.values()}
    moved = [
        (name, owner)
        for name in sorted(names)
        if (row := observed.rows.get(name)) is not None and (owner := owners.get(row.row_id, name)) not in names
    ]
    if moved:
        raise Refused(_moved_row(name, owner) for name, owner in moved)
    return replace(
        observed,
        inventory={name: entry for name, entry in observed.inventory.items() if name in names},
        tombstones=tuple(tombstone for tombstone in observed.tombstones if tombstone.name in names),
    )


def _moved_row(name: str, owner: str) -> Blocked:
    message = f"the row {name!r} is that of {owner!r} in the same set, renamed outside BeatSync"
    return Blocked("conflict", message, (name,), f"write {owner!r} again, which gives the row its name back")


def _set_blockers(plan: Plan, observed: Observed) -> Iterator[Blocked]:
    """Yield why the source may not be changed as a set now."""
    if observed.kind != APPLICATION:
        message = f"the source {plan.source!r} is a directory of files, so the application cannot declare its schedules"
        yield Blocked("file-source", message, hint="choose another name for the set")
    if plan.suspension is not None:
        yield Blocked(SUSPENDED, f"the set {plan.source!r} is {plan.suspension}")


def _changed_retentions(store: SetStore, change: SetChange, lock: SetLock) -> dict[str, Retention | None]:
    """Return the retentions to write, by name; None for a schedule that is no one-off any more."""
    if change.one_offs is None:
        return {}
    present = store.retentions(lock, change.names)
    return {name: wanted for name in change.names if (wanted := change.one_offs.get(name)) != present.get(name)}


# After the commit.


def _after_commit(store: SetStore, source: str, plan: Plan, clock: Clock, *, verifies: bool) -> None:
    """Notify beat, and look once whether beat undid the write; then do what is due. An error is logged: the next write does it."""
    from beatsync.store import StoreError

    try:
        writes = _retried(store, lambda: store.settle_notices(clock()))
        if verifies:
            _look(store, source, plan, clock)
            _verify(store, [write for write in writes if write.source == source], "beatsync", clock)
            _remove_finished(store, "beatsync", clock, source)
    except StoreError as error:
        log.warning("after a change of the set %s: %s; the next write, sync or daemon does what is due", source, error)
    with suppress(StoreError):
        store.tidy(source, plan, clock())


def _look(store: SetStore, source: str, plan: Plan, clock: Clock) -> None:
    """Read the rows that beat knew before the commit, and write again what a save by beat changed back."""
    rewritten = replace(plan, changes=tuple(change for change in plan.changes if change.action is not Action.CREATE))
    if rewritten.changes and not written_as_planned(rewritten, store.read_rows(written_names(rewritten))):
        _restore(store, source, written_names(rewritten), "beatsync", clock)


def upkeep(store: Store, actor: str, clock: Clock = utc_now) -> None:
    """Do what is due in all sets: notices that a crash left, verification, finished one-offs, rows that beat restored.

    Raises StoreError; what was done before stays done.
    """
    from beatsync.store import SetStore

    sets = SetStore.of(store)
    if not sets.has_sets():
        return
    _verify(sets, sets.settle_notices(clock()), actor, clock)
    _remove_finished(sets, actor, clock)
    for source, names in sorted(sets.resurrected().items()):
        _restore(sets, source, names, actor, clock)


def _verify(store: SetStore, writes: Iterable[PendingWrite], actor: str, clock: Clock) -> None:
    """Compare the rows of writes that are some seconds old with the inventory, and write again what a save by beat changed back."""
    latest = clock() - _VERIFY_AFTER
    aged = [write for write in writes if write.written_at is None or write.written_at <= latest]
    names: dict[str, set[str]] = {}
    for write in aged:
        names.setdefault(write.source, set()).update(write.names)
    for source in sorted(names):
        _restore(store, source, names[source], actor, clock)
    if aged:
        store.forget_writes(aged)


def _restore(store: SetStore, source: str, names: Collection[str], actor: str, clock: Clock) -> None:
    """Make the rows of these names equal to what was last applied to them; delete those that were removed."""
    change = SetChange(source, removed=frozenset(names), one_offs=None, restores=True, actor=actor)
    observed = store.observe(source, Scope(change.removed))
    try:
        if _plan(_restoring(change, observed), observed, clock()).does_something:
            change_set(store, change, clock, verifies=False)
    except Refused as refusal:
        log.warning("the set %s cannot be verified: %s", source, refusal)


def _restoring(change: SetChange, observed: Observed) -> SetChange:
    """Return a change that declares what the observed inventory has under its names, and removes the rows of the other names.

    Another process may write the set at any time, so what is written is always read under the lock.
    """
    entries = [observed.inventory[name] for name in sorted(change.removed & observed.inventory.keys())]
    declared = filter(None, (declared_of(entry) for entry in entries if not entry.retired))
    gone = change.removed - observed.inventory.keys() - observed.owners.keys()
    return replace(change, declared=tuple(declared), removed=gone)


def _remove_finished(store: SetStore, actor: str, clock: Clock, source: str | None = None) -> None:
    """Remove the one-offs of one set, or of all, that ran or expired and are no longer kept."""
    for each, names in sorted(store.finished_one_offs(clock()).items()):
        if source in {None, each}:
            change = SetChange(each, removed=frozenset(names), locks_set=True, only_finished=True, actor=actor)
            try:
                change_set(store, change, clock, verifies=False)
            except Refused as refusal:
                log.warning("finished one-offs of the set %s stay: %s", each, refusal)
