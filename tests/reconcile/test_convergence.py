"""From any rows, any inventory and any specs: one sync converges, the next writes nothing, and unowned rows stay unchanged."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import pytest
import yaml
from django.db import IntegrityError, connections, transaction
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatsync.models import InventoryEntry
from beatsync.plan.model import Action, Change, Plan
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, sync, utc_now
from beatsync.specfile.parse import ParseOptions
from beatsync.store import Store
from beatsync.values import Severity
from tests.conftest import Backend, empty
from tests.statements import writes

NAMES = [f"task-{letter}" for letter in "abcdef"]
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


def never_starts(body: dict[str, Any]) -> bool:
    """Whether it expires before it starts, which is refused."""
    return bool(max(body.get("start_time", ""), body.get("clocked", "")) >= body.get("expires", "3"))


schedules = st.one_of(
    st.sampled_from(["1h", "60m", "90s", "250ms"]).map(lambda text: {"interval": text}),
    st.sampled_from(["0 4 * * *", "*/15 * * * mon-fri", "0,30 2 1 * *"]).map(lambda text: {"crontab": text}),
    st.just({"clocked": "2099-01-01T00:00:00Z"}),
    st.just({"interval": "2h", "one_off": True}),
    st.just({"solar": {"event": "sunset", "latitude": 1.5, "longitude": -2}}),
)
treatments = st.fixed_dictionaries(
    {},
    optional={
        "on_remove": st.sampled_from(["delete", "disable", "keep"]),
        "protect": st.booleans(),
        "ignore": st.sampled_from([["queue"], ["crontab"], ["enabled"], ["expires", "task"]]),
        # Taken where it can be meant: see `declare`.
        "renamed_from": st.sampled_from(NAMES),
    },
)
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"task": st.sampled_from(["t.one", "t.two"])},
    optional={
        "args": st.sampled_from([[], [1], [{"b": 1, "a": None}]]),
        "kwargs": st.sampled_from([{}, {"x": 1.5, "token": "s"}, {"token": "t"}]),
        "queue": st.sampled_from(["q1", "q2"]),
        "priority": st.integers(0, 9),
        "enabled": st.booleans(),
        "description": st.sampled_from(["", "words", "ünïcode"]),
        "start_time": st.sampled_from(["2020-01-01T00:00:00Z", "2098-01-01T00:00:00Z"]),
        "expires": st.sampled_from(["2021-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]),
        "environments": st.sampled_from(
            [{"staging": {"enabled": False}}, {"staging": {"interval": "7h", "one_off": False}}]
        ),
        "only": st.sampled_from([["staging"], ["production", "staging"]]),
        "sync": treatments,
    },
)
entries = st.builds(lambda kind, rest: {**rest, **kind}, schedules, fields).filter(lambda body: not never_starts(body))
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


def expire(rows: Any) -> None:
    rows.update(expires=LONG_AGO, enabled=False)


def finish(rows: Any) -> None:
    """What beat does with a one-off that ran."""
    rows.filter(one_off=True).update(enabled=False, total_run_count=0, last_run_at=None)


def reuse_key(rows: Any) -> None:
    """Put another person's row under the key of a row that is gone."""
    for row in list(rows):
        rows.filter(pk=row.pk).delete()
        row.name, row.task = f"people-{row.pk}", "people.task"
        rows.model.objects.using(rows.db).bulk_create([row])


def garble(rows: Any) -> None:
    """Write into the inventory entry what BeatSync does not write."""
    for row in rows:
        damage = {"applied": "null!"} if row.pk % 2 else {"on_remove": "null!"}
        InventoryEntry.objects.using(rows.db).filter(name=row.name).update(**damage)


MEDDLERS = [disable, retask, run, remove, rename, break_schedule, expire, finish, reuse_key, garble]
meddlings = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(MEDDLERS)), max_size=4)


