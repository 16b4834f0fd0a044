"""A sync is killed (SIGKILL) at every statement: the rows are the old or the new ones, and the next sync completes the change."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from beatsync.models import InventoryEntry, Tombstone
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import Backend, empty
from tests.processes import wait_until

OLD = """
schedules:
  stays: {task: t, interval: 1h}
  changes: {task: t, interval: 1h, queue: a}
  moves: {task: t, crontab: "0 4 * * *"}
  goes: {task: t, crontab: "0 5 * * *"}
  renamed: {task: t, interval: 2h}
  retires: {task: t, interval: 3h, sync: {on_remove: disable}}
  is-kept: {task: t, interval: 3h, sync: {on_remove: keep}}
"""
NEW = """
schedules:
  stays: {task: t, interval: 1h}
  changes: {task: t, interval: 1h, queue: b}
  moves: {task: t, crontab: "30 6 * * *"}
  comes: {task: t, solar: {event: sunset, latitude: 1, longitude: 2}}
  later: {task: t, clocked: 2099-01-01T00:00:00Z}
  anew: {task: t, interval: 2h, sync: {renamed_from: renamed}}
"""
# More than the statements of any sync; the loop ends at the first number that does not kill.
MOST = 200


class KillableSync:
    """A process that syncs on demand and kills the sync at a chosen statement."""

    def __init__(self, url: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("kill_at.py")), url, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        )

    def __call__(self, where: str, number: int) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{where} {number}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture
def killable(backend: Backend, tmp_path: Path) -> Iterator[KillableSync]:
    process = KillableSync(backend.url, tmp_path)
    yield process
    process.end()


def state(alias: str) -> list[Any]:
    """Return the rows, inventory and tombstones that a sync writes, without keys and timestamps."""
    tasks = PeriodicTask.objects.using(alias).order_by("name")
    fields = (
        "name",
        "task",
        "queue",
        "enabled",
        "interval__every",
        "crontab__hour",
        "solar__event",
        "clocked__clocked_time",
    )
    return [
        list(tasks.values_list(*fields)),
        list(InventoryEntry.objects.using(alias).order_by("name").values_list("name", "applied", "retired")),
        sorted(Tombstone.objects.using(alias).values_list("name", flat=True)),
    ]


def reset(alias: str, store: Store, folder: Path, old: str | None = OLD) -> None:
    """Empty the database, sync `old` unless it is None, and write NEW to the files."""
    empty(alias)
    if old is not None:
        (folder / "a.yaml").write_text(old, encoding="utf-8")
        assert sync(folder, store, SyncOptions()).outcome is Outcome.APPLIED
    (folder / "a.yaml").write_text(NEW, encoding="utf-8")


def released(alias: str) -> bool:
    """Return whether the server has noticed that the killed client is gone and has rolled its transaction back."""
    vendor = connections[alias].vendor
    if vendor == "sqlite":
        return True
    query = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> connection_id()",
    }[vendor]
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return bool(cursor.fetchone()[0] == 0)


# Before a statement is after the previous one, so the short form tests one of the two.
@pytest.mark.parametrize("where", [pytest.param("before", marks=pytest.mark.slow), "after", "commit"])
@pytest.mark.parametrize("old_spec", [None, OLD], ids=["a first sync", "every kind of change"])
@pytest.mark.timeout(300)
@pytest.mark.lab
def test_killed_at_every_statement(
    old_spec: str | None, where: str, backend: Backend, store: Store, killable: KillableSync, tmp_path: Path
) -> None:
    reset(backend.alias, store, tmp_path, old_spec)
    old = state(backend.alias)
    assert sync(tmp_path, store, SyncOptions(plan=PlanOptions(max_deletes="100%"))).outcome is Outcome.APPLIED
    new = state(backend.alias)
    assert old != new
    seen = {"old": 0, "new": 0}
    for number in range(1, MOST):
        reset(backend.alias, store, tmp_path, old_spec)
        outcome = killable(where, number)
        wait_until(lambda: released(backend.alias), 30, "the killed client's connection is still there")
        if outcome != "killed":
            assert outcome == "applied"
            break
        after = state(backend.alias)
        assert after in (old, new), f"old and new rows are mixed after {where} {number}"
        seen["old" if after == old else "new"] += 1
        options = SyncOptions(plan=PlanOptions(max_deletes="100%"))
        assert sync(tmp_path, store, options).outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
        assert state(backend.alias) == new
    else:
        pytest.fail(f"still killed at statement {MOST}")
    assert seen["old"] > 0
    # A first sync has no statement after its commit.
    assert seen["new"] > 0 or where == "commit" or old_spec is None
