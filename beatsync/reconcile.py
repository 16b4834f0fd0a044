"""One reconcile of a source: load → scope → parse → observe → plan → guard → apply → verify.

This module must not know how a step works: how files are read, how SQL is written, who reads the result. Retrying later, timers
and triggers belong to the daemon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.collector import garbage_collector_paused
from beatsync.fingerprint import EVERYTHING, FileChanges, RowFingerprints, Scope, SyncStamp
from beatsync.fingerprint.memory import Memory, file_changes, memory_after, needs_recording
from beatsync.fingerprint.scope import Parsing, ScopedSource, scope_source
from beatsync.minute import seconds_to_wait
from beatsync.pausing import end_pauses
from beatsync.plan.authors import drifted_rows, recurring_drift, with_authors
from beatsync.plan.diff import make_plan
from beatsync.plan.groups import moves_runs
from beatsync.plan.guard import SET_OF_APPLICATION, SUSPENDED, guard
from beatsync.plan.history import RELEASED, Event
from beatsync.plan.model import Action, PeakChange, Plan
from beatsync.plan.observed import Observed
from beatsync.plan.pauses import rows_paused_by_hand, with_authors_of_pauses
from beatsync.plan.peak import crontab_changes, peak_change
from beatsync.plan.release import release_plan
from beatsync.plan.request import Request
from beatsync.plan.verify import written_as_planned, written_names
from beatsync.retry import ATTEMPTS, Retries, wait_for_saves
from beatsync.sets import upkeep
from beatsync.source import load, load_file
from beatsync.specfile.acknowledge import unacknowledged
from beatsync.specfile.combine import with_unregistered_tasks, with_warnings_as_errors
from beatsync.specfile.parse import ParseOptions
from beatsync.specfile.passed import with_past_clocked
from beatsync.sync_types import Clock, Outcome, Progress, Result, SyncOptions, no_progress, utc_now
from beatsync.values import Desired, Severity, Snapshot

if TYPE_CHECKING:
    from beatsync.store import Store

__all__ = [
    "Outcome", "Progress", "Result", "Run", "SyncOptions", "no_progress", "plan", "reconcile", "release", "sync", "utc_now", "validate",
]  # fmt: skip

_FRESH_SECONDS = 10.0
"""A plan that waited longer for the lock is made again: its first runs were computed for the time before the wait."""
_RECORD_SECONDS = 1.0
"""Longest wait for the lock of a sync that changes no row and only records what it has read."""
_UNRECORDED = frozenset({SUSPENDED, SET_OF_APPLICATION})
"""Codes of blockers of which the source keeps no record."""
_RECENT_SYNCS = 20
"""How many past syncs are searched for a drift that was healed before."""


@dataclass(frozen=True, slots=True)
class Run:
    """One reconcile: where the files come from, the database, and the options."""

    load: Callable[[], Snapshot]
    store: Store
    options: SyncOptions
    clock: Clock = utc_now
    progress: Progress = no_progress
    wait: Callable[[float], None] = time.sleep
    """Waits for some seconds."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A plan, and the values that it was made from."""

    snapshot: Snapshot
    memory: Memory
    source: ScopedSource
    scope: Scope
    observed: Observed
    plan: Plan
    now: datetime


@garbage_collector_paused()
def reconcile(run: Run, *, dry_run: bool = False, memory: Memory | None = None) -> Result:
    """Make the rows equal to the files, as a whole or not at all; with `dry_run`, return the plan and write nothing.

    `memory` is that of an earlier result in this process: only changed files and their rows are read then, and all other rows are
    assumed to be unchanged. Raises `SourceError` and `StoreError`; nothing was written then.
    """
    from beatsync.store import RetryableError

    run.progress("reading files", 0, 0)
    snapshot = run.load()
    if not dry_run:
        end_pauses(run.store, run.options, run.clock)
        _keep_sets(run)
    retries = Retries(run.store, run.options.lock_timeout, run.progress)
    while True:
        try:
            draft = _draft(run, snapshot, memory, is_dry_run=dry_run)
            outcome = _refusal(draft.plan, run.options)
            if dry_run:
                plan = with_authors(draft.plan, draft.observed, _authors(run, draft))
                if by_hand := rows_paused_by_hand(plan, draft.observed):
                    authors = run.store.authors([row_id for _, row_id in by_hand])
                    plan = with_authors_of_pauses(plan, draft.observed, authors)
                peak = None if outcome is Outcome.INVALID else _peak_change(run, draft)
                return Result(outcome or Outcome.PLANNED, replace(plan, peak=peak))
            if outcome is not None:
                return _refused(run, draft.plan, outcome)
            result = _apply(run, draft)
        except RetryableError as error:
            memory = None
            retries.wait(error)
        else:
            return _verify(run, snapshot, result)


