"""A team moves in: the commands of docs/moving-in.md, each a process, on rows of all kinds that no source owns."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.databases import empty, open_store
from benchmarks.syncs import sync_first
from benchmarks.task import Measurement, Task, peak_mib, timed


def move_in(task: Task) -> Measurement:
    """Run every command from the rows to the first plan that has nothing to do; no row of django-celery-beat may change."""
    sync_first(task)
    _beatsync(task, "release", "--all")
    rows = _rows(task)
    measurement = Measurement()
    with tempfile.TemporaryDirectory() as folder, timed(measurement):
        specs = str(Path(folder, "schedules.d"))
        _beatsync(task, "export", "--out", specs, "--with-secrets")
        _beatsync(task, "validate", specs)
        plan = _beatsync(task, "plan", specs, "--adopt", "--quiet")
        _beatsync(task, "sync", specs, "--adopt", "--quiet")
        again = _beatsync(task, "plan", specs)
    measurement.peak_mib = peak_mib(of_children=True)
    assert plan == f"{task.schedules:,} to adopt, 0 unchanged.\n", plan
    assert again == f"Nothing to do: {task.schedules:,} unchanged.\n", again
    assert _rows(task) == rows, "moving in must not change a row"
    empty(task)
    return measurement


def _beatsync(task: Task, *words: str) -> str:
    environment = {**os.environ, "BEATSYNC_DATABASE_URL": task.url}
    command = [sys.executable, "-m", "beatsync", *words]
    process = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout


def _rows(task: Task) -> list[Any]:
    """Return every column of every row, and of beat's notice."""
    from django_celery_beat.models import PeriodicTask, PeriodicTasks

    alias = open_store(task.url).alias
    return [*PeriodicTask.objects.using(alias).order_by("pk").values(), *PeriodicTasks.objects.using(alias).values()]
