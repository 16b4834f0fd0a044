"""From any rows, any inventory and any specs: one sync converges, the next writes nothing, and nobody else's row moves."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from django.db import connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatsync.plan.model import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import Backend, empty

NAMES = [f"task-{letter}" for letter in "abcdef"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)

schedules = st.one_of(
    st.sampled_from(["1h", "60m", "90s", "250ms"]).map(lambda text: {"interval": text}),
    st.sampled_from(["0 4 * * *", "*/15 * * * mon-fri", "0,30 2 1 * *"]).map(lambda text: {"crontab": text}),
    st.just({"clocked": "2099-01-01T00:00:00Z"}),
    st.just({"solar": {"event": "sunset", "latitude": 1.5, "longitude": -2}}),
)
fields = st.fixed_dictionaries(
    {"task": st.sampled_from(["t.one", "t.two"])},
    optional={
        "args": st.sampled_from([[], [1], [{"b": 1, "a": None}]]),
        "kwargs": st.sampled_from([{}, {"x": 1.5, "token": "s"}, {"token": "t"}]),
        "queue": st.sampled_from(["q1", "q2"]),
        "priority": st.integers(0, 9),
        "enabled": st.booleans(),
        "description": st.sampled_from(["", "words", "ünïcode"]),
        "start_time": st.sampled_from(["2020-01-01T00:00:00Z", "2098-01-01T00:00:00Z"]),
        "sync": st.fixed_dictionaries(
            {},
            optional={
                "on_remove": st.sampled_from(["delete", "disable", "keep"]),
                "protect": st.booleans(),
                "ignore": st.sampled_from([["queue"], ["crontab"], ["enabled"]]),
            },
        ),
    },
)
entries = st.builds(lambda kind, rest: {**rest, **kind}, schedules, fields)
documents = st.dictionaries(st.sampled_from(NAMES), entries, max_size=len(NAMES))


def disable(rows: Any) -> None:
    rows.update(enabled=False)


def retask(rows: Any) -> None:
    rows.update(task="somebody.else", queue="elsewhere", args="[ 2 ]")


def run(rows: Any) -> None:
    rows.update(last_run_at=LONG_AGO, total_run_count=5)


def remove(rows: Any) -> None:
    rows.delete()


def rename(rows: Any) -> None:
    for row in rows:
        type(row).objects.using(row._state.db).filter(pk=row.pk).update(name=f"{row.name}-renamed")


def break_schedule(rows: Any) -> None:
    rows.update(interval=None, crontab=None, solar=None, clocked=None)


meddlings = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from([disable, retask, run, remove, rename, break_schedule])),
    max_size=4,
)
steps = st.lists(st.tuples(documents, meddlings), min_size=1, max_size=3)


def writes(queries: CaptureQueriesContext) -> list[str]:
    return [q["sql"] for q in queries if q["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]


def all_rows(alias: str) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in PeriodicTask.objects.using(alias).values()}


class World:
    """A database with rows that nobody declares, and a directory beside it."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.alias = backend.alias
        self.store = Store(backend.alias, project_settings=False)
        self.folder = folder
        empty(self.alias)
        # Duplicate schedule rows are legal, and shared with rows that are not ours.
        hourly = [IntervalSchedule.objects.using(self.alias).create(every=60, period="minutes") for _ in range(2)]
        nightly = CrontabSchedule.objects.using(self.alias).create(hour="04", minute="0", timezone="UTC")
        for name, schedule in {
            "x": {"interval": hourly[0]},
            "y": {"interval": hourly[1]},
            "z": {"crontab": nightly},
        }.items():
            PeriodicTask.objects.using(self.alias).create(name=name, task="theirs", kwargs='{"a":1}', **schedule)
        self.strangers = {row["name"]: row for row in all_rows(self.alias).values()}

    def declare(self, document: dict[str, Any]) -> None:
        (self.folder / "all.yaml").write_text(json.dumps({"schedules": document}), encoding="utf-8")

    def meddle(self, meddling: list[tuple[str, Callable[[Any], None]]]) -> None:
        for name, meddler in meddling:
            meddler(PeriodicTask.objects.using(self.alias).filter(name=name))

    def sync(self) -> Result:
        options = PlanOptions(allow_empty=True, max_deletes="100%", adopt=True)
        return sync(self.folder, self.store, SyncOptions(plan=options))

    def check_strangers(self) -> None:
        now = {row["name"]: row for row in all_rows(self.alias).values()}
        assert {name: now.get(name) for name in self.strangers} == self.strangers


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_one_sync_converges_and_the_next_writes_nothing(
    steps: list[tuple[dict[str, Any], list[Any]]], backend: Backend, tmp_path: Path
) -> None:
    world = World(backend, tmp_path)
    for document, meddling in steps:
        world.declare(document)
        before = all_rows(world.alias)
        result = world.sync()
        assert result.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}, result.plan.blocked or result.plan.diagnostics
        moved = {change.row_id: change.last_run_at for change in result.plan.changes if change.last_run_at}
        for key, row in all_rows(world.alias).items():
            if key in before:
                assert row["total_run_count"] == before[key]["total_run_count"]
                assert row["last_run_at"] == moved.get(key, before[key]["last_run_at"])
        with CaptureQueriesContext(connections[world.alias]) as queries:
            assert world.sync().outcome is Outcome.UNCHANGED
        assert writes(queries) == []
        world.check_strangers()
        world.meddle(meddling)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents, seed=st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_files_and_keys(
    document: dict[str, Any], seed: random.Random, tmp_path_factory: Any, sqlite_backend: Backend
) -> None:
    from beatsync.plan.jsonform import plan_json
    from beatsync.reconcile import plan

    store = Store(sqlite_backend.alias, project_settings=False)
    texts = []
    for _ in range(2):
        folder = tmp_path_factory.mktemp("order")
        names = list(document)
        seed.shuffle(names)
        half = seed.randint(0, len(names))
        for file, part in (("a.yaml", names[:half]), ("b.yaml", names[half:])):
            (folder / file).write_text(json.dumps({"schedules": {name: document[name] for name in part}}))
        made = plan(folder, store, SyncOptions()).plan
        shown = plan_json(made, applied=False)
        for change in shown["changes"]:
            del change["location"]
        del shown["revision"]
        texts.append(json.dumps(shown))
    assert texts[0] == texts[1]


def test_a_day_passes_and_nothing_moves(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("schedules: {one: {task: t, crontab: '0 4 * * *'}}", encoding="utf-8")
    assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    assert sync(tmp_path, store, SyncOptions(), clock=lambda: tomorrow).outcome is Outcome.UNCHANGED
