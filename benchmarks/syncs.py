"""Whole one-shot syncs as the command line runs them, with every check, guard and verification."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.databases import counted, empty, open_store
from benchmarks.task import Measurement, Task, peak_mib, timed

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions


def options() -> SyncOptions:
    """Return the options of a command line without flags."""
    from beatsync.reconcile import SyncOptions
    from beatsync.retry import SETTLE

    return SyncOptions(settle=SETTLE)


def sync_first(task: Task) -> Measurement:
    """Sync into empty tables."""
    empty(task)
    return _sync(task, task.root, "applied")


def sync_noop(task: Task) -> Measurement:
    """Sync a source that is unchanged since the last sync."""
    measurement = _sync(task, task.root, "unchanged")
    assert measurement.writes == 0, "a sync that changes nothing must not write"
    return measurement


def sync_changed(task: Task) -> Measurement:
    """Sync after all schedules of 1 % of the files changed; then sync back, unmeasured."""
    measurement = _sync(task, Path(task.changed_directory), "applied")
    _sync(task, task.root, "applied")
    return measurement


def command_first(task: Task) -> Measurement:
    """Run `beatsync sync` into empty tables as a process, which prints a line per value of each schedule."""
    empty(task)
    return _command(task)


def command_noop(task: Task) -> Measurement:
    """Run `beatsync sync` of an unchanged source as a process."""
    return _command(task)


def _command(task: Task) -> Measurement:
    measurement = Measurement()
    words = [sys.executable, "-m", "beatsync", "sync", task.directory]
    environment = {**os.environ, "BEATSYNC_DATABASE_URL": task.url}
    with timed(measurement):
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
    measurement.peak_mib = peak_mib(of_children=True)
    return measurement


def plan(task: Task) -> Measurement:
    """Plan a sync of an unchanged source."""
    from beatsync import reconcile

    store, measurement = open_store(task.url), Measurement()
    with counted(task.url, measurement), timed(measurement):
        result = reconcile.plan(task.root, store, options())
    assert result.plan.unchanged == task.schedules, result.plan.blocked
    assert measurement.writes == 0, "a plan must not write"
    return measurement


def _sync(task: Task, root: Path, outcome: str) -> Measurement:
    from beatsync import reconcile

    store, measurement = open_store(task.url), Measurement()
    with counted(task.url, measurement), timed(measurement):
        # Both directories count as one source: outside a git repository a source has no origin.
        result = reconcile.sync(root, store, options())
    assert result.outcome.value == outcome, (result.outcome, result.plan.blocked, result.plan.diagnostics[:3])
    return measurement
