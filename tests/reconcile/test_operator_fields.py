"""Deliberate edits of managed rows on each database: what is recorded, and when a field returns to the file."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.models import InventoryEntry
from beatsync.plan.drift import states
from beatsync.plan.history import EDITED, Event
from beatsync.plan.managed import ManagedRow, changed_fields, operator_fields
from beatsync.plan.model import Cause, Condition
from beatsync.plan.observed import Pause
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, release, sync
from beatsync.shown import shown_schedule
from beatsync.store import LockHeld, Store
from beatsync.store.managed import owned_condition
from beatsync.values import Actor
from tests.conftest import MakeTask

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
NIGHTLY = "schedules:\n  nightly: {task: t, interval: 1h, queue: slow, priority: 3, kwargs: {token: %s}}\n"
SPEC = NIGHTLY % "abc"


class World:
    """A source on one database, with a clock that moves with each step."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store, self.root, self.now = store, root, NOW

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def go(self, text: str | None = None) -> Result:
        if text is not None:
            (self.root / "a.yaml").write_text(text, encoding="utf-8")
        return sync(self.root, self.store, SyncOptions(), self.clock)

    def edit(self, name: str = "nightly", *, leave: bool, **columns: Any) -> None:
        """Write columns as the admin's form does."""
        managed = self.managed(name)
        with self.store.editing("default") as edit:
            before = edit.read(managed.state.row_id)
            self.tasks().filter(name=name).update(**columns)
            after = edit.read(managed.state.row_id)
            assert before is not None
            assert after is not None
            left = operator_fields(managed.entry, {field.field for field in changed_fields(before, after)}, keep=leave)
            edit.record(managed, before, after, left, Event(Actor("ann"), EDITED, "the move"), self.clock())

    def managed(self, name: str = "nightly") -> ManagedRow:
        key = self.tasks().get(name=name).pk
        return self.store.managed_rows([key], self.now)[key]

    def tasks(self) -> Any:
        return PeriodicTask.objects.using(self.store.alias)

    def column(self, name: str) -> Any:
        return self.tasks().values_list(name, flat=True).get(name="nightly")


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return World(store, tmp_path)


def test_the_next_sync_restores_an_edit_and_the_history_has_both(world: World) -> None:
    world.go(SPEC)
    world.edit(leave=False, queue="fast", kwargs='{"token": "xyz"}')
    assert [field.field for field in world.managed().state.drift] == ["kwargs", "queue"]
    assert world.go().outcome is Outcome.APPLIED
    assert world.column("queue") == "slow"
    restored, edited, _ = world.store.history(None, 5, "nightly")
    assert (restored.outcome, edited.outcome, edited.actor, edited.message) == ("applied", EDITED, "ann", "the move")
    [change] = edited.changes
    assert {field["field"]: (field["before"], field["after"]) for field in change["fields"]} == {
        "kwargs": ('{"token": "*** (before)"}', '{"token": "*** (after)"}'),
        "queue": ("slow", "fast"),
    }
    assert {field["cause"] for field in change["fields"]} == {Cause.EDIT.value}


def test_a_field_that_is_left_to_the_operator_returns_when_the_file_changes_it(world: World) -> None:
    world.go(SPEC)
    world.edit(leave=True, queue="fast", priority=9)
    assert world.managed().entry.operator_fields == ("queue", "priority")
    assert world.managed().state.drift == ()
    assert Condition.OPERATOR in world.managed().state.conditions
    assert not world.managed().locked_fields & {"queue", "priority"}
    assert world.go().outcome is Outcome.UNCHANGED
    # Another field changes, and another row drifts: both stay.
    assert world.go(NIGHTLY % "def").outcome is Outcome.APPLIED
    world.tasks().update(task="evil")
    assert world.go().outcome is Outcome.APPLIED
    assert (world.column("task"), world.column("queue"), world.column("priority")) == ("t", "fast", 9)

    world.go((NIGHTLY % "def").replace("slow", "bulk"))
    assert (world.column("queue"), world.column("priority")) == ("bulk", 9)
    assert world.managed().entry.operator_fields == ("priority",)
    world.tasks().update(queue="fast")  # drift again, as ever
    assert [field.field for field in world.managed().state.drift] == ["queue"]
    world.go()
    assert world.column("queue") == "bulk"

    world.edit(leave=False)
    assert InventoryEntry.objects.using(world.store.alias).get().operator_fields is None
    world.go()
    assert world.column("priority") == 3


