"""One sync, as a straight line of named steps over a directory and a store.

This module must not know how files are read, how SQL is written or who is looking: no printing, no exit codes. Retrying,
timers and triggers are the daemon's.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.plan.authors import come_again, drifted_rows, with_authors
from beatsync.plan.diff import make_plan
from beatsync.plan.guard import SUSPENDED
from beatsync.plan.model import Action, Blocked, Observed, Plan, PlanOptions, Request
from beatsync.plan.part import MOST, as_written, concerned, names_of, still_holds
from beatsync.plan.release import release_plan
from beatsync.source import load
from beatsync.spec import ParseOptions, combine
from beatsync.values import Desired, Severity, Snapshot, TaskSpec
from beatsync.workers import parse_files

if TYPE_CHECKING:
    from beatsync.store import Store

Clock = Callable[[], datetime]
Watch = Callable[[str, int, int], None]
"""Is told which step a sync is at, and how many of how many pieces of it are done (0 where nobody knows)."""

_YOUNG = 10.0
"""Seconds for which a plan that still holds is applied as it is: what it says of the next runs was true a moment ago."""
_ATTEMPTS = 5
"""How often a sync is begun anew after a deadlock, and how often undone rows are repaired after a commit."""


_REMEMBERED = 20
"""How many of the last syncs are looked at for a drift that comes again and again."""


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """Everything that a person may tell a sync."""

    source: str = "default"
    parse: ParseOptions = field(default_factory=ParseOptions)
    plan: PlanOptions = field(default_factory=PlanOptions)
    lock_wait: float | None = None
    """Seconds to wait for another BeatSync on the same source; 0 is not at all, None for ever."""
    settle: float = 0.0
    """Seconds after the commit until the rows are looked at for the last time: a save that beat had begun before it may
    land as long after it as that save takes, about ten statements (FACTS 2). Only rows that beat knows are waited for."""
    holder: str = "beatsync"
    """What another BeatSync that waits is told about this one."""
    jobs: int | None = None
    """How many processes parse files; None is as many as pay."""
    lease_token: str | None = None
    """A daemon's: nothing is written where another daemon leads the source by now."""


