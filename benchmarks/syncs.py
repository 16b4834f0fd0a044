"""BeatSync itself: whole one-shot syncs as the command line runs them, with every check, guard and verification on."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.databases import counted, empty, open_store
from benchmarks.task import Answer, Task, clocked, peak

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions


def options() -> SyncOptions:
    """Return what the command line says where nothing is said."""
    from beatsync.cli.wiring import SETTLE
    from beatsync.reconcile import SyncOptions

    return SyncOptions(settle=SETTLE)


def sync_first(task: Task) -> Answer:
    """Sync into empty tables."""
    empty(task)
    return _sync(task, task.root, "applied")


def sync_noop(task: Task) -> Answer:
    """Sync what is synced."""
    answer = _sync(task, task.root, "unchanged")
    assert answer.writes == 0, "a sync that changes nothing writes nothing"
    return answer


def sync_noop_alone(task: Task) -> Answer:
    """Sync what is synced, in one process."""
    return _sync(task, task.root, "unchanged", jobs=1)


def sync_changed(task: Task) -> Answer:
    """Sync with 1 % of the schedules changed; what was there before comes back, unmeasured."""
    answer = _sync(task, Path(task.changed), "applied")
    _sync(task, task.root, "applied")
    return answer


def command_first(task: Task) -> Answer:
    """`beatsync sync` into empty tables, as a shell runs it: with its start, and with a line for each value of each schedule."""
    empty(task)
    return _command(task)


def command_noop(task: Task) -> Answer:
    """The same where all is synced."""
    return _command(task)


def _command(task: Task) -> Answer:
    answer = Answer()
    words = [sys.executable, "-m", "beatsync", "sync", task.folder]
    with clocked(answer):
        subprocess.run(
            words, env={**os.environ, "BEATSYNC_DATABASE_URL": task.url}, stdout=subprocess.DEVNULL, check=True
        )
    answer.peak = peak(of_children=True)
    return answer


def plan(task: Task) -> Answer:
    """Plan what is synced."""
    from beatsync import reconcile

    store, answer = open_store(task.url), Answer()
    with counted(task.url, answer), clocked(answer):
        made = reconcile.plan(task.root, store, options())
    assert made.plan.unchanged == task.schedules
    return answer


def compare(task: Task) -> Answer:
    """The database's half of a sync that changes nothing: all of it but reading and parsing files."""
    from beatsync import reconcile

    store, answer = open_store(task.url), Answer()
    snapshot, desired = reconcile.check(task.root, options().parse, digests=True)
    with counted(task.url, answer), clocked(answer):
        result = reconcile.sync_read(snapshot, desired, store, options())
    assert result.outcome.value == "unchanged", result.plan.blocked
    return answer


def _sync(task: Task, root: Path, outcome: str, jobs: int | None = None) -> Answer:
    from beatsync import reconcile

    store, answer = open_store(task.url), Answer()
    with counted(task.url, answer), clocked(answer):
        # The two folders are one source: where files come from is git's to tell, and there is none here.
        result = reconcile.sync(root, store, replace(options(), jobs=jobs))
    assert result.outcome.value == outcome, (result.outcome, result.plan.blocked, result.plan.diagnostics[:3])
    return answer
