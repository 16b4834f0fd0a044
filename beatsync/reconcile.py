"""One sync, as a straight line of named steps over a directory and a store.

This module must not know how files are read, how SQL is written or who is looking: no printing, no exit codes. Retrying,
timers and triggers are the daemon's.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.applying import (
    Clock,
    Outcome,
    Planned,
    Result,
    Sync,
    SyncOptions,
    Watch,
    carry_out,
    note,
    refuse,
    unwatched,
    utc_now,
)
from beatsync.parsing import parse_all, parse_rest
from beatsync.plan.authors import with_authors
from beatsync.plan.model import Plan
from beatsync.plan.part import MOST, Base, part_plan
from beatsync.plan.release import release_plan
from beatsync.source import load
from beatsync.specfile import ParseOptions
from beatsync.values import Desired, Snapshot

if TYPE_CHECKING:
    from beatsync.store import Store

__all__ = [
    "Clock", "Outcome", "Part", "Result", "SyncOptions", "Watch", "check", "parse", "plan", "release", "sync", "sync_part",
    "sync_read", "unwatched", "utc_now",
]  # fmt: skip


@contextmanager
def _undisturbed(*, keeps: bool = False) -> Iterator[None]:
    """Keep the garbage collector from looking again and again at values that live on, and of which none refers to itself.

    Where they live on when this ends (`keeps`), they count as old from then on: to look at them once takes a tenth of making them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if keeps and not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


@dataclass(frozen=True, slots=True)
class Part:
    """The names that the files which changed speak of, and the sync since which they did."""

    names: frozenset[str]
    base: Base


@_undisturbed(keeps=True)
def check(
    root: Path, options: ParseOptions, watch: Watch = unwatched, jobs: int | None = None, *, digests: bool = False
) -> tuple[Snapshot, Desired]:
    """Load and parse a directory; what is wrong with its files is in the result, of which the snapshot holds no files any more.

    For `digests`, see `parse_files`. Raises `beatsync.source.SourceError` where the directory itself cannot be read.
    """
    watch("reading files", 0, 0)
    snapshot = load(root)
    # Their text may be large, and nobody reads it a second time.
    files, snapshot = deque(snapshot.files), replace(snapshot, files=())
    progress = _progress(watch, len(files))
    return snapshot, parse_all(files, options, snapshot.diagnostics, jobs, progress, digests=digests)


@_undisturbed(keeps=True)
def parse(snapshot: Snapshot, options: ParseOptions, watch: Watch = unwatched, jobs: int | None = None) -> Desired:
    """Parse what was loaded; nothing is raised, what is wrong is in the result."""
    files, progress = deque(snapshot.files), _progress(watch, len(snapshot.files))
    return parse_all(files, options, snapshot.diagnostics, jobs, progress, digests=False)


def _progress(watch: Watch, total: int) -> Callable[[int], None]:
    return lambda done: watch("parsing files", done, total)


def _begun(root: Path, store: Store, options: SyncOptions, clock: Clock, watch: Watch) -> Sync:
    """Read the files, as far as the database does not tell what they say."""
    watch("reading files", 0, 0)
    snapshot = load(root)
    watch("reading the database", 0, 0)
    told = store.told(options.source)
    files, snapshot = deque(snapshot.files), replace(snapshot, files=())
    given = options.parse, snapshot.diagnostics, options.jobs, _progress(watch, len(files))

    def whole() -> Desired:
        return parse_all(files, *given, digests=True)

    desired = parse_rest(files, told.known, *given) if told else None
    return Sync(snapshot, desired or whole(), store, options, clock, watch, told, whole)


@_undisturbed(keeps=True)
def plan(root: Path, store: Store, options: SyncOptions, clock: Clock = utc_now, watch: Watch = unwatched) -> Result:
    """Return what a sync would do, and do nothing.

    Raises `beatsync.source.SourceError` and `beatsync.store.StoreError`.
    """
    one = _begun(root, store, options, clock, watch)
    watch("comparing with the database", 0, 0)
    planned = one.planned_of_told()
    made = with_authors(planned.plan, planned.observed, one.authors(planned))
    return Result(one.obstacle(made) or Outcome.PLANNED, made)


@_undisturbed(keeps=True)
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
    one = _begun(root, store, options, clock, watch)
    watch("comparing with the database", 0, 0)
    return _ended(one, one.planned_of_told())


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
    one = Sync(snapshot, desired, store, options, clock, watch)
    return _ended(one, one.planned())


def _ended(one: Sync, planned: Planned) -> Result:
    obstacle = one.obstacle(planned.plan)
    if obstacle is not None:
        return refuse(one, planned.plan, obstacle)
    return _done(one, planned)


@_undisturbed()
def sync_part(
    snapshot: Snapshot, desired: Desired, part: Part, store: Store, options: SyncOptions, *, watch: Watch = unwatched
) -> Result | None:
    """Sync what changed in the files since a sync by this process; None where anything is unusual, and nothing was done.

    Then `sync_read` is what to do, as it is now and then in any case: only that sees what somebody did to other rows.
    Raises `beatsync.store.StoreError`.
    """
    if len(part.names) > MOST:
        return None
    one = Sync(snapshot, desired, store, options, watch=watch)
    observed, now = store.observe_part(options.source, part.names), one.clock()
    made = part_plan(desired, part.names, part.base, observed, one.request(now))
    return None if made is None else _done(one, Planned(observed, made, now))


def _done(one: Sync, planned: Planned) -> Result:
    """Carry a plan out that nothing stands against."""
    made = planned.plan
    return carry_out(one, planned) if made.changes or made.records else note(one, planned)


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
