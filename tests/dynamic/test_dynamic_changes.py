"""What each method does to the rows of its set, and that it touches nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.test import override_settings
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from beatsync.dynamic import ChangeRefused, OwnershipConflict
from beatsync.models import SyncRecord
from beatsync.plan.firing import is_due
from beatsync.plan.observed import Suspension
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store
from beatsync.values import Actor, Interval
from tests.conftest import Backend, MakeTask
from tests.dynamic.declaring import HOURLY, TASK, directory, reports, row, rows, stamp, statements, stored
from tests.statements import writes


def test_put_creates_changes_and_then_writes_nothing(backend: Backend) -> None:
    mine = reports(backend)
    assert mine.put("a", task=TASK, crontab="0 8 * * *", args=[7])
    assert mine.put("a", task=TASK, crontab="0 9 * * *", args=[7])
    before = stamp(backend)
    with statements(backend) as captured:
        assert not mine.put("a", task=TASK, crontab={"minute": 0, "hour": 9}, args=(7,))
    assert [sql for sql in writes(captured) if "WHERE 1 = 0" not in sql] == []
    assert stamp(backend) == before
    assert (row(backend, "a").crontab.hour, row(backend, "a").args) == ("9", "[7]")
    assert CrontabSchedule.objects.using(backend.alias).count() == 1, "the row of 8:00 is used by no task"


def test_get_and_all_return_frozen_values(backend: Backend) -> None:
    mine = reports(backend)
    mine.put_many({"b": HOURLY, "a": {**HOURLY, "enabled": False}})
    reports(backend, "others").put("c", **HOURLY)
    assert list(mine.all()) == ["a", "b"]
    found = mine.get("b")
    assert found is not None
    assert (found.key, found.enabled, found.last_run_at) == (row(backend, "b").pk, True, None)
    assert found.spec.schedule == Interval(1, "hours")
    assert mine.get("c") is None
    PeriodicTask.objects.using(backend.alias).filter(name="b").delete()
    gone = mine.get("b")
    assert gone is not None
    assert (gone.spec, gone.key, gone.enabled) == (found.spec, None, False)


def test_remove_deletes_the_row_and_only_that(backend: Backend, make_task: MakeTask) -> None:
    make_task("by-hand")
    mine = reports(backend)
    mine.put_many({"a": HOURLY, "b": HOURLY})
    assert mine.remove("a")
    assert rows(backend) == ["b", "by-hand"]
    before = stored(backend)
    assert not mine.remove("a")
    assert not mine.remove("by-hand")
    assert stored(backend) == before


def test_put_many_keeps_the_others_and_replace_removes_them(backend: Backend, make_task: MakeTask) -> None:
    make_task("by-hand")
    mine = reports(backend)
    mine.put("a", **HOURLY)
    reports(backend, "others").put("o", **HOURLY)
    assert mine.put_many({"b": HOURLY, "c": HOURLY})
    assert rows(backend) == ["a", "b", "by-hand", "c", "o"]
    assert mine.replace({"c": HOURLY, "d": HOURLY})
    assert rows(backend) == ["by-hand", "c", "d", "o"]
    assert not mine.replace({"c": HOURLY, "d": HOURLY})
    with pytest.raises(ValueError, match="allow_empty=True"):
        mine.replace({})
    assert mine.replace({}, allow_empty=True)
    assert rows(backend) == ["by-hand", "o"]


def test_many_schedules_take_few_statements(backend: Backend) -> None:
    counts = []
    for number in (1_200, 2_400):
        with statements(backend) as captured:
            reports(backend, f"set-{number}").put_many(
                {f"{number}-{i}": {**HOURLY, "args": [i]} for i in range(number)}
            )
        counts.append(len(captured))
    assert counts[1] <= counts[0] + 3
    assert counts[0] < 60


def test_a_conflict_is_raised_and_adopt_takes_over(backend: Backend, make_task: MakeTask) -> None:
    make_task("mine", task="theirs")
    before = stored(backend)
    with pytest.raises(OwnershipConflict, match="adopt=True") as caught:
        reports(backend).put("mine", **HOURLY)
    assert [reason.code for reason in caught.value.blocked] == ["conflict"]
    assert stored(backend) == before
    assert reports(backend).put("mine", **HOURLY, adopt=True)
    assert row(backend, "mine").task == TASK


def test_a_name_of_another_source_or_of_beat_is_a_conflict(backend: Backend, store: Store, tmp_path: Path) -> None:
    sync(directory(tmp_path / "files", theirs=HOURLY), store, SyncOptions())
    reports(backend, "others").put("other", **HOURLY)
    before = stored(backend)
    with override_settings(CELERY_BEAT_SCHEDULE={"beats": {}}):
        for name, code in {"theirs": "owned-elsewhere", "other": "owned-elsewhere", "beats": "beat-schedule"}.items():
            with pytest.raises(OwnershipConflict) as caught:
                reports(backend).put(name, **HOURLY, adopt=True)
            assert [reason.code for reason in caught.value.blocked] == [code]
    assert stored(backend) == before


def test_a_row_that_was_renamed_by_hand_stays_that_of_its_schedule(backend: Backend) -> None:
    mine = reports(backend)
    mine.put("a", **HOURLY)
    PeriodicTask.objects.using(backend.alias).filter(name="a").update(name="b")
    with pytest.raises(OwnershipConflict, match="'a'"):
        mine.put("b", **HOURLY)
    assert mine.put("a", **HOURLY)
    assert mine.put("b", **HOURLY)
    assert rows(backend) == ["a", "b"]


def test_a_set_and_a_source_of_files_cannot_have_one_name(backend: Backend, store: Store, tmp_path: Path) -> None:
    reports(backend).put("a", **HOURLY)
    files = directory(tmp_path / "files", b=HOURLY)
    result = sync(files, store, SyncOptions("reports"))
    assert result.outcome is Outcome.BLOCKED
    assert [reason.code for reason in result.plan.blocked] == ["application-set"]
    assert rows(backend) == ["a"]
    assert store.history("reports", 10)[0].outcome == "applied", "the set keeps no record of it"
    assert sync(files, store, SyncOptions("files")).outcome is Outcome.APPLIED
    with pytest.raises(OwnershipConflict) as caught:
        reports(backend, "files").put("c", **HOURLY)
    assert [reason.code for reason in caught.value.blocked] == ["file-source"]
    assert rows(backend) == ["a", "b"]


def test_a_sync_of_files_never_touches_a_set(backend: Backend, store: Store, tmp_path: Path) -> None:
    reports(backend).put("a", **HOURLY)
    sync(directory(tmp_path / "files", b=HOURLY), store, SyncOptions())
    blocked = sync(directory(tmp_path / "again", a=HOURLY, b=HOURLY), store, SyncOptions())
    assert [reason.code for reason in blocked.plan.blocked] == ["owned-elsewhere"]
    assert "the application" in blocked.plan.blocked[0].message


def test_a_suspended_set_is_refused(backend: Backend, store: Store) -> None:
    reports(backend).put("a", **HOURLY)
    now = datetime.now(timezone.utc)
    store.suspend("reports", Suspension("ann", "the move", now), Actor("ann"), now)
    with pytest.raises(ChangeRefused, match="the move"):
        reports(backend).put("b", **HOURLY)
    assert rows(backend) == ["a"]


def test_the_history_names_the_actor(backend: Backend, store: Store) -> None:
    mine = reports(backend)
    mine.put("a", **HOURLY, kwargs={"password": "hunter2"})
    mine.remove("a")
    newest, first = store.history("reports", 10)
    assert (first.actor, first.outcome, first.summary["create"]) == ("ann", "applied", 1)
    assert newest.summary["delete"] == 1
    texts = SyncRecord.objects.using(backend.alias).values_list("changes", flat=True)
    assert "hunter2" not in "".join(texts)


def test_the_operators_pause_stays(backend: Backend) -> None:
    mine = reports(backend)
    mine.put("a", **HOURLY)
    PeriodicTask.objects.using(backend.alias).filter(name="a").update(enabled=False)
    assert mine.put("a", **{**HOURLY, "queue": "slow"})
    assert not row(backend, "a").enabled
    assert mine.put("a", **{**HOURLY, "enabled": True})
    assert row(backend, "a").enabled


def test_a_change_never_fires_by_accident(backend: Backend, store: Store) -> None:
    """A row that ran three hours ago would be due at once with each of these."""
    now = datetime.now(timezone.utc)
    ran = now - timedelta(hours=3)
    mine = reports(backend)
    for arguments in (
        {"interval": "1h"},
        {"crontab": f"{(now - timedelta(minutes=90)).minute} {(now - timedelta(minutes=90)).hour} * * *"},
        {"interval": "1d", "start_time": now - timedelta(days=2)},
    ):
        mine.put("a", task=TASK, interval="1d")
        PeriodicTask.objects.using(backend.alias).filter(name="a").update(last_run_at=ran, total_run_count=1)
        mine.put("a", task=TASK, **arguments)
        mine.remove("new")
        mine.put("new", task=TASK, **arguments)
        written = store.read_rows(["a", "new"])
        assert [name for name in ("a", "new") if is_due(written[name], datetime.now(timezone.utc))] == []


def test_a_shared_schedule_row_is_never_edited(backend: Backend, make_task: MakeTask) -> None:
    mine = reports(backend)
    mine.put("a", task=TASK, crontab="0 8 * * *")
    shared = row(backend, "a").crontab
    make_task("by-hand", crontab=shared)
    mine.put("a", task=TASK, crontab="0 9 * * *")
    mine.remove("a")
    assert row(backend, "by-hand").crontab.hour == "8"


def test_names_that_the_database_takes_for_the_same_are_a_conflict_and_not_to_be_retried(backend: Backend) -> None:
    mine = reports(backend)
    for first, second in (("Night", "night"), ("a \U0001f600", "a \U0001f601")):
        assert mine.put(first, **HOURLY)
        if backend.name == "mariadb":
            with pytest.raises(OwnershipConflict, match="as the same name"):
                mine.put(second, **HOURLY)
        else:
            assert mine.put(second, **HOURLY)