def _keep_sets(run: Run) -> None:
    """Do what is due in the sets of applications. It is no part of the sync, and is tried again with the next one."""
    from beatsync.store import StoreError

    with suppress(StoreError):
        upkeep(run.store, run.options.holder, run.clock)


def _draft(run: Run, snapshot: Snapshot, memory: Memory | None, *, is_dry_run: bool = False) -> _Draft:
    """Scope, parse, observe, plan and guard; nothing is written."""
    store, options, progress = run.store, run.options, run.progress
    progress("reading the database", 0, 0)
    memory = memory or Memory(store.source_record(options.source), store.row_fingerprints(options.source))
    records = memory.record.files if options.fingerprints else {}
    parse = _with_zone(options.parse, memory.record.stamp.timezone)
    parsing = Parsing(run.clock().date(), partial(progress, "parsing files"))
    source = scope_source(snapshot, parse, records, memory.rows, store.beat_schedule_names(), parsing)
    desired = with_unregistered_tasks(source.desired, source.all_facts, store.registered_tasks())
    source = replace(source, desired=with_warnings_as_errors(desired) if options.strict else desired)
    scope = source.scope if options.fingerprints else EVERYTHING
    progress("comparing with the database", 0, 0)
    observed, now = store.observe(options.source, scope), run.clock()
    plan = store.foresee(_guarded_plan(run, snapshot, source, observed, now), is_dry_run=is_dry_run)
    return _Draft(snapshot, memory, source, scope, observed, plan, now)


def _with_zone(options: ParseOptions, last: str | None) -> ParseOptions:
    """Return the options with the zone of the last sync, if they give none."""
    if not options.is_zone_assumed:
        return options
    return replace(options, timezone=last or options.timezone, is_zone_assumed=False)


def _guarded_plan(run: Run, snapshot: Snapshot, source: ScopedSource, observed: Observed, now: datetime) -> Plan:
    desired = source.desired
    request = Request(run.options.source, now, snapshot.revision, snapshot.origin, run.options.plan)
    plan = guard(make_plan(desired, observed, request), desired, observed, request)
    diagnostics, acknowledged = unacknowledged(plan.diagnostics, source.all_facts)
    return replace(plan, diagnostics=diagnostics, acknowledged=plan.acknowledged + acknowledged)


def _refusal(plan: Plan, options: SyncOptions) -> Outcome | None:
    """Return why the plan may not be applied; None if it may."""
    is_invalid = any(diagnostic.severity is Severity.ERROR for diagnostic in plan.diagnostics)
    if is_invalid and not options.plan.isolate:
        return Outcome.INVALID
    return Outcome.BLOCKED if plan.blocked else None


def _refused(run: Run, plan: Plan, outcome: Outcome) -> Result:
    """Record a blocked sync. An invalid one leaves no trace, a suspension is no failure, and a set of an application is no failed sync."""
    from beatsync.store import Failure

    if outcome is Outcome.BLOCKED and _UNRECORDED.isdisjoint(blocked.code for blocked in plan.blocked):
        message = "; ".join(blocked.message for blocked in plan.blocked)
        name, url = run.options.started_by
        failure = Failure(outcome.value, message, run.clock(), name, plan, url)
        run.store.record_failure(plan.source, failure, run.options.lease_token)
    return Result(outcome, plan)


def _peak_change(run: Run, draft: _Draft) -> PeakChange | None:
    """Return what the plan does to the peak; None if nothing. Rows are counted by crontab, and only if the plan changes these numbers."""
    changes = crontab_changes(draft.plan, draft.observed)
    return peak_change(run.store.crontab_counts(), changes, draft.now) if changes else None