def meant(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without a `renamed_from` whose name is still declared or claimed twice."""
    result, claimed = {}, set(document)
    for name, body in document.items():
        treated = dict(body.get("sync", {}))
        if treated.get("renamed_from") in claimed:
            del treated["renamed_from"]
        claimed.add(treated.get("renamed_from", name))
        result[name] = {**body, "sync": treated}
    return result


class Step(NamedTuple):
    """One revision of the files, how it is synced, and what others do to the rows afterwards."""

    document: dict[str, Any]
    environment: str | None
    broken: bool
    """Whether the second of the two files cannot be read; the sync goes on without it."""
    meddling: list[tuple[str, Callable[[Any], None]]]
    revived: bool
    """Whether beat's save brings a row back that the sync deleted."""


steps = st.lists(
    st.builds(
        Step,
        documents,
        st.sampled_from([None, None, "staging"]),
        st.sampled_from([False, False, False, True]),
        meddlings,
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def all_rows(alias: str) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in PeriodicTask.objects.using(alias).values()}


class World:
    """A database with rows that nobody declares and rows of another source, and a directory beside it."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.alias = backend.alias
        self.store = Store(backend.alias, project_settings=False)
        self.folder = folder / "mine"
        self.folder.mkdir(exist_ok=True)
        empty(self.alias)
        # Duplicate schedule rows are legal, and shared with rows that are not ours.
        hourly = [IntervalSchedule.objects.using(self.alias).create(every=60, period="minutes") for _ in range(2)]
        nightly = CrontabSchedule.objects.using(self.alias).create(hour="04", minute="0", timezone="UTC")
        for name, schedule in {
            "x": {"interval": hourly[0]},
            "y": {"interval": hourly[1]},
            "celery.backend_cleanup": {"crontab": nightly},
        }.items():
            PeriodicTask.objects.using(self.alias).create(name=name, task="theirs", kwargs='{"a":1}', **schedule)
        theirs = folder / "theirs"
        theirs.mkdir(exist_ok=True)
        bodies = [{"interval": "1h"}, {"crontab": "0 4 * * *"}]
        (theirs / "a.yaml").write_text(
            json.dumps({"schedules": {f"their-{n}": {"task": "t", **body} for n, body in enumerate(bodies)}})
        )
        assert sync(theirs, self.store, SyncOptions(source="other")).outcome is Outcome.APPLIED
        self.strangers = {row["name"]: row for row in all_rows(self.alias).values()}

    def declare(self, step: Step) -> None:
        document = meant(step.document)
        half = {name: document[name] for name in document if name < "task-d"}
        rest = {name: document[name] for name in document if name >= "task-d"}
        (self.folder / "a.yaml").write_text(
            yaml.safe_dump({"schedules": half}, default_flow_style=False), encoding="utf-8"
        )
        text = "schedules: [" if step.broken else json.dumps({"schedules": rest})
        (self.folder / "b.yaml").write_text(text, encoding="utf-8")

    def options(self, step: Step) -> SyncOptions:
        asked = PlanOptions(allow_empty=True, max_deletes="100%", adopt=True, isolate=step.broken)
        return SyncOptions(plan=asked, parse=ParseOptions(environment=step.environment))

    def sync(self, step: Step) -> Result:
        return sync(self.folder, self.store, self.options(step))

    def plans(self, step: Step) -> tuple[Plan, Plan]:
        """Return the plan with fingerprints, and the plan of all files and all rows."""
        options, now = self.options(step), utc_now()
        scoped, full = (
            plan(self.folder, self.store, replace(options, fingerprints=fingerprints), clock=lambda: now).plan
            for fingerprints in (True, False)
        )
        return scoped, full

    def revive(self, gone: dict[int, dict[str, Any]]) -> None:
        """Insert what was deleted as beat's save would; what shares a key of a schedule that is gone cannot come back."""
        for row in gone.values():
            if not PeriodicTask.objects.using(self.alias).filter(name=row["name"]).exists():
                with suppress(IntegrityError), transaction.atomic(using=self.alias):
                    PeriodicTask.objects.using(self.alias).bulk_create([PeriodicTask(**{**row, "enabled": False})])
                    connections[self.alias].check_constraints()

    def meddle(self, meddling: list[tuple[str, Callable[[Any], None]]]) -> None:
        for name, meddler in meddling:
            meddler(PeriodicTask.objects.using(self.alias).filter(name=name))

    def check_strangers(self) -> None:
        now = {row["name"]: row for row in all_rows(self.alias).values()}
        assert {name: now.get(name) for name in self.strangers} == self.strangers


def sync_and_look(world: World, step: Step) -> None:
    """Sync one revision and look at all that has to hold whatever was there before."""
    connections[world.alias].queries_log.clear()
    world.declare(step)
    before, owned = all_rows(world.alias), world.store.observe("default").inventory
    scoped, full = world.plans(step)
    assert scoped == full
    result = world.sync(step)
    after = all_rows(world.alias)
    codes = {one.code for one in result.plan.diagnostics if one.severity is Severity.ERROR}
    if result.outcome is Outcome.INVALID:
        # A row that has run cannot become a one-off, and one past its `expires` is not created; nothing else is wrong here.
        assert codes
        assert codes <= {"one-off-ran", "expires-past"}
        assert after == before
        return
    # Two rows may claim one name only where somebody renamed or made one: then nothing is done at all.
    if result.outcome is Outcome.BLOCKED:
        assert {blocked.code for blocked in result.plan.blocked} <= {"conflict", "inventory-damaged"}
        assert after == before
        return
    people = {key: row for key, row in before.items() if row["name"].startswith("people-")}
    assert {key: after.get(key) for key in people} == people
    assert result.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
    moved = {change.row_id: change.last_run_at for change in result.plan.changes if change.last_run_at}
    for key in after.keys() & before.keys():
        assert after[key]["total_run_count"] == before[key]["total_run_count"]
        assert after[key]["last_run_at"] == moved.get(key, before[key]["last_run_at"])
    if step.broken:
        frozen = {entry.row_id for entry in owned.values() if entry.path == "b.yaml"}
        assert {key: after.get(key) for key in frozen} == {key: before.get(key) for key in frozen}
    protected = {entry.row_id for entry in owned.values() if entry.policy.protect}
    assert protected & before.keys() <= after.keys()
    with CaptureQueriesContext(connections[world.alias]) as queries:
        assert world.sync(step).outcome is Outcome.UNCHANGED
    assert writes(queries) == []
    deleted = {change.row_id: before[change.row_id] for change in result.plan.changes if is_deletion(change)}
    if step.revived and deleted and not step.broken:
        world.revive(deleted)
        assert world.sync(step).outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
        assert not deleted.keys() & all_rows(world.alias).keys()


def is_deletion(change: Change) -> TypeGuard[Any]:
    return change.action is Action.DELETE and change.row_id is not None


def converges(steps: list[Step], backend: Backend, folder: Path) -> None:
    world = World(backend, folder)
    for step in steps:
        sync_and_look(world, step)
        world.check_strangers()
        world.meddle(step.meddling)


@pytest.mark.lab
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_one_sync_converges_and_the_next_writes_nothing(
    steps: list[Step], sqlite_backend: Backend, tmp_path: Path
) -> None:
    converges(steps, sqlite_backend, tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_it_converges_on_each_database(steps: list[Step], backend: Backend, tmp_path: Path) -> None:
    converges(steps, backend, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_it_converges_from_many_more(steps: list[Step], sqlite_backend: Backend, tmp_path: Path) -> None:
    converges(steps, sqlite_backend, tmp_path)


def shuffled(value: Any, seed: random.Random) -> Any:
    """Return the same value with the keys of every mapping in another order."""
    if not isinstance(value, dict):
        return value
    keys = list(value)
    seed.shuffle(keys)
    return {key: shuffled(value[key], seed) for key in keys}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents, seed=st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_files_and_keys(
    document: dict[str, Any], seed: random.Random, tmp_path_factory: Any, sqlite_backend: Backend
) -> None:
    from beatsync.plan.jsonform import plan_lines
    from beatsync.reconcile import plan

    store = Store(sqlite_backend.alias, project_settings=False)
    texts, document = [], meant(document)
    for _ in range(2):
        folder = tmp_path_factory.mktemp("order")
        names = list(document)
        seed.shuffle(names)
        half = seed.randint(0, len(names))
        for file, part in (("a.yaml", names[:half]), ("b.yaml", names[half:])):
            (folder / file).write_text(
                json.dumps({"schedules": {name: shuffled(document[name], seed) for name in part}})
            )
        made = plan(folder, store, SyncOptions()).plan
        shown = json.loads("\n".join(plan_lines(made, applied=False)))
        for change in shown["changes"]:
            del change["location"]
        for diagnostic in shown["diagnostics"]:
            del diagnostic["line"], diagnostic["column"], diagnostic["path"]
        del shown["revision"]
        texts.append(json.dumps(shown))
    assert texts[0] == texts[1]


def test_the_plans_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    """Several documents, files, policies and kinds, each in sets somewhere on the way: two processes, two seeds, one plan."""
    folder = tmp_path / "source"
    folder.mkdir()
    for letter in "abc":
        bodies = {
            f"task-{letter}-{n}": {
                "task": "t",
                "interval": f"{n + 1}m",
                "kwargs": {f"k{m}": m for m in range(5)},
                "headers": {"token": "s", "x": "y"},
                "sync": {"ignore": ["queue", "priority"], "sensitive": ["kwargs.k1", "kwargs.k2"]},
                "environments": {"staging": {"queue": "q"}, "production": {"queue": "p"}},
            }
            for n in range(20)
        }
        (folder / f"{letter}.yaml").write_text(json.dumps({"schedules": bodies}), encoding="utf-8")
    said = []
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("BEATSYNC_", "DJANGO_", "COVERAGE"))
    }
    subprocess.run([sys.executable, "-m", "beatsync", "migrate"], cwd=tmp_path, env=environment, check=True)
    for seed in ("1", "2", "77"):
        done = subprocess.run(
            [sys.executable, "-m", "beatsync", "plan", str(folder), "--format", "json", "--env", "staging"],
            cwd=tmp_path,
            env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        said.append(done.stdout)
    assert len(set(said)) == 1
    assert json.loads(said[0])["summary"]["create"] == 60


def test_a_day_passes_and_nothing_moves(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("schedules: {one: {task: t, crontab: '0 4 * * *'}}", encoding="utf-8")
    assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    assert sync(tmp_path, store, SyncOptions(), clock=lambda: tomorrow).outcome is Outcome.UNCHANGED
