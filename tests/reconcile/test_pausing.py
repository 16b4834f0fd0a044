"""Operators' pauses on each database: what they write, what outranks what, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from beatsync.models import Pause as PauseRow
from beatsync.pausing import UnknownSchedules, pause, unpause
from beatsync.plan.drift import states
from beatsync.plan.firing import is_due
from beatsync.plan.model import Condition, Plan
from beatsync.plan.observed import Pause, Suspension
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, release, sync
from beatsync.store import Store
from beatsync.values import Actor

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
DAILY = 'schedules:\n  nightly: {{task: t, crontab: "0 9 * * *"{more}}}\n  other: {{task: t, interval: 2h}}\n'
FREE, ENFORCED = DAILY.format(more=""), DAILY.format(more=", enabled: true")
OPTIONS = SyncOptions(actor=Actor("ann"))


class World:
    """A source on one database, with a clock that the test moves."""

    def __init__(self, store: Store, root: Path) -> None:
        self.store, self.root, self.now = store, root, NOW

    def clock(self) -> datetime:
        return self.now

    def go(self, text: str | None = None, **options: Any) -> Result:
        if text is not None:
            (self.root / "a.yaml").write_text(text, encoding="utf-8")
        self.now += timedelta(seconds=1)
        return sync(self.root, self.store, SyncOptions(**options), self.clock)

    def plan(self) -> Plan:
        return plan(self.root, self.store, SyncOptions(), self.clock).plan

    def pause(self, *names: str, days: float | None = None) -> list[Plan]:
        self.now += timedelta(seconds=1)
        until = None if days is None else self.now + timedelta(days=days)
        return pause(self.store, None, names, Pause("ann", "the move", self.now, until), OPTIONS)

    def unpause(self, *names: str) -> list[Plan]:
        self.now += timedelta(seconds=1)
        return unpause(self.store, None, names, OPTIONS, self.clock)

    def tasks(self) -> Any:
        return PeriodicTask.objects.using(self.store.alias)

    def enabled(self) -> dict[str, bool]:
        return dict(self.tasks().values_list("name", "enabled"))

    def conditions(self) -> dict[str, tuple[Condition, ...]]:
        return {row.name: row.conditions for row in states(self.store.observe("default"), self.now) if row.conditions}

    def drift(self) -> list[str]:
        return [row.name for row in states(self.store.observe("default"), self.now) if row.drift or row.missing]

    def pauses(self) -> list[str]:
        return sorted(PauseRow.objects.using(self.store.alias).values_list("name", flat=True))


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return World(store, tmp_path)


def columns(world: World, name: str) -> dict[str, Any]:
    return dict(world.tasks().filter(name=name).values().get())


@pytest.mark.parametrize("text", [FREE, ENFORCED], ids=["free", "enforced"])
def test_a_pause_outranks_the_file_and_is_no_drift(world: World, text: str) -> None:
    world.go(text)
    before, stamp = columns(world, "nightly"), PeriodicTasks.objects.using(world.store.alias).get().last_update
    world.pause("nightly")
    after = columns(world, "nightly")
    assert {name for name in after if after[name] != before[name]} <= {"enabled", "date_changed"}
    assert world.enabled() == {"nightly": False, "other": True}
    assert PeriodicTasks.objects.using(world.store.alias).get().last_update > stamp

    result = world.go()
    assert (result.outcome, result.plan.conditions) == (Outcome.UNCHANGED, (("nightly", Condition.HELD),))
    assert dict(world.plan().notes) == {"nightly": "by ann since 2026-06-01 12:00 UTC: the move"}
    assert (world.conditions(), world.drift()) == ({"nightly": (Condition.HELD,)}, [])
    # Another field of the file is applied meanwhile.
    world.go(text.replace("task: t, crontab", "task: other, crontab"))
    assert (columns(world, "nightly")["task"], world.enabled()["nightly"]) == ("other", False)


@pytest.mark.parametrize("text", [FREE, ENFORCED], ids=["free", "enforced"])
def test_its_end_restores_what_was_and_runs_nothing_at_once(world: World, text: str) -> None:
    world.go(text)
    world.tasks().filter(name="nightly").update(last_run_at=NOW - timedelta(hours=3), total_run_count=9)
    world.pause("nightly")
    world.now += timedelta(days=3)
    before = columns(world, "nightly")
    world.unpause("nightly")
    after = columns(world, "nightly")
    assert {name for name in after if after[name] != before[name]} <= {"enabled", "date_changed", "last_run_at"}
    assert (world.enabled()["nightly"], world.pauses(), world.conditions()) == (True, [], {})
    row = world.store.read_rows(["nightly"])["nightly"]
    assert not is_due(row, world.now)
    assert is_due(row, world.now.replace(hour=9, minute=0, second=1) + timedelta(days=1))
    assert world.go().outcome is Outcome.UNCHANGED
    assert [entry.outcome for entry in world.store.history(None, 2, "nightly")] == ["unpaused", "paused"]
    assert world.unpause("nightly") == []


def test_it_ends_by_itself_at_the_next_sync(world: World) -> None:
    world.go(ENFORCED)
    world.pause("nightly", days=2)
    world.now += timedelta(days=1)
    world.go()
    assert not world.enabled()["nightly"]
    world.now += timedelta(days=1, minutes=1)
    assert world.plan().conditions == (("nightly", Condition.HELD),)
    assert world.go().plan.conditions == ()
    assert (world.enabled()["nightly"], world.pauses()) == (True, [])
    (entry, *_) = world.store.history(None, 1)
    assert (entry.outcome, entry.message, entry.changes[0]["note"]) == (
        "unpaused",
        "ended by itself",
        "the pause ended",
    )


def test_a_suspended_source_is_left_alone(world: World) -> None:
    world.go(FREE)
    world.pause("nightly", days=1)
    world.store.suspend("default", Suspension("ann", "why", NOW), Actor("ann"), NOW)
    world.now += timedelta(days=2)
    world.go()
    assert (world.enabled()["nightly"], world.pauses()) == (False, ["nightly"])


def test_to_enable_the_row_in_the_admin_ends_it(world: World) -> None:
    world.go(FREE)
    world.pause("nightly")
    row = world.tasks().get(name="nightly")
    row.enabled = True
    row.save(using=world.store.alias)
    assert world.conditions() == {}
    world.go()
    assert (world.enabled()["nightly"], world.pauses()) == (True, [])
    assert "enabled meanwhile" in world.store.history(None, 1)[0].changes[0]["note"]
    world.tasks().filter(name="nightly").update(enabled=False)
    assert world.conditions() == {"nightly": (Condition.PAUSED,)}


def complete(world: World) -> None:
    """Let beat complete the one-off, which it ran just before the pause."""
    row = world.tasks().get(name="once")
    row.total_run_count, row.date_changed = 0, world.now + timedelta(seconds=5)
    row.save(using=world.store.alias)


def pass_by(world: World) -> None:
    world.now += timedelta(days=365)


@pytest.mark.parametrize(
    ("entry", "happens"),
    [
        ("interval: 1h, one_off: true", complete),
        ("clocked: 2026-08-01T00:00:00Z", pass_by),
        ("interval: 1h, expires: 2026-08-01T00:00:00Z", pass_by),
        ("interval: 1h, enabled: false", lambda _: None),
    ],
    ids=["completed", "clocked", "expired", "disabled"],
)
def test_what_must_not_run_again_stays_disabled(world: World, entry: str, happens: Callable[[World], None]) -> None:
    world.go(f"schedules:\n  once: {{task: t, {entry}}}\n")
    world.pause("once")
    happens(world)
    (ended,) = world.unpause("once")
    assert "stays disabled" in (ended.changes[0].note or "")
    assert (world.enabled(), world.pauses()) == ({"once": False}, [])
    assert world.go().outcome is not Outcome.INVALID
    assert not world.enabled()["once"]


def test_a_one_off_that_has_not_run_is_armed_again(world: World) -> None:
    world.go("schedules:\n  once: {task: t, clocked: 2027-08-01T00:00:00Z}\n")
    world.pause("once")
    world.unpause("once")
    assert world.enabled() == {"once": True}


def test_what_was_disabled_by_hand_before_stays_disabled(world: World) -> None:
    world.go(FREE)
    world.tasks().filter(name="nightly").update(enabled=False)
    world.pause("*")
    assert world.go().plan.conditions == (("nightly", Condition.HELD), ("other", Condition.HELD))
    world.pause("nightly")
    world.unpause("*")
    assert world.enabled() == {"nightly": False, "other": True}
    assert world.conditions() == {"nightly": (Condition.PAUSED,)}


EVERY = "windows: {office: {days: mon-fri, from: '08:30', to: '18:00'}}\nschedules:\n  peaks: {task: t, every: {office: 5m, otherwise: OTHER}}\n"


def test_all_rows_of_a_schedule_are_paused_and_so_are_its_new_ones(world: World) -> None:
    world.go(EVERY.replace("OTHER", "never"))
    few = set(world.enabled())
    world.pause("peaks")
    assert set(world.enabled().values()) == {False}
    world.go(EVERY.replace("OTHER", "15m"))
    assert few < set(world.enabled())
    assert set(world.enabled().values()) == {False}
    assert set(world.conditions().values()) == {(Condition.HELD,)}
    world.unpause("peaks")
    assert set(world.enabled().values()) == {True}
    assert world.go().outcome is Outcome.UNCHANGED


def test_a_pause_follows_a_rename_and_a_new_row_and_ends_with_the_schedule(world: World) -> None:
    world.go(ENFORCED)
    world.pause("nightly")
    world.go(ENFORCED.replace("nightly: {", "evening: {sync: {renamed_from: nightly}, "))
    assert (world.pauses(), world.enabled()["evening"]) == (["evening"], False)
    world.tasks().filter(name="evening").delete()
    world.go()
    assert (world.pauses(), world.enabled()["evening"]) == (["evening"], False)
    assert world.go().plan.conditions == (("evening", Condition.HELD),)
    world.unpause("evening")
    assert world.enabled()["evening"]
    world.pause("evening", "other")
    world.go("schedules:\n  other: {task: t, interval: 2h}\n")
    release(world.store, ["other"], SyncOptions())
    assert (world.pauses(), world.enabled()) == ([], {"other": False})


def test_a_pause_made_in_the_admin_shows_its_author(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.go(FREE)
    world.tasks().filter(name="nightly").update(enabled=False)
    monkeypatch.setattr(world.store, "authors", lambda rows: dict.fromkeys(rows, "changed in the Django admin by bob"))
    made = world.plan()
    assert made.conditions == (("nightly", Condition.PAUSED),)
    assert made.notes == (("nightly", "changed in the Django admin by bob"),)


def test_a_name_that_nothing_has_is_an_error_and_nothing_is_paused(world: World) -> None:
    world.go(FREE)
    with pytest.raises(UnknownSchedules, match=r"'nigthly' \(did you mean 'nightly'\?\), 'x\*'"):
        world.pause("nightly", "nigthly", "x*")
    assert (world.pauses(), world.enabled()) == ([], {"nightly": True, "other": True})
    assert len(world.store.history(None, 9)) == 1


def test_a_save_by_beat_that_undoes_a_pause_is_repaired(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.go(FREE)
    read_rows = world.store.read_rows
    undone: list[int] = []

    def undo_once(names: Any) -> Any:
        if not undone:
            undone.append(world.tasks().filter(name="nightly").update(enabled=True))
        return read_rows(names)

    monkeypatch.setattr(world.store, "read_rows", undo_once)
    world.pause("nightly")
    assert (undone, world.enabled()["nightly"], world.pauses()) == ([1], False, ["nightly"])
