"""BeatSync beside a beat that saves without a pause: every change of a sync persists, and beat's own row is not touched.

Stock beat saves whole rows that it read before a sync (docs/facts.md, 1): BeatSync verifies its rows after the commit and repairs them.
`beatsync.schedulers:DatabaseScheduler` never writes what a sync wrote.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.retry import SETTLE
from beatsync.store import Store
from tests.conftest import Backend

HERE = Path(__file__).parent
PROJECT = HERE.parent / "data" / "project"
STOCK = "django_celery_beat.schedulers:DatabaseScheduler"
THIN = "beatsync.schedulers:DatabaseScheduler"
# The long form, and the short form that runs by default.
LONG = pytest.param(200, 500, marks=[pytest.mark.slow, pytest.mark.timeout(1500)])
SHORT = (15, 60)


@contextmanager
def beat(scheduler: str, backend: Backend, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    log = (tmp_path / "beat.log").open("w", encoding="utf-8")
    env = {
        "DJANGO_SETTINGS_MODULE": "proj.settings",
        "PROJECT_DATABASE_URL": backend.url,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(HERE.parent.parent)]),
    }
    process = subprocess.Popen(
        [sys.executable, str(HERE / "flushing_beat.py"), scheduler],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, **env},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "ready", (tmp_path / "beat.log").read_text(encoding="utf-8")
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


def end(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=60)
    summary: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return summary


def revision(folder: Path, rows: int, number: int) -> Path:
    """Write a revision: each changes the queue of every row, moves some rows, removes some and adds others again."""
    schedules = {
        f"task-{row:03}": {
            "task": "proj.note",
            "interval": f"{1 + (row + number) % 3}s",
            "queue": f"q{number}",
        }
        for row in range(rows)
        if (row + number) % 11
    }
    (folder / "all.yaml").write_text(json.dumps({"schedules": schedules}), encoding="utf-8")
    return folder


def wrong_rows(store: Store, number: int, rows: int) -> list[str]:
    """Return the names of the rows that differ from the revision."""
    expected = {
        f"task-{row:03}": (f"q{number}", 1 + (row + number) % 3, True) for row in range(rows) if (row + number) % 11
    }
    table = PeriodicTask.objects.using(store.alias).filter(name__startswith="task-")
    actual = {
        name: (queue, every, enabled)
        for name, queue, every, enabled in table.values_list("name", "queue", "interval__every", "enabled")
    }
    return sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))


class Admin(threading.Thread):
    """Saves its own row again and again, and records how long each save took."""

    def __init__(self, alias: str) -> None:
        super().__init__(daemon=True)
        self.waits: list[float] = []
        self._alias = alias
        self._ended = threading.Event()

    def run(self) -> None:
        row = PeriodicTask.objects.using(self._alias).get(name="an-admins-own")
        while not self._ended.wait(0.01):
            begun = time.perf_counter()
            row.save(using=self._alias)
            self.waits.append(time.perf_counter() - begun)
        connections.close_all()  # this thread's own; the model's checks opened one to the default database too

    def end(self) -> None:
        self._ended.set()
        self.join(30)


@pytest.mark.parametrize("scheduler", [STOCK, THIN], ids=["stock", "thin"])
@pytest.mark.parametrize(("applies", "rows"), [SHORT, LONG])
def test_every_change_of_a_sync_persists(  # noqa: PLR0917
    scheduler: str,
    applies: int,
    rows: int,
    backend: Backend,
    store: Store,
    make_task: Any,
    tmp_path: Path,
    record_property: Any,
) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite allows a single writer: beat would starve the measurement")
    make_task("an-admins-own")
    options = SyncOptions(plan=PlanOptions(max_deletes="100%"), settle=SETTLE)
    assert sync(revision(tmp_path, rows, 0), store, options).outcome is Outcome.APPLIED
    repairs, worst, undone = 0, [], 0
    with beat(scheduler, backend, tmp_path) as process:
        for number in range(1, applies + 1):
            admin = Admin(backend.alias)
            admin.start()
            result = sync(revision(tmp_path, rows, number), store, options)
            admin.end()
            assert result.outcome is Outcome.APPLIED
            repairs += result.repairs
            worst += [max(admin.waits)] if admin.waits else []
            undone += len(wrong_rows(store, number, rows))
        summary = end(process)
    assert summary["flushed"] > applies
    # Beat has stopped; the next sync repairs what its last save may have overwritten after the last verification.
    final = sync(tmp_path, store, options)
    assert final.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
    assert wrong_rows(store, applies, rows) == []
    assert (
        not PeriodicTask.objects.using(backend.alias)
        .exclude(name__startswith="task-")
        .exclude(name__in=["an-admins-own", "celery.backend_cleanup"])
    )
    if scheduler == THIN:
        assert (repairs, undone) == (0, 0)
    figures = {
        "flushed": summary["flushed"], "reloads": summary["reloads"], "repairs": repairs, "undone after verification": undone,
        "admin's worst wait, median": statistics.median(worst),
    }  # fmt: skip
    for name, figure in figures.items():
        record_property(name, figure)
    print(backend.name, scheduler, figures)
    if rows >= 500:
        assert statistics.median(worst) < 0.25