def _authors(run: Run, draft: _Draft) -> dict[int, str]:
    """Return who drifted a row, by its key: from the admin's log, or because the same drift was healed before."""
    drifted = drifted_rows(draft.plan, draft.observed)
    authors = {row_id: f"last {words}" for row_id, words in run.store.authors(drifted).items()}
    if drifted and len(authors) < len(drifted):
        past = (entry.changes for entry in run.store.history(draft.plan.source, _RECENT_SYNCS))
        authors = {**recurring_drift(draft.plan, draft.observed, past), **authors}
    return authors


def _apply(run: Run, draft: _Draft) -> Result:
    """Apply a plan, or record that there is nothing to do. Raises `StoreError`; nothing was written then."""
    from beatsync.store import LockHeld

    changes = file_changes(draft.source, draft.plan, draft.observed, draft.memory.record)
    if _is_recorded(draft) and not needs_recording(changes, draft.memory):
        return Result(Outcome.UNCHANGED, draft.plan, memory=draft.memory)
    run.progress("applying", 0, 0)
    if moves_runs(draft.plan) and (seconds := seconds_to_wait(run.clock())):
        run.progress("waiting for the next minute, so that beat runs nothing twice", 0, 0)
        run.wait(seconds)
    try:
        return _apply_locked(run, draft, changes)
    except LockHeld:
        if draft.plan.does_something:
            raise
        # Another sync is running. This one changes no row, so the next one can record what it read.
        return Result(Outcome.UNCHANGED, draft.plan)


def _apply_locked(run: Run, draft: _Draft, changes: FileChanges) -> Result:
    """Plan again under the lock, for the same scope, and apply."""
    from beatsync.store import RetryableError, SyncedMeanwhile

    store, options, plan, now = run.store, run.options, draft.plan, draft.now
    authors = _authors(run, draft)
    with store.locked(
        options.source,
        _lock_timeout(plan, options),
        options.holder,
        options.lease_token,
        lambda text: run.progress(text, 0, 0),
    ):
        observed = store.observe(options.source, draft.scope)
        if _stamp(observed) != draft.memory.record.stamp:
            raise SyncedMeanwhile(options.source)
        if observed != draft.observed or _is_old(draft, run.clock()):
            now = run.clock()
            plan = _guarded_plan(run, draft.snapshot, draft.source, observed, now)
            changes = file_changes(draft.source, plan, observed, draft.memory.record)
        plan = with_authors(plan, observed, authors)
        outcome = _refusal(plan, options)
        if outcome is None and moves_runs(plan) and seconds_to_wait(run.clock()):
            raise RetryableError("the minute ends, and beat would run some schedules twice")
        if outcome is None:
            people = draft.snapshot.people
            event = Event(options.started_by, message=f"commit by {people}" if people else "")
            written = store.apply(plan, observed, changes, now, event=event, checksum=options.repaired)
    if outcome is not None:
        return _refused(run, plan, outcome)
    stamp = SyncStamp(plan.revision, plan.origin or observed.origin, plan.environment, now, plan.timezone)
    memory = memory_after(draft.memory, plan, changes, written, stamp)
    return Result(Outcome.APPLIED if plan.does_something else Outcome.UNCHANGED, plan, memory=memory)


def _is_old(draft: _Draft, now: datetime) -> bool:
    """Return whether the plan was made for another time: its first runs may be others now."""
    is_another_minute = now.replace(second=0, microsecond=0) > draft.now
    return (now - draft.now).total_seconds() > _FRESH_SECONDS or (is_another_minute and moves_runs(draft.plan))


def _is_recorded(draft: _Draft) -> bool:
    """Return whether the plan does nothing and the source's row already names this revision as synced."""
    plan, observed = draft.plan, draft.observed
    origin = plan.origin or observed.origin
    expected = SyncStamp(plan.revision, origin, plan.environment, observed.synced_at, plan.timezone)
    return not plan.does_something and observed.outcome == Outcome.APPLIED and _stamp(observed) == expected


