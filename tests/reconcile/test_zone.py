"""The zone where no spec names one: remembered with the source, and reported before it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.reconcile import Outcome, Result, Run, SyncOptions, plan, reconcile, sync
from beatsync.source import load
from beatsync.specfile.parse import ParseOptions
from beatsync.store import Store

SPEC = """schedules:
  local: {task: t, crontab: "30 2 * * *"}
  once: {task: t, clocked: "2099-01-05T03:00:00"}
  named: {task: t, crontab: "0 4 * * *", timezone: Asia/Tokyo}
  every-minute: {task: t, interval: 1m}
"""
BERLIN = SyncOptions(parse=ParseOptions(timezone="Europe/Berlin"))
UTC = SyncOptions(parse=ParseOptions(timezone="UTC"))
UNKNOWN = SyncOptions(parse=ParseOptions(is_zone_assumed=True))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(SPEC)
    return tmp_path


def zone_of(store: Store) -> str:
    crontab = PeriodicTask.objects.using(store.alias).get(name="local").crontab
    assert crontab is not None
    return str(crontab.timezone)


def warnings(result: Result) -> list[str]:
    return [each.message for each in result.plan.diagnostics if each.code == "zone-changed"]


def test_a_sync_without_a_zone_uses_that_of_the_last_one(store: Store, files: Path) -> None:
    sync(files, store, BERLIN)
    result = sync(files, store, UNKNOWN)
    assert (result.outcome, result.plan.diagnostics, zone_of(store)) == (Outcome.UNCHANGED, (), "Europe/Berlin")
    assert result.plan.timezone == "Europe/Berlin"


def test_the_first_sync_without_a_zone_uses_utc_and_remembers_it(store: Store, files: Path) -> None:
    sync(files, store, UNKNOWN)
    assert (zone_of(store), store.source_record("default").stamp.timezone) == ("UTC", "UTC")


def test_a_sync_that_changes_the_zone_reports_how_many_schedules_move(store: Store, files: Path) -> None:
    sync(files, store, BERLIN)
    expected = ["the time zone of schedules that name none changes from Europe/Berlin to UTC; it moves 2 schedules"]
    assert warnings(plan(files, store, UTC)) == expected
    assert warnings(sync(files, store, UTC)) == expected
    assert zone_of(store) == "UTC"
    assert warnings(plan(files, store, UNKNOWN)) == []


def test_a_zone_that_moves_nothing_is_remembered_too(store: Store, files: Path) -> None:
    (files / "a.yaml").write_text("schedules:\n  every-minute: {task: t, interval: 1m}\n")
    sync(files, store, BERLIN)
    (message,) = warnings(sync(files, store, UTC))
    assert message.endswith("it moves 0 schedules")
    assert warnings(sync(files, store, UTC)) == []


def test_a_daemon_without_a_zone_follows_the_sync_of_another_process(store: Store, files: Path) -> None:
    run = Run(lambda: load(files), store, UNKNOWN)
    memory = reconcile(run).memory
    sync(files, store, BERLIN)
    result = reconcile(run, memory=memory)
    assert (result.outcome, zone_of(store)) == (Outcome.UNCHANGED, "Europe/Berlin")
