"""A sync of a part is a sync of everything, as far as the part goes; and what is unusual is never left to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from beatsync.applying import Sync, utc_now
from beatsync.daemon.source_reader import SourceReader
from beatsync.plan.model import Plan
from beatsync.plan.part import Base, part_plan
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Part, SyncOptions, sync, sync_part, sync_read
from beatsync.specfile import ParseOptions
from beatsync.store import Store
from tests.conftest import Backend, empty
from tests.reconcile.test_convergence import NAMES, entries, meddlings

OPTIONS = SyncOptions(plan=PlanOptions(allow_empty=True, max_deletes="100%", adopt=True))
FIRST, SECOND = NAMES[:3], NAMES[3:]


def write(folder: Path, file: str, document: dict[str, Any]) -> None:
    (folder / file).write_text(json.dumps({"schedules": document}), encoding="utf-8")


def plain(entry: dict[str, Any]) -> dict[str, Any]:
    treated = {key: value for key, value in entry.get("sync", {}).items() if key != "renamed_from"}
    return {**{key: value for key, value in entry.items() if key not in {"environments", "only"}}, "sync": treated}


def of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    # What is unusual takes a whole look, and little would be left to compare.
    return st.fixed_dictionaries(dict.fromkeys(names, st.one_of(entries.map(plain), entries.map(plain), entries)))


def outcome(plan: Plan) -> tuple[object, ...]:
    return (plan.changes, plan.records, plan.unchanged, plan.conditions, plan.blocked, plan.diagnostics)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=of(FIRST), beside=of(SECOND), after=of(FIRST), meddling=meddlings)
def test_the_plan_of_a_part_is_the_whole_plan(
    before: dict[str, Any],
    beside: dict[str, Any],
    after: dict[str, Any],
    meddling: list[tuple[str, Callable[[Any], None]]],
    backend: Backend,
    tmp_path: Path,
) -> None:
    empty(backend.alias)
    store, reading = Store(backend.alias, project_settings=False), SourceReader(tmp_path, ParseOptions())
    write(tmp_path, "a.yaml", before)
    write(tmp_path, "b.yaml", beside)
    synced = sync_read(*reading.read(by_content=True), store, OPTIONS)
    assume(synced.outcome in {Outcome.APPLIED, Outcome.UNCHANGED})
    reading.mark_synced()
    for name, meddler in meddling:
        meddler(PeriodicTask.objects.using(backend.alias).filter(name=name))
    write(tmp_path, "a.yaml", after)
    snapshot, desired = reading.read(by_content=True)
    names, now = reading.changed_names, utc_now()
    if names is None:
        event("by everything, as the files are")
        return
    here = frozenset(one.spec.name for one in desired.schedules) & frozenset(FIRST)
    assert names == (here if json.dumps(before) != json.dumps(after) else frozenset())

    one = Sync(snapshot, desired, store, OPTIONS, clock=lambda: now)
    whole = one.planned().plan
    base = Base(synced.plan.revision, synced.plan.conditions)
    part = part_plan(desired, names, base, store.observe_part("default", names), one.request(now))
    event("by its part" if part is not None else "by everything")
    if part is None:
        return
    assert part.changes == tuple(change for change in whole.changes if change.name in names)
    assert part.records == tuple(record for record in whole.records if record.name in names)
    assert not whole.blocked
    if all(name in names for name, _ in meddling):
        assert outcome(part) == outcome(whole)


class World:
    """Two files that are synced, and a reading of them."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.reading = SourceReader(folder, ParseOptions())
        self.write("a", one={"queue": "a"}, two={})
        self.write("b", three={})
        self.base = self.whole()

    def write(self, file: str, **schedules: dict[str, Any]) -> None:
        entries = {name: {"task": "t", "interval": "1h", **fields} for name, fields in schedules.items()}
        write(self.folder, f"{file}.yaml", entries)

    def whole(self) -> Base:
        result = sync_read(*self.reading.read(by_content=True), self.store, OPTIONS)
        self.reading.mark_synced()
        return Base(result.plan.revision, result.plan.conditions)

    def part(self) -> Outcome | None:
        """Return how a sync of the part ended, None where it has to be all."""
        read = self.reading.read(by_content=True)
        names = self.reading.changed_names
        result = sync_part(*read, Part(names, self.base), self.store, OPTIONS) if names is not None else None
        return result.outcome if result else None

    def column(self, name: str, column: str = "queue") -> Any:
        return PeriodicTask.objects.using(self.store.alias).values_list(column, flat=True).get(name=name)

    def drift(self, name: str) -> None:
        PeriodicTask.objects.using(self.store.alias).filter(name=name).update(queue="drift")


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return World(store, tmp_path)


