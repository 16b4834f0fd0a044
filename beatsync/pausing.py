"""Pauses of schedules: starts them, ends them, and ends those whose time is over or whose rows were enabled.

How rows change is in `beatsync.plan.pauses`; when that happens by itself is decided by the callers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from beatsync.fingerprint import FileChanges
from beatsync.plan.history import PAUSED, UNPAUSED, Event
from beatsync.plan.model import Plan
from beatsync.plan.observed import Observed, Pause, until_text
from beatsync.plan.pauses import matching, pause_plan, paused_rows, unpause_plan
from beatsync.plan.verify import written_names
from beatsync.retry import ATTEMPTS, Retries, wait_for_saves
from beatsync.specfile.problems import with_nearest
from beatsync.sync_types import Clock, SyncOptions, no_progress, utc_now

if TYPE_CHECKING:
    from beatsync.store import Store

_LOCK_SECONDS = 1.0
"""Longest wait for the lock of a source whose pauses end by themselves: the next sync or daemon tries again."""
_LISTED = 10
"""Schedules that an error about an unknown name lists."""
_MakePlan = Callable[[Observed, datetime], Plan]


class UnknownSchedules(Exception):  # noqa: N818  the name says what is wrong
    """No source owns a schedule of this name, or one that matches this pattern."""

    def __init__(self, patterns: Collection[str], names: Collection[str]) -> None:
        listed = ", ".join(with_nearest(pattern, names) for pattern in patterns)
        first = sorted(names)[:_LISTED]
        more = len(names) - len(first)
        owned = (
            f"owned are {', '.join(first)}{f' and {more:,} more' if more else ''}" if names else "no source owns any"
        )
        super().__init__(f"no source owns a schedule {listed}; {owned}")


def pause(
    store: Store, source: str | None, patterns: Collection[str], wanted: Pause, options: SyncOptions
) -> list[Plan]:
    """Disable schedules until the pause ends; return what was done, one plan for each source.

    `patterns` are names or glob patterns; `source` None is every source. Raises UnknownSchedules, and nothing was done then, and `StoreError`.
    """
    plans = []
    for name, schedules in _chosen(store, source, patterns).items():

        def make_plan(observed: Observed, _: datetime, name: str = name, chosen: Collection[str] = schedules) -> Plan:
            return pause_plan(name, chosen, observed, wanted)

        event = Event(options.started_by, PAUSED, _message(wanted))
        plans.append(_apply_and_verify(store, name, make_plan, event, options, lambda: wanted.since))
    return plans


def unpause(
    store: Store, source: str | None, patterns: Collection[str], options: SyncOptions, clock: Clock = utc_now
) -> list[Plan]:
    """End pauses; return what was done, one plan for each source with a pause. Raises as `pause` does."""
    plans = []
    for name, schedules in _chosen(store, source, patterns).items():

        def make_plan(observed: Observed, now: datetime, name: str = name, chosen: Collection[str] = schedules) -> Plan:
            return unpause_plan(name, paused_rows(chosen, observed), observed, now)

        plans.append(_apply_and_verify(store, name, make_plan, Event(options.started_by, UNPAUSED), options, clock))
    return [plan for plan in plans if plan.changes]


def end_pauses(store: Store, options: SyncOptions, clock: Clock = utc_now) -> None:
    """End the pauses of all sources whose time is over or whose rows were enabled. An error leaves them to the next call."""
    from beatsync.store import StoreError

    options = replace(options, lock_timeout=_LOCK_SECONDS)
    with suppress(StoreError):
        for source, names in store.due_pauses(clock()).items():
            with suppress(StoreError):
                _end(store, source, names, options, clock)


def _end(store: Store, source: str, names: Collection[str], options: SyncOptions, clock: Clock) -> None:
    def make_plan(observed: Observed, now: datetime) -> Plan:
        # What another process has ended or paused again meanwhile is not due any more.
        still_due = store.due_pauses(now).get(source, set())
        plan = unpause_plan(source, still_due.intersection(names), observed, now)
        return replace(plan, changes=tuple(change._replace(note=_note(change.note)) for change in plan.changes))

    def _note(note: str | None) -> str:
        return f"the pause ended; {note}" if note else "the pause ended"

    event = Event(options.started_by, UNPAUSED, "ended by itself")
    _apply_and_verify(store, source, make_plan, event, options, clock)


def _chosen(store: Store, source: str | None, patterns: Collection[str]) -> dict[str, set[str]]:
    """Return the schedules that the patterns name, by source. Raises UnknownSchedules."""
    names = [state.name for state in store.sources()] if source is None else [source]
    owned = {name: {entry.schedule for entry in store.observe(name).inventory.values()} for name in names}
    everything = frozenset().union(*owned.values())
    chosen = {pattern: matching(pattern, everything) for pattern in patterns}
    unknown = [pattern for pattern, schedules in chosen.items() if not schedules]
    if unknown:
        raise UnknownSchedules(unknown, everything)
    wanted = frozenset().union(*chosen.values())
    return {name: schedules & wanted for name, schedules in owned.items() if schedules & wanted}


def _message(pause: Pause) -> str:
    until = until_text(pause.until).strip()
    return f"{pause.reason} ({until})" if until else pause.reason


def _apply_and_verify(
    store: Store, source: str, make_plan: _MakePlan, event: Event, options: SyncOptions, clock: Clock
) -> Plan:
    """Apply a plan under the lock, and write again what a save by beat overwrites (docs/facts.md, 1)."""
    plan = _apply(store, source, make_plan, event, options, clock)
    enabled = {change.row_id: change.target.enabled for change in plan.changes if change.target is not None}
    for _ in range(ATTEMPTS if enabled else 0):
        wait_for_saves(store, options.settle)
        rows = store.read_rows(written_names(plan)).values()
        undone = {row.row_id for row in rows if enabled.get(row.row_id, row.spec.enabled) is not row.spec.enabled}
        if not undone:
            break
        again = replace(plan, changes=tuple(change for change in plan.changes if change.row_id in undone))
        _apply(store, source, partial(_same_again, again), event, options, clock)
    return plan


def _same_again(plan: Plan, _observed: Observed, _now: datetime) -> Plan:
    return plan


def _apply(store: Store, source: str, make_plan: _MakePlan, event: Event, options: SyncOptions, clock: Clock) -> Plan:
    from beatsync.store import RetryableError

    retries = Retries(store, options.lock_timeout, no_progress)
    while True:
        try:
            with store.locked(source, options.lock_timeout, options.holder):
                observed, now = store.observe(source), clock()
                plan = make_plan(observed, now)
                if plan.changes or plan.pauses:
                    store.apply(plan, observed, FileChanges(), now, event=event)
        except RetryableError as error:
            retries.wait(error)
        else:
            return plan
