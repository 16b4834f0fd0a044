"""Two sources in one process share a store, as the loops of a daemon do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from beatsync.fingerprint import Scope
from beatsync.plan.observed import Observed
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import Backend


def test_two_sources_synced_at_the_same_time_do_not_mix(
    backend: Backend, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has one lock for the whole file: two transactions never write at the same time")
    barrier = Barrier(2)
    observe: Callable[[str, Scope], Observed] = store.observe
    calls: dict[str, int] = {}

    def observe_together(source: str, scope: Scope) -> Observed:
        observed = observe(source, scope)
        calls[source] = calls.get(source, 0) + 1
        if calls[source] == 2:  # under the lock
            barrier.wait(30)
        return observed

    def sync_one(name: str) -> Outcome:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.yaml").write_text(f"schedules: {{{name}: {{task: t, interval: 1h}}}}", encoding="utf-8")
        try:
            return sync(folder, store, SyncOptions(source=name)).outcome
        finally:
            connections[store.alias].close()

    # The first row of the interval would make one of the two wait for the other.
    warm_up = tmp_path / "warm-up"
    warm_up.mkdir()
    (warm_up / "a.yaml").write_text("schedules: {warm-up: {task: t, interval: 1h}}", encoding="utf-8")
    sync(warm_up, store, SyncOptions(source="warm-up"))
    monkeypatch.setattr(store, "observe", observe_together)
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(sync_one, ["one", "two"])] == [Outcome.APPLIED] * 2
    assert set(PeriodicTask.objects.using(store.alias).values_list("name", flat=True)) == {"one", "two", "warm-up"}
    monkeypatch.undo()
    for name in ("one", "two"):
        assert [*store.observe(name).inventory] == [name]