def test_an_edit_is_synced_by_its_part_and_others_are_left_for_the_next_whole_look(world: World) -> None:
    world.drift("three")
    world.write("a", one={"queue": "b"}, two={})
    assert world.part() is Outcome.APPLIED
    assert (world.column("one"), world.column("three")) == ("b", "drift")
    world.whole()
    assert world.column("three") is None
    assert sync(world.folder, world.store, OPTIONS).outcome is Outcome.UNCHANGED


def test_other_words_for_the_same_are_noted_as_what_was_synced(world: World) -> None:
    (world.folder / "a.yaml").write_text((world.folder / "a.yaml").read_text() + "\n# a word\n", encoding="utf-8")
    assert world.part() is Outcome.UNCHANGED
    assert world.store.observe("default").revision == world.reading.read(by_content=True)[0].revision


def test_a_drift_in_the_part_is_healed_with_it(world: World) -> None:
    world.drift("two")
    world.write("a", one={"queue": "b"}, two={})
    assert world.part() is Outcome.APPLIED
    assert world.column("two") is None


@pytest.mark.parametrize(
    "edit",
    [
        {"one": {}},
        {"one": {}, "two": {}, "four": {}},
        {"one": {}, "uno": {"sync": {"renamed_from": "two"}}},
        {"one": {"interval": "never"}, "two": {}},
        {"one": {"only": ["production"]}, "two": {}},
        {"one": {"enabled": False}, "two": {}},
    ],
    ids=["removed", "added", "renamed", "invalid", "environment", "switched off"],
)
def test_what_is_more_than_an_edit_takes_a_whole_look(world: World, edit: dict[str, Any]) -> None:
    world.write("a", **edit)
    assert world.part() is None


def test_a_file_more_or_less_takes_a_whole_look(world: World) -> None:
    world.write("c", five={})
    assert world.part() is None
    world.whole()
    (world.folder / "c.yaml").unlink()
    assert world.part() is None


def test_another_sync_meanwhile_takes_a_whole_look(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    write(other, "a.yaml", {name: {"task": "t", "interval": "5m"} for name in ("one", "two", "three")})
    assert sync(other, world.store, OPTIONS).outcome is Outcome.APPLIED
    world.write("a", one={"queue": "b"}, two={})
    assert world.part() is None
    world.whole()
    assert sync(world.folder, world.store, OPTIONS).outcome is Outcome.UNCHANGED


def test_a_row_under_the_same_name_that_is_not_ours_takes_a_whole_look(world: World) -> None:
    from beatsync.reconcile import release

    release(world.store, ["two"], OPTIONS)
    world.write("a", one={"queue": "b"}, two={})
    assert world.part() is None


@pytest.mark.parametrize("name", ["one", "two"])
def test_what_changes_between_plan_and_lock_is_seen_under_the_lock(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The row that the plan is about, and one that it is not about though it stands in the same file."""
    locked = Store.locked

    @contextmanager
    def meddling(self: Store, *args: Any, **kwargs: Any) -> Iterator[None]:
        monkeypatch.setattr(Store, "locked", locked)
        PeriodicTask.objects.using(self.alias).filter(name=name).update(priority=7)
        with locked(self, *args, **kwargs):
            yield

    monkeypatch.setattr(Store, "locked", meddling)
    world.write("a", one={"queue": "b"}, two={})
    assert sync(world.folder, world.store, OPTIONS).outcome is Outcome.APPLIED
    assert (world.column("one"), world.column("one", "priority")) == ("b", None)
    sync(world.folder, world.store, OPTIONS)
    assert world.column("two", "priority") is None


def test_a_part_is_read_by_few_statements(world: World) -> None:
    from tests.store.storing import queries

    with queries(world.store) as log:
        world.store.observe_part("default", ["one", "two"])
    assert len(log) <= 6
