"""While other processes parse, the database is read: what comes of it is what one process says, on every database."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask

from beatsync import workers
from beatsync.applying import Outcome, SyncOptions
from beatsync.reconcile import plan, sync
from beatsync.store import Store
from benchmarks import sources
from tests.builders import NOW
from tests.reconcile.test_reconcile import EVERYTHING, write
from tests.statements import writes


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source of many batches."""
    monkeypatch.setattr(workers, "_BATCH", 500)
    write(tmp_path, EVERYTHING)
    for first in range(0, 60, 5):
        write(tmp_path, sources.text(range(first, first + 5)), f"{first:02}.yaml")
    return tmp_path


@pytest.fixture
def synced(files: Path, store: Store) -> Path:
    assert sync(files, store, SyncOptions(jobs=1)).outcome is Outcome.APPLIED
    return files


def test_a_sync_that_changes_nothing_writes_nothing(synced: Path, store: Store) -> None:
    steps: list[str] = []
    with CaptureQueriesContext(connections[store.alias]) as queries:
        result = sync(synced, store, SyncOptions(jobs=3), watch=lambda step, *_: steps.append(step))
    assert (result.outcome, result.plan.unchanged) == (Outcome.UNCHANGED, 66)
    assert writes(queries) == []
    assert list(dict.fromkeys(steps)) == [
        "reading files", "reading the database", "parsing files", "comparing with the database",
    ]  # fmt: skip


def test_the_plan_is_that_of_one_process(synced: Path, store: Store) -> None:
    tasks = PeriodicTask.objects.using(store.alias)
    tasks.filter(name="quiet").update(enabled=True, queue="elsewhere")
    tasks.filter(name="the-sun").update(headers='{"x":"y"}')
    tasks.filter(name="once").delete()
    write(synced, sources.text(range(5, 10), every=2), "05.yaml")
    write(synced, "schedules:\n  new: {task: t, interval: 5m, one_off: true}\n", "b.yaml")
    together, alone = (plan(synced, store, SyncOptions(jobs=jobs), clock=lambda: NOW) for jobs in (3, 1))
    assert together == alone
    assert together.plan.checksum == alone.plan.checksum
    assert len(together.plan.changes) > 3