class Outcome(str, Enum):
    """How a plan or a sync ended. A database or a directory that cannot be read is an exception, not an outcome."""

    PLANNED = "planned"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    INVALID = "invalid"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it."""

    outcome: Outcome
    plan: Plan
    repairs: int = 0
    """Rows that somebody undid while the sync committed (FACTS 1), and that were applied once more."""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the garbage collector from looking again and again at values that live on, and of which none refers to itself."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Planned:
    """A plan with what it was made from."""

    observed: Observed
    plan: Plan
    now: datetime


def unwatched(step: str, done: int, total: int) -> None:
    """Nobody is looking."""


@_undisturbed()
def check(
    root: Path, options: ParseOptions, watch: Watch = unwatched, jobs: int | None = None
) -> tuple[Snapshot, Desired]:
    """Load and parse a directory; what is wrong with its files is in the result, of which the snapshot holds no files any more.

    Raises `beatsync.source.SourceError` where the directory itself cannot be read.
    """
    watch("reading files", 0, 0)
    snapshot = load(root)
    desired = parse(snapshot, options, watch, jobs)
    # Their text may be large, and nobody reads it a second time.
    return replace(snapshot, files=()), desired


@_undisturbed()
def parse(snapshot: Snapshot, options: ParseOptions, watch: Watch = unwatched, jobs: int | None = None) -> Desired:
    """Parse what was loaded; nothing is raised, what is wrong is in the result."""
    total = len(snapshot.files)
    parsed = parse_files(snapshot.files, options, jobs, lambda done: watch("parsing files", done, total))
    return combine(parsed, options, snapshot.diagnostics)


@_undisturbed()
def plan(root: Path, store: Store, options: SyncOptions, clock: Clock = utc_now, watch: Watch = unwatched) -> Result:
    """Return what a sync would do, and do nothing.

    Raises `beatsync.source.SourceError` and `beatsync.store.StoreError`.
    """
    snapshot, desired = check(root, options.parse, watch, options.jobs)
    watch("comparing with the database", 0, 0)
    observed = _observe(store, options, desired)
    made = _make_plan(snapshot, desired, observed, options, clock())
    made = with_authors(made, observed, _authors(store, made, observed))
    return Result(_obstacle(made, options) or Outcome.PLANNED, made)


@_undisturbed()
def sync(
    root: Path,
    store: Store,
    options: SyncOptions,
    *,
    expected: str | None = None,
    clock: Clock = utc_now,
    watch: Watch = unwatched,
) -> Result:
    """Make the rows say what the files say, once, whole or not at all.

    `expected` is the checksum of a reviewed plan; where the sync would now do anything else, it is blocked.
    Raises `beatsync.source.SourceError` and `beatsync.store.StoreError`, then nothing was written.
    """
    if expected is not None:
        options = replace(options, plan=replace(options.plan, approved=expected))
    return sync_read(*check(root, options.parse, watch, options.jobs), store, options, clock=clock, watch=watch)


@_undisturbed()
def sync_read(
    snapshot: Snapshot,
    desired: Desired,
    store: Store,
    options: SyncOptions,
    *,
    clock: Clock = utc_now,
    watch: Watch = unwatched,
) -> Result:
    """Make the rows say what was read from the files; `sync` without its first step. Raises `beatsync.store.StoreError`."""
    watch("comparing with the database", 0, 0)
    observed, now = _observe(store, options, desired), clock()
    made = _make_plan(snapshot, desired, observed, options, now)
    obstacle = _obstacle(made, options)
    if obstacle is not None:
        return _refused(store, made, obstacle, options, clock)
    if not made.changes and not made.records:
        if not _is_noted(made, observed):
            store.touch_revision(made, clock(), options.lease_token)
        return Result(Outcome.UNCHANGED, made)
    watch("applying", 0, 0)
    first = _Planned(observed, made, now)
    result = _apply(store, snapshot, desired, options, clock, first)
    if result.outcome is not Outcome.APPLIED:
        return _refused(store, result.plan, result.outcome, options, clock)
    watch("verifying", 0, 0)
    return replace(result, repairs=_repair(store, snapshot, desired, options, clock, result.plan))


def release(store: Store, names: Collection[str], options: SyncOptions, clock: Clock = utc_now) -> Plan:
    """Give rows out of the source's ownership and leave them as they are; return what was done.

    Raises UnknownNames where the source does not own one of them, then nothing was done; and `beatsync.store.StoreError`.
    """
    # Before the lock, which makes the source where there is none: a name that was mistyped must leave nothing behind.
    release_plan(options.source, names, store.observe(options.source))
    with store.locked(options.source, options.lock_wait, options.holder):
        observed = store.observe(options.source)
        made = release_plan(options.source, names, observed)
        store.apply(made, observed, clock(), is_sync=False)
    return made


def _observe(store: Store, options: SyncOptions, desired: Desired) -> Observed:
    return store.observe(options.source, _expected(desired))


def _expected(desired: Desired) -> dict[str, TaskSpec]:
    return {declared.spec.name: declared.spec for declared in desired.schedules}


def _make_plan(snapshot: Snapshot, desired: Desired, observed: Observed, options: SyncOptions, now: datetime) -> Plan:
    request = Request(options.source, now, snapshot.revision, snapshot.origin, options.plan)
    made = make_plan(desired, observed, request)
    approved = options.plan.approved
    if approved is None or made.checksum == approved:
        return made
    stale = Blocked(
        "plan-stale",
        "the saved plan no longer holds: files or rows have changed since it was made",
        hint="make a new plan and review it",
    )
    return replace(made, blocked=(stale, *made.blocked))


def _obstacle(made: Plan, options: SyncOptions) -> Outcome | None:
    """Return why the plan may not be applied, if it may not."""
    invalid = any(diagnostic.severity is Severity.ERROR for diagnostic in made.diagnostics)
    if invalid and not options.plan.isolate:
        return Outcome.INVALID
    return Outcome.BLOCKED if made.blocked else None


def _is_noted(made: Plan, observed: Observed) -> bool:
    """Whether the database says already what this sync, which changes no row, is a sync of; then nothing at all is written."""
    wanted = (made.revision, made.origin or observed.origin, made.environment)
    return observed.is_settled and wanted == (observed.revision, observed.origin, observed.environment)


def _refused(store: Store, made: Plan, outcome: Outcome, options: SyncOptions, clock: Clock) -> Result:
    """Remember a blocked sync; an invalid one leaves no trace in the database, and to be suspended is no failure."""
    from beatsync.store import Failure

    if outcome is Outcome.BLOCKED and SUSPENDED not in {blocked.code for blocked in made.blocked}:
        message = "; ".join(blocked.message for blocked in made.blocked)
        store.record_failure(
            made.source, Failure(outcome.value, message, clock(), options.holder, made), options.lease_token
        )
    return Result(outcome, made)


def _authors(store: Store, made: Plan, observed: Observed) -> dict[int, str]:
    """Return what is known of who drifted a row: by the admin's log, or because it drifted in the very same way before."""
    drifted = drifted_rows(made, observed)
    said = {row_id: f"last {words}" for row_id, words in store.authors(drifted).items()}
    if drifted and len(said) < len(drifted):
        past = (entry.changes for entry in store.history(made.source, _REMEMBERED))
        said = {**come_again(made, observed, past), **said}
    return said


