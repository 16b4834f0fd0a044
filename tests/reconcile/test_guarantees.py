"""Guarantees that no other test checks on each real database; docs/guarantees.md lists all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

from beatsync.plan.drift import states
from beatsync.plan.model import Action, Condition
from beatsync.plan.observed import Observed
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, Run, SyncOptions, plan, reconcile, sync, utc_now
from beatsync.source import load
from beatsync.store import Store
from beatsync.values import Snapshot
from tests.conftest import MakeTask

LATER = datetime(2098, 1, 1, 12, tzinfo=timezone.utc)


def go(root: Path, store: Store, text: str | None = None, **options: Any) -> Result:
    if text is not None:
        (root / "a.yaml").write_text(text, encoding="utf-8")
    return sync(root, store, SyncOptions(plan=PlanOptions(**options)))


def rows(store: Store, **where: Any) -> Any:
    return PeriodicTask.objects.using(store.alias).filter(**where)


SPELLINGS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "JSON in other words": (
        "interval: 1h, args: [1, {b: 1, a: 2}], kwargs: {y: 1, x: [1.5]}, headers: {z: null}",
        {"args": '[1 ,{"a":2,\n"b":1}]', "kwargs": '{"x":[1.50], "y":1}', "headers": '{ "z" : null }'},
        lambda: IntervalSchedule(every=1, period="hours"),
    ),
    "nothing as an empty text": (
        "interval: 1h",
        {"args": "", "kwargs": "", "queue": "", "exchange": "", "routing_key": "", "description": ""},
        lambda: IntervalSchedule(every=1, period="hours"),
    ),
    "a crontab in other words": (
        'crontab: "*/30 4 * 1 fri-mon", timezone: UTC',
        {},
        lambda: CrontabSchedule(minute="0,30", hour="04", month_of_year="01", day_of_week="0,1,5,6", timezone="UTC"),
    ),
    "an interval in seconds": ("interval: 1m", {}, lambda: IntervalSchedule(every=60, period="seconds")),
    "a place with more digits": (
        "solar: {event: sunrise, latitude: 52.5200004, longitude: 13.4050001}",
        {},
        lambda: SolarSchedule(event="sunrise", latitude="52.52", longitude="13.405"),
    ),
    "moments in another zone": (
        "clocked: 2098-01-01T13:00:00+01:00, start_time: 2097-12-31T14:00:00.000001+02:00",
        {"one_off": True, "start_time": LATER - timedelta(days=1) + timedelta(microseconds=1)},
        lambda: ClockedSchedule(clocked_time=LATER),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPELLINGS)
def test_a_row_that_says_the_same_in_other_words_is_equal(
    store: Store, tmp_path: Path, make_task: MakeTask, what: str
) -> None:
    entry, columns, schedule = SPELLINGS[what]
    made = schedule()
    made.save(using=store.alias)
    make_task("one", task="t", **columns, **{type(made).__name__.removesuffix("Schedule").lower(): made})
    before = rows(store).values().get()
    told = list(PeriodicTasks.objects.using(store.alias).values())
    adopted = go(tmp_path, store, f"schedules: {{one: {{task: t, {entry}}}}}", adopt=True).plan
    assert [(change.action, change.fields) for change in adopted.changes] == [(Action.ADOPT, ())]
    assert rows(store).values().get() == before
    assert list(PeriodicTasks.objects.using(store.alias).values()) == told
    assert go(tmp_path, store).outcome is Outcome.UNCHANGED


DRIFTS: dict[str, Any] = {
    "args": "[7]", "kwargs": '{"x": 7}', "headers": '{"x": 7}', "queue": "q", "exchange": "e", "routing_key": "r",
    "priority": 7, "expires": LATER, "expire_seconds": 7, "one_off": True, "start_time": LATER - timedelta(days=1),
    "description": "by hand",
}  # fmt: skip


@pytest.mark.parametrize("field", DRIFTS)
def test_what_a_spec_leaves_out_has_the_models_default_and_is_enforced(
    store: Store, tmp_path: Path, field: str
) -> None:
    go(tmp_path, store, "schedules: {one: {task: t, interval: 1h}}")
    default = rows(store).values(field).get()
    rows(store).update(**{field: DRIFTS[field]})
    healed = go(tmp_path, store).plan
    assert [(f.field, f.cause.value) for change in healed.changes for f in change.fields] == [(field, "drift")]
    assert rows(store).values(field).get() == default


def test_a_pause_by_hand_stays_is_told_and_one_that_is_written_is_enforced(store: Store, tmp_path: Path) -> None:
    go(tmp_path, store, "schedules:\n  free: {task: t, interval: 1h}\n  held: {task: t, interval: 1h, enabled: true}\n")
    assert rows(store, enabled=True).count() == 2
    rows(store).update(enabled=False)
    (row,) = [row for row in states(store.observe("default"), utc_now()) if row.name == "free"]
    assert row.conditions == (Condition.PAUSED,)
    paused = go(tmp_path, store).plan
    assert [change.name for change in paused.changes] == ["held"]
    assert paused.conditions == (("free", Condition.PAUSED),)
    assert set(rows(store).values_list("name", "enabled")) == {("free", False), ("held", True)}


def test_an_ignored_field_is_written_when_it_is_new_and_when_the_file_changes_it(store: Store, tmp_path: Path) -> None:
    text = "schedules: {one: {task: t, interval: 1h, queue: %s, sync: {ignore: [queue]}}}"
    go(tmp_path, store, text % "a")
    rows(store).update(queue="by-hand", task="by.hand")
    assert [f.field for change in go(tmp_path, store).plan.changes for f in change.fields] == ["task"]
    assert rows(store).get().queue == "by-hand"
    go(tmp_path, store, text % "b")
    assert rows(store).get().queue == "b"


def test_protection_outlives_its_line_and_the_schedule_and_ends_by_an_explicit_no(store: Store, tmp_path: Path) -> None:
    other = "  other: {task: t, interval: 1h}\n"
    go(tmp_path, store, f"schedules:\n{other}  one: {{task: t, interval: 1h, sync: {{protect: true}}}}\n")
    go(tmp_path, store, f"schedules:\n{other}  one: {{task: t, interval: 2h}}\n")
    kept = go(tmp_path, store, f"schedules:\n{other}", max_deletes="100%", allow_empty=True)
    assert kept.plan.conditions == (("one", Condition.PROTECTED),)
    (row,) = [row for row in states(store.observe("default"), utc_now()) if row.name == "one"]
    assert row.conditions == (Condition.PROTECTED,)
    assert go(tmp_path, store).outcome is Outcome.UNCHANGED
    go(tmp_path, store, f"schedules:\n{other}  one: {{task: t, interval: 2h, sync: {{protect: false}}}}\n")
    go(tmp_path, store, f"schedules:\n{other}")
    assert list(rows(store).values_list("name", flat=True)) == ["other"]


def test_no_switch_turns_every_guard_off(store: Store, tmp_path: Path) -> None:
    every: dict[str, Any] = {
        "adopt": True, "allow_empty": True, "max_deletes": "100%", "accept_origin": True, "catch_up": True, "isolate": True,
    }  # fmt: skip
    names = "".join(f"  task-{number}: {{task: t, interval: 1h}}\n" for number in range(9))
    go(tmp_path, store, f"schedules:\n{names}")
    (tmp_path / "a.yaml").write_text("schedules: {}\n", encoding="utf-8")
    for name, value in every.items():
        blocked = go(tmp_path, store, **{name: value}).plan.blocked
        assert blocked, f"{name} alone lets everything go"
    assert rows(store).count() == 9
    # And all of them together let nobody else's row be taken.
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "b.yaml").write_text(f"schedules:\n{names}", encoding="utf-8")
    taken = sync(theirs, store, SyncOptions(source="other", plan=PlanOptions(**every)))
    assert {blocked.code for blocked in taken.plan.blocked} == {"owned-elsewhere"}
    assert go(tmp_path, store, **every).outcome is Outcome.APPLIED


def test_files_from_elsewhere_under_the_same_source_are_blocked(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("schedules: {one: {task: t, interval: 1h}}", encoding="utf-8")
    unknown = load(tmp_path)
    here, there = (replace(unknown, origin=f"host/{name}.git:schedules.d") for name in ("shop", "other"))

    def go_from(snapshot: Snapshot, **options: Any) -> Result:
        return reconcile(Run(lambda: snapshot, store, SyncOptions(plan=PlanOptions(**options))))

    assert go_from(here).outcome is Outcome.APPLIED
    blocked = go_from(replace(there, files=()), allow_empty=True)
    assert [one.code for one in blocked.plan.blocked] == ["origin"]
    assert rows(store).count() == 1
    # If the origin is unknown this time, the stored one stays.
    assert go_from(unknown).outcome is Outcome.UNCHANGED
    assert go_from(there).outcome is Outcome.BLOCKED
    assert go_from(there, accept_origin=True).outcome is Outcome.UNCHANGED
    assert go_from(here).outcome is Outcome.BLOCKED


def test_a_row_that_is_deleted_by_plain_sql_is_reported_as_drift(store: Store, tmp_path: Path) -> None:
    go(tmp_path, store, "schedules: {one: {task: t, interval: 1h}}")
    with connections[store.alias].cursor() as cursor:
        cursor.execute("DELETE FROM django_celery_beat_periodictask WHERE name = 'one'")
    assert [row.missing for row in states(store.observe("default"), utc_now())] == [True]
    (change,) = go(tmp_path, store).plan.changes
    assert (change.action, change.cause.value, change.note) == (
        Action.CREATE,
        "drift",
        "the row was deleted",
    )


def test_a_name_in_the_projects_beat_schedule_blocks_the_sync(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beat writes the row at every start, so the two would overwrite each other without end (docs/facts.md, 9)."""
    monkeypatch.setattr(store, "beat_schedule_names", lambda: frozenset({"one"}))
    refused = go(tmp_path, store, "schedules: {one: {task: t, interval: 1h}}", adopt=True)
    assert [(blocked.code, blocked.names) for blocked in refused.plan.blocked] == [("beat-schedule", ("one",))]
    assert not rows(store).exists()