def _lock_timeout(plan: Plan, options: SyncOptions) -> float | None:
    """Return the longest wait for the lock in seconds: a sync that changes no row does not wait long for another one."""
    if plan.does_something:
        return options.lock_timeout
    return _RECORD_SECONDS if options.lock_timeout is None else min(options.lock_timeout, _RECORD_SECONDS)


def _stamp(observed: Observed) -> SyncStamp:
    return SyncStamp(observed.revision, observed.origin, observed.environment, observed.synced_at, observed.timezone)


def _verify(run: Run, snapshot: Snapshot, result: Result) -> Result:
    """Look at the written rows after the commit, and write again what a save by beat changed back.

    An error here is part of the result: the sync itself was committed.
    """
    from beatsync.store import StoreError

    # Beat does not know a new row, and so never saves it.
    if result.outcome is not Outcome.APPLIED or all(c.action is Action.CREATE for c in result.plan.changes):
        return result
    run.progress("verifying", 0, 0)
    try:
        return _repaired(run, snapshot, result)
    except StoreError as error:
        return replace(result, unverified=str(error), memory=None)


def _repaired(run: Run, snapshot: Snapshot, result: Result) -> Result:
    from beatsync.store import RetryableError

    planning = replace(run.options.plan, approved=None)
    options = replace(run.options, plan=planning, repaired=result.plan.checksum)
    again = replace(run, options=options, progress=no_progress)
    latest, repairs = result, 0
    for _ in range(ATTEMPTS):
        wait_for_saves(run.store, run.options.settle)
        if written_as_planned(latest.plan, run.store.read_rows(written_names(latest.plan))):
            break
        draft = _draft(again, snapshot, None)
        # Another revision was synced by another process, and is not a save by beat.
        if not draft.plan.changes or _refusal(draft.plan, options) or draft.observed.revision != snapshot.revision:
            break
        try:
            repaired = _apply(again, draft)
        except RetryableError:
            continue
        if repaired.outcome is not Outcome.APPLIED:
            break
        latest, repairs = repaired, repairs + len(repaired.plan.changes)
    else:
        return replace(result, repairs=repairs, unverified="another process keeps changing the rows back")
    return replace(result, repairs=repairs, memory=latest.memory)


def plan(
    root: Path, store: Store, options: SyncOptions, clock: Clock = utc_now, progress: Progress = no_progress
) -> Result:
    """Return what a sync of the directory `root` would do. Raises `SourceError` and `StoreError`."""
    return reconcile(Run(partial(load, root), store, options, clock, progress), dry_run=True)


def sync(
    root: Path, store: Store, options: SyncOptions, clock: Clock = utc_now, progress: Progress = no_progress
) -> Result:
    """Make the rows equal to the files of the directory `root`, once. Raises `SourceError` and `StoreError`."""
    return reconcile(Run(partial(load, root), store, options, clock, progress))


@garbage_collector_paused()
def validate(
    path: Path, options: ParseOptions, clock: Clock = utc_now, progress: Progress = no_progress, *, strict: bool = False
) -> tuple[Snapshot, Desired]:
    """Load and parse a directory or one file; what is wrong with it is in the result. Raises `SourceError`."""
    progress("reading files", 0, 0)
    snapshot = load_file(path) if path.is_file() else load(path)
    now = clock()
    parsing = Parsing(now.date(), partial(progress, "parsing files"))
    source = scope_source(snapshot, options, {}, RowFingerprints(), frozenset(), parsing)
    desired = with_past_clocked(source.desired, source.all_facts, now)
    return snapshot, with_warnings_as_errors(desired) if strict else desired


def release(store: Store, names: Collection[str] | None, options: SyncOptions, clock: Clock = utc_now) -> Plan:
    """Remove rows, all of the source's for None, from its ownership without changing them; return what was done.

    Raises UnknownNames if the source does not own one of them, and `StoreError`; nothing was done then.
    """
    # Checked before the lock, which creates the source if it is missing: a misspelt name must leave no trace.
    release_plan(options.source, names, store.observe(options.source))
    with store.locked(options.source, options.lock_timeout, options.holder):
        observed = store.observe(options.source)
        plan = release_plan(options.source, names, observed)
        store.apply(plan, observed, FileChanges(), clock(), event=Event(options.started_by, RELEASED))
    return plan