def _apply(
    store: Store,
    snapshot: Snapshot,
    desired: Desired,
    options: SyncOptions,
    clock: Clock,
    first: _Planned | None = None,
) -> Result:
    """Apply, under the lock, the plan of the rows as they are there: the first one where it still holds, else a new one."""
    from beatsync.store import RetryableError

    authors = _authors(store, first.plan, first.observed) if first else {}
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with store.locked(options.source, options.lock_wait, options.holder, options.lease_token):
                planned = _planned_again(store, snapshot, desired, options, clock(), first)
                made = with_authors(planned.plan, planned.observed, authors)
                obstacle = _obstacle(made, options)
                if obstacle is not None:
                    return Result(obstacle, made)
                store.apply(made, planned.observed, planned.now)
            return Result(Outcome.APPLIED, made)
        except RetryableError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _planned_again(
    store: Store, snapshot: Snapshot, desired: Desired, options: SyncOptions, now: datetime, first: _Planned | None
) -> _Planned:
    """Return the plan of what is read under the lock: the first one, where what it was made from reads the same there."""
    is_young = first is not None and abs((now - first.now).total_seconds()) <= _YOUNG
    names = concerned(first.plan) if first is not None and is_young else None
    if first is not None and names is not None:
        part = store.observe_part(options.source, names)
        if still_holds(first.plan, names, first.observed, part):
            return replace(first, observed=part)
    observed = _observe(store, options, desired)
    if first is not None and is_young and observed == first.observed:
        return first
    return _Planned(observed, _make_plan(snapshot, desired, observed, options, now), now)


def _repair(
    store: Store, snapshot: Snapshot, desired: Desired, options: SyncOptions, clock: Clock, applied: Plan
) -> int:
    """Look again after the commit, and apply once more what a save of beat's undid; return how many rows that was."""
    repaired = 0
    # Beat does not know a new row, and saves none that it does not know.
    settled = options.settle <= 0 or all(change.action is Action.CREATE for change in applied.changes)
    again = replace(options, plan=replace(options.plan, approved=None))
    for _ in range(_ATTEMPTS):
        undone = _undone(store, snapshot, desired, again, clock, applied)
        if not undone and not settled:
            time.sleep(options.settle)
            undone = _undone(store, snapshot, desired, again, clock, applied)
        if not undone:
            break
        result = _apply(store, snapshot, desired, again, clock)
        if result.outcome is not Outcome.APPLIED:
            break
        repaired += len(result.plan.changes)
    return repaired


def _undone(
    store: Store, snapshot: Snapshot, desired: Desired, options: SyncOptions, clock: Clock, applied: Plan
) -> bool:
    """Whether the rows no longer say what was just written into them."""
    names = names_of(applied)
    if as_written(applied, store.look(names if len(names) <= MOST else None, _expected(desired))):
        return False
    observed = _observe(store, options, desired)
    made = _make_plan(snapshot, desired, observed, options, clock())
    # Another revision is another sync's word, and no undoing of ours.
    return bool(made.changes) and not made.blocked and observed.revision == made.revision