def test_a_plan_is_made_again_under_the_lock(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody changes a row after the first look: what is done is done to what stands there then."""
    go(tmp_path, store, "schedules: {one: {task: t, interval: 1h, queue: a}}")
    look, looks = store.observe, []

    def looked(*asked: Any, **how: Any) -> Observed:
        seen = look(*asked, **how)
        looks.append(asked)
        if len(looks) == 1:
            rows(store, name="one").update(priority=7)
        return seen

    monkeypatch.setattr(store, "observe", looked)
    done = go(tmp_path, store, "schedules: {one: {task: t, interval: 1h, queue: b}}")
    fields = [(f.field, f.cause.value) for change in done.plan.changes for f in change.fields]
    assert fields == [("queue", "spec"), ("priority", "drift")]
    assert done.repairs == 0


def test_what_is_undone_after_the_commit_is_repaired_and_counted(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_task: MakeTask
) -> None:
    """Beat saves whole rows that it read before, a deleted one included (docs/facts.md, 1 and 26)."""
    make_task("keeps the interval")
    before = "schedules: {changed: {task: t, interval: 1h, queue: a}, gone: {task: t, interval: 1h}, calm: {task: t, interval: 1h}}"
    go(tmp_path, store, before)
    old = {row["name"]: row for row in rows(store).values()}
    look, looks = store.read_rows, []

    def looked(*asked: Any, **how: Any) -> Any:
        looks.append(asked)
        if len(looks) == 1:
            rows(store, name="changed").update(queue="a")
            PeriodicTask.objects.using(store.alias).bulk_create([PeriodicTask(**old["gone"])])
        return look(*asked, **how)

    monkeypatch.setattr(store, "read_rows", looked)
    done = go(tmp_path, store, "schedules: {changed: {task: t, interval: 1h, queue: b}, calm: {task: t, interval: 1h}}")
    assert done.repairs == 2
    assert len(looks) > 1
    names = rows(store).exclude(name="keeps the interval").values_list("name", "queue")
    assert set(names) == {("changed", "b"), ("calm", None)}
    assert go(tmp_path, store).outcome is Outcome.UNCHANGED


def test_a_schedule_row_is_shared_and_never_edited(store: Store, tmp_path: Path, make_task: MakeTask) -> None:
    hourly = IntervalSchedule.objects.using(store.alias).create(every=1, period="hours")
    make_task("by hand", interval=hourly)
    go(tmp_path, store, "schedules: {one: {task: t, interval: 1h}}")
    assert rows(store, interval=hourly).count() == 2
    go(tmp_path, store, "schedules: {one: {task: t, interval: 2h}}")
    assert rows(store, interval=hourly).get().name == "by hand"
    go(tmp_path, store, "schedules: {one: {task: t, interval: 3h}}")
    kept = IntervalSchedule.objects.using(store.alias).order_by("every").values_list("every", "period")
    assert list(kept) == [(1, "hours"), (3, "hours")]


def test_no_secret_is_kept_in_history_or_shown_in_a_plan(store: Store, tmp_path: Path) -> None:
    text = (
        "schedules: {one: {task: t, interval: 1h, args: [{api_key: s3cr3t}, plain], kwargs: {token: %s, deep: {dbPassword: [s3cr3t]},"
        " pin: s3cr3t}, headers: {Authorization: s3cr3t}, sync: {sensitive: [kwargs.pin]}}}"
    )
    go(tmp_path, store, text % "s3cr3t")
    changed = plan(_with(tmp_path, text % "s3cr3t-other"), store, SyncOptions())
    assert [f.field for change in changed.plan.changes for f in change.fields] == ["kwargs"]
    go(tmp_path, store)
    said = [entry.changes for entry in store.history("default", 10)]
    assert len(said) == 2
    assert "s3cr3t" not in json.dumps(said, default=str)
    assert "plain" in json.dumps(said, default=str)
    assert "*** (after)" in json.dumps(said, default=str)


def _with(root: Path, text: str) -> Path:
    (root / "a.yaml").write_text(text, encoding="utf-8")
    return root
