"""A save that beat began before a sync's commit and that ends after it: the sync verifies its rows only when the save is over.

A save takes four statements of beat's, which are slow if the database is far away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connections
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

import beatsync.retry
from beatsync.reconcile import Outcome, Result, SyncOptions, sync
from beatsync.retry import SETTLE
from beatsync.store import Store
from tests.conftest import Backend, add_alias
from tests.firing.beats import application, routed_to
from tests.proxies import Proxy

ROW = "schedules: {one: {task: t, interval: 1h, queue: %s}}"
FAR = 0.005
"""Seconds in each direction: a save of beat takes more than 0.03 s from its second statement on."""


@pytest.fixture
def app() -> Iterator[Celery]:
    with application() as celery_app:
        yield celery_app


def sync_spec(folder: Path, store: Store, text: str, **options: Any) -> Result:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    result = sync(folder, store, SyncOptions(settle=options.pop("settle", 0.0)), **options)
    assert result.outcome is Outcome.APPLIED
    return result


class LateSave(threading.Thread):
    """Beat's save of a row on its own connection, which pauses after reading the row until the sync has committed."""

    def __init__(self, alias: str, app: Celery) -> None:
        super().__init__(daemon=True)
        self.statements = 0
        self.has_read, self.committed = threading.Event(), threading.Event()
        self._alias = alias
        self._app = app

    def run(self) -> None:
        entry = next(ModelEntry(PeriodicTask.objects.using(self._alias).get(name="one"), app=self._app))
        with connections[self._alias].execute_wrapper(self._watch):
            entry.save()
        connections.close_all()  # this thread's own

    def _watch(self, execute: Callable[..., Any], *statement: Any) -> Any:
        result = execute(*statement)
        self.statements += 1
        if self.statements == 1:
            self.has_read.set()
            self.committed.wait(30)
        return result


def test_a_sync_waits_for_a_save_over_a_slow_network(
    backend: Backend, store: Store, tmp_path: Path, app: Celery
) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has no network")
    sync_spec(tmp_path, store, ROW % "old")
    proxy, url = Proxy.before(backend.url)
    add_alias("afar", url)
    proxy.delay = FAR
    try:
        with routed_to("afar"):
            beat = LateSave("afar", app)
            beat.start()
            assert beat.has_read.wait(30)

            def watch(step: str, *_: int) -> None:
                if step == "verifying":
                    beat.committed.set()

            result = sync_spec(
                tmp_path, Store("afar", project_settings=False), ROW % "new", settle=0.001, progress=watch
            )
            beat.join(30)
    finally:
        connections["afar"].close()
        proxy.cut()
    assert beat.statements == 4
    assert result.repairs == 1
    assert PeriodicTask.objects.using(backend.alias).get(name="one").queue == "new"


@pytest.mark.parametrize(("round_trip", "waited"), [(0.0001, SETTLE), (0.01, 0.4), (0.05, 2.0), (60.0, 5.0)])
def test_it_waits_as_long_as_a_save_may_take_and_then_verifies_once(
    round_trip: float, waited: float, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Any] = []
    read_rows = store.read_rows
    monkeypatch.setattr(beatsync.retry, "time", type("Slept", (), {"sleep": events.append}))
    monkeypatch.setattr(store, "round_trip", lambda: round_trip)

    def record_read(*arguments: Any) -> Any:
        events.append("read")
        return read_rows(*arguments)

    monkeypatch.setattr(store, "read_rows", record_read)
    sync_spec(tmp_path, store, ROW % "old", settle=SETTLE)
    assert events == [], "beat does not know a new row"
    sync_spec(tmp_path, store, ROW % "new", settle=SETTLE)
    assert events == [pytest.approx(waited), "read"]


def test_a_round_trip_includes_the_network(backend: Backend, store: Store) -> None:
    near = store.round_trip()
    assert 0 < near < 5
    if backend.name == "sqlite":
        return
    proxy, url = Proxy.before(backend.url)
    add_alias("afar", url)
    proxy.delay = FAR
    try:
        afar = Store("afar", project_settings=False)
        afar.round_trip()  # connects
        assert afar.round_trip() >= 2 * FAR
    finally:
        connections["afar"].close()
        proxy.cut()
