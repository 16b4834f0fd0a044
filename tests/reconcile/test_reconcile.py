"""One sync against each real database: it converges, it says what it did, and the second one writes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from beatsync.plan.model import Action
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, plan, sync
from beatsync.specfile.parse import ParseOptions
from beatsync.store import Store, StoreError
from tests.statements import writes

EVERYTHING = """
schedules:
  an-interval: {task: shop.a, interval: 90s, args: [1, "zwei", null], kwargs: {deep: {b: 1, a: [2]}}}
  a-crontab: {task: shop.b, crontab: "*/15 3 * * mon-fri", timezone: Europe/Berlin, queue: slow, priority: 3}
  the-sun: {task: shop.c, solar: {event: sunrise, latitude: 52.52, longitude: 13.405}, headers: {x: y}}
  once: {task: shop.d, clocked: 2099-01-01T00:00:00+01:00, description: "once, ü and 🎉"}
  limited: {task: shop.e, interval: 1d, expires: 2098-01-01T00:00:00Z, start_time: 2097-06-01T12:30:00.123456Z}
  quiet: {task: shop.f, interval: 250ms, expire_seconds: 30m, enabled: false, exchange: ex, routing_key: rk}
"""


def write(root: Path, text: str, name: str = "a.yaml") -> None:
    (root / name).write_text(text, encoding="utf-8")


def go(root: Path, store: Store, **options: Any) -> Result:
    return sync(root, store, SyncOptions(plan=PlanOptions(**options), parse=ParseOptions()))


def columns(store: Store, **where: Any) -> dict[str, Any]:
    return dict(PeriodicTask.objects.using(store.alias).filter(**where).values().get())


def test_every_kind_and_field_is_written_and_then_settled(store: Store, tmp_path: Path) -> None:
    write(tmp_path, EVERYTHING)
    with CaptureQueriesContext(connections[store.alias]) as queries:
        first = go(tmp_path, store)
    assert any("periodictask" in sql for sql in writes(queries))
    assert first.outcome is Outcome.APPLIED
    assert [change.action for change in first.plan.changes] == [Action.CREATE] * 6
    row = columns(store, name="limited")
    assert row["start_time"] == datetime(2097, 6, 1, 12, 30, 0, 123456, tzinfo=timezone.utc)
    assert columns(store, name="once")["one_off"] is True
    assert columns(store, name="once")["description"] == "once, ü and 🎉"
    assert columns(store, name="quiet")["enabled"] is False

    with CaptureQueriesContext(connections[store.alias]) as queries:
        second = go(tmp_path, store)
    assert second.outcome is Outcome.UNCHANGED
    assert second.plan.unchanged == 6
    assert writes(queries) == []
    assert len(queries) <= 12


def test_what_is_not_ours_is_never_touched(store: Store, tmp_path: Path) -> None:
    hourly = IntervalSchedule.objects.using(store.alias).create(every=1, period="hours")
    nightly = CrontabSchedule.objects.using(store.alias).create(hour="4", minute="0", timezone="UTC")
    for name, schedule in {"by-hand": {"interval": hourly}, "celery.backend_cleanup": {"crontab": nightly}}.items():
        PeriodicTask.objects.using(store.alias).create(name=name, task=name, **schedule)
    before = {name: columns(store, name=name) for name in ("by-hand", "celery.backend_cleanup")}
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n  two: {task: t, crontab: '0 4 * * *'}\n")
    go(tmp_path, store)
    assert columns(store, name="one")["interval_id"] == hourly.pk
    write(tmp_path, "schedules:\n  two: {task: t, crontab: '0 4 * * *'}\n")
    gone = go(tmp_path, store)
    assert [(change.action, change.name) for change in gone.plan.changes] == [(Action.DELETE, "one")]
    names = set(PeriodicTask.objects.using(store.alias).values_list("name", flat=True))
    assert names == {"by-hand", "celery.backend_cleanup", "two"}
    assert {name: columns(store, name=name) for name in before} == before


def test_drift_is_healed_and_the_run_history_is_kept(store: Store, tmp_path: Path) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h, queue: q}\n")
    go(tmp_path, store)
    ran = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=5)
    PeriodicTask.objects.using(store.alias).update(queue="other", last_run_at=ran, total_run_count=7)
    before = columns(store)
    healed = go(tmp_path, store)
    assert [(f.field, f.cause.value) for change in healed.plan.changes for f in change.fields] == [("queue", "drift")]
    after = columns(store)
    assert after == {**before, "queue": "q"}


def test_an_invalid_file_writes_nothing(store: Store, tmp_path: Path) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    go(tmp_path, store)
    write(tmp_path, "schedules:\n  two: {task: t, interval: never}\n", "b.yaml")
    with CaptureQueriesContext(connections[store.alias]) as queries:
        result = go(tmp_path, store)
    assert result.outcome is Outcome.INVALID
    assert writes(queries) == []


def test_isolate_syncs_the_valid_and_freezes_the_rest(store: Store, tmp_path: Path) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    write(tmp_path, "schedules:\n  two: {task: t, interval: 1h}\n", "b.yaml")
    go(tmp_path, store)
    write(tmp_path, "schedules:\n  one: {task: t, interval: 2h}\n")
    write(tmp_path, "schedules: [", "b.yaml")
    result = go(tmp_path, store, isolate=True)
    assert result.outcome is Outcome.APPLIED
    assert [change.name for change in result.plan.changes] == ["one"]
    assert columns(store, name="two")["enabled"] is True


def test_an_empty_directory_never_prunes(store: Store, tmp_path: Path) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    go(tmp_path, store)
    (tmp_path / "a.yaml").unlink()
    assert go(tmp_path, store).outcome is Outcome.BLOCKED
    assert go(tmp_path, store, allow_empty=True).outcome is Outcome.APPLIED
    assert not PeriodicTask.objects.using(store.alias).exists()


def test_a_sync_that_is_right_again_says_so_though_no_row_changes(store: Store, tmp_path: Path) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    go(tmp_path, store)
    (tmp_path / "a.yaml").rename(tmp_path / "a.txt")
    assert go(tmp_path, store).outcome is Outcome.BLOCKED
    assert [state.outcome for state in store.sources()] == ["blocked"]
    (tmp_path / "a.txt").rename(tmp_path / "a.yaml")
    assert go(tmp_path, store).outcome is Outcome.UNCHANGED
    assert [(state.outcome, state.message) for state in store.sources()] == [("applied", "")]
    with CaptureQueriesContext(connections[store.alias]) as queries:
        assert go(tmp_path, store).outcome is Outcome.UNCHANGED
    assert writes(queries) == []


def test_what_a_driver_says_of_a_row_is_not_passed_on(store: Store, tmp_path: Path) -> None:
    """PostgreSQL adds the whole row that it refuses, arguments included, to its message."""
    vendor = connections[store.alias].vendor
    table = "django_celery_beat_periodictask"
    with connections[store.alias].cursor() as cursor:
        if vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'not in this house'); END"
            )
        else:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (task <> 't.refused')")
    write(tmp_path, "schedules:\n  one: {task: t.refused, interval: 1h, kwargs: {token: s3cr3t}, args: [s3cr3t]}\n")
    try:
        with pytest.raises(StoreError, match=r"refuse|not in this house") as raised:
            go(tmp_path, store)
    finally:
        with connections[store.alias].cursor() as cursor:
            cursor.execute(
                "DROP TRIGGER refuse" if vendor == "sqlite" else f"ALTER TABLE {table} DROP CONSTRAINT refuse"
            )
    assert "s3cr3t" not in str(raised.value)


def test_a_saved_plan_that_no_longer_holds_is_refused(store: Store, tmp_path: Path) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    options = SyncOptions()
    reviewed = plan(tmp_path, store, options)
    write(tmp_path, "schedules:\n  one: {task: t, interval: 2h}\n")
    approved = SyncOptions(plan=PlanOptions(approved=reviewed.plan.checksum))
    refused = sync(tmp_path, store, approved)
    assert refused.outcome is Outcome.BLOCKED
    assert [reason.code for reason in refused.plan.blocked] == ["plan-stale"]
    assert not PeriodicTask.objects.using(store.alias).exists()
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    assert sync(tmp_path, store, approved).outcome is Outcome.APPLIED


def test_beat_is_told_once_and_always_later(store: Store, tmp_path: Path) -> None:
    ahead = datetime.now(timezone.utc).replace(microsecond=5) + timedelta(hours=1)
    PeriodicTasks.objects.using(store.alias).update_or_create(ident=1, defaults={"last_update": ahead})
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    with CaptureQueriesContext(connections[store.alias]) as queries:
        go(tmp_path, store)
    stamp = PeriodicTasks.objects.using(store.alias).get(ident=1).last_update
    assert stamp > ahead
    notices = [sql for sql in writes(queries) if "periodictasks" in sql]
    assert len(notices) == 1


@pytest.mark.parametrize("missing", ["row", "rename"])
def test_a_row_that_somebody_took_comes_back(store: Store, tmp_path: Path, missing: str) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    go(tmp_path, store)
    rows = PeriodicTask.objects.using(store.alias)
    key = rows.get().pk
    if missing == "row":
        rows.filter(pk=key).delete()
    else:
        rows.filter(pk=key).update(name="mine")
    assert go(tmp_path, store).outcome is Outcome.APPLIED
    assert rows.get().name == "one"
    assert (rows.get().pk == key) is (missing == "rename")
    assert go(tmp_path, store).outcome is Outcome.UNCHANGED


def test_renaming_keeps_the_row(store: Store, tmp_path: Path) -> None:
    write(tmp_path, "schedules:\n  one: {task: t, interval: 1h}\n")
    go(tmp_path, store)
    PeriodicTask.objects.using(store.alias).update(total_run_count=9)
    key = PeriodicTask.objects.using(store.alias).get().pk
    write(tmp_path, "schedules:\n  uno: {task: t, interval: 1h, sync: {renamed_from: one}}\n")
    go(tmp_path, store)
    row = PeriodicTask.objects.using(store.alias).get()
    assert (row.pk, row.name, row.total_run_count) == (key, "uno", 9)
    assert go(tmp_path, store).outcome is Outcome.UNCHANGED