def test_a_new_row_has_the_values_of_the_file(world: World) -> None:
    world.go(SPEC)
    world.edit(leave=True, queue="fast")
    world.tasks().all().delete()
    world.go()
    assert world.column("queue") == "slow"
    assert world.managed().entry.operator_fields == ()
    assert plan(world.root, world.store, SyncOptions(), world.clock).plan.changes == ()


def test_a_schedule_is_one_value(world: World) -> None:
    text = 'schedules:\n  nightly: {task: t, crontab: "0 9 * * *", timezone: UTC}\n'
    world.go(text)
    crontab = world.tasks().get().crontab
    crontab.pk, crontab.hour = None, "10"
    crontab.save(using=world.store.alias)
    world.edit(leave=True, crontab=crontab)
    assert world.managed().entry.operator_fields == ("crontab",)
    assert not world.managed().locked_fields & {"crontab", "timezone", "interval"}
    assert world.go().outcome is Outcome.UNCHANGED
    world.go(text.replace("UTC", "Europe/Berlin"))
    assert (world.tasks().get().crontab.hour, world.managed().entry.operator_fields) == ("9", ())


def test_an_edit_gives_up_while_a_sync_is_at_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.go(SPEC)
    monkeypatch.setattr("beatsync.store.store.EDIT_WAIT", 0.2)
    locked, done = threading.Event(), threading.Event()

    def sync_slowly() -> None:
        with world.store.locked("default", 10, "a daemon"):
            locked.set()
            done.wait(30)
        world.store.close()

    thread = threading.Thread(target=sync_slowly)
    thread.start()
    try:
        assert locked.wait(30)
        with pytest.raises(LockHeld):
            world.edit(leave=True, queue="fast")
    finally:
        done.set()
        thread.join()
    assert world.column("queue") == "slow"
    world.edit(leave=True, queue="fast")
    assert world.go().outcome is Outcome.UNCHANGED


def test_an_entry_that_another_release_wrote_leaves_nothing_to_the_operator(world: World) -> None:
    world.go(SPEC)
    entries = InventoryEntry.objects.using(world.store.alias)
    entries.update(operator_fields="nonsense")
    [state] = states(world.store.observe("default"), NOW)
    assert Condition.DAMAGED in state.conditions
    world.tasks().update(queue="fast")
    world.go()
    assert (world.column("queue"), entries.get().operator_fields) == ("slow", None)


def test_a_page_names_the_source_the_drift_and_the_pause_of_each_row(world: World, make_task: MakeTask) -> None:
    from beatsync.pausing import pause

    world.go(f"{SPEC}  other: {{task: t, interval: 1h, enabled: true}}\n")
    pause(world.store, None, ["other"], Pause("ann", "the move", world.clock()), SyncOptions())
    world.tasks().filter(name="nightly").update(queue="fast")
    unowned = make_task("by-hand")
    keys = list(world.tasks().values_list("pk", flat=True))
    rows = world.store.managed_rows(keys, world.now)
    assert set(rows) == set(keys) - {unowned.pk}
    by_name = {row.entry.name: row for row in rows.values()}
    assert [field.field for field in by_name["nightly"].state.drift] == ["queue"]
    assert by_name["other"].state.pause is not None
    assert by_name["other"].state.pause.reason == "the move"
    assert "enabled" in by_name["other"].locked_fields
    assert "enabled" not in by_name["nightly"].locked_fields

    named = {source: world.tasks().filter(owned_condition(source)).count() for source in ("default", "x", None)}
    assert named == {"default": 2, "x": 0, None: 1}
    users = world.store.schedule_users("interval", [world.tasks().get(name="other").interval_id, 0])
    assert [(each.number, each.example) for each in users.values()] == [(2, "nightly")]
    release(world.store, ["nightly"], SyncOptions(), world.clock)
    assert world.store.managed_rows([world.tasks().get(name="nightly").pk], world.now) == {}


def test_everything_about_a_row_of_a_group_is_found_by_its_name(world: World) -> None:
    world.go(
        "windows: {office: {days: mon-fri, from: '08:00', to: '18:00'}}\n"
        "schedules:\n  busy: {task: t, every: {office: 5m, otherwise: 1h}}\n"
    )
    names = {row.name for row in world.store.observe("default").rows.values()}
    assert len(names) > 2
    for name in names:
        shown = shown_schedule(world.store, name, world.now)
        assert shown is not None
        assert {row.name for row in shown.details.rows} == names
    assert shown_schedule(world.store, "missing", world.now) is None
