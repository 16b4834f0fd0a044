"""Temporary tasks: they run once, can be moved, and their rows go after a while."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import time_machine
from django_celery_beat.models import ClockedSchedule, PeriodicTask

from beatsync.plan.firing import is_due
from beatsync.reconcile import SyncOptions, sync
from beatsync.store import Store
from tests.conftest import Backend
from tests.dynamic.declaring import HOURLY, TASK, directory, reports, row, rows, statements
from tests.statements import writes

START = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


def as_beat_leaves_it(backend: Backend, name: str) -> None:
    """Do what stock beat does with a one-off that ran."""
    PeriodicTask.objects.using(backend.alias).filter(name=name).update(
        enabled=False, last_run_at=None, total_run_count=0, date_changed=datetime.now(timezone.utc)
    )


def test_once_again_moves_the_time_and_the_same_time_writes_nothing(backend: Backend, store: Store) -> None:
    mine = reports(backend)
    with time_machine.travel(START, tick=False):
        assert mine.once("a", task=TASK, after=timedelta(hours=2), args=[1])
        assert mine.once("a", task=TASK, after="3h", args=[1])
        with statements(backend) as captured:
            assert not mine.once("a", task=TASK, at=START + timedelta(hours=3), args=[1])
        assert [sql for sql in writes(captured) if "WHERE 1 = 0" not in sql] == []
        task = row(backend, "a")
        assert (task.clocked.clocked_time, task.one_off, task.enabled) == (START + timedelta(hours=3), True, True)
        assert not is_due(store.read_rows(["a"])["a"], START)
        assert ClockedSchedule.objects.using(backend.alias).count() == 1


def test_one_that_ran_runs_again_at_a_new_time(backend: Backend) -> None:
    mine = reports(backend)
    with time_machine.travel(START, tick=False) as clock:
        mine.once("a", task=TASK, after="1h")
        clock.move_to(START + timedelta(hours=2))
        as_beat_leaves_it(backend, "a")
        assert not mine.once("a", task=TASK, at=START + timedelta(hours=1))
        assert not row(backend, "a").enabled
        assert mine.once("a", task=TASK, after="1h")
        assert row(backend, "a").enabled


@pytest.mark.parametrize("by", ["the next write", "a sync"])
def test_a_finished_row_goes_when_it_is_no_longer_kept(by: str, backend: Backend, store: Store, tmp_path: Path) -> None:
    mine = reports(backend)
    files = directory(tmp_path / "files", f=HOURLY)

    def anything() -> None:
        if by == "a sync":
            sync(files, store, SyncOptions())
        else:
            mine.put("other", **{**HOURLY, "args": [datetime.now(timezone.utc).isoformat()]})

    with time_machine.travel(START, tick=False) as clock:
        mine.once("ran", task=TASK, after="1h", keep_for=timedelta(days=2))
        mine.once("expired", task=TASK, after="1h", expires=START + timedelta(days=1), keep_for=timedelta(days=2))
        mine.once("late", task=TASK, after="1h", keep_for=timedelta(days=2))
        mine.once("repeated", task=TASK, after="1h", keep_for=timedelta(days=2))
        mine.put("repeated", **HOURLY)
        clock.move_to(START + timedelta(hours=2))
        as_beat_leaves_it(backend, "ran")
        present = []
        for days in (1.5, 2.2, 3.2):
            clock.move_to(START + timedelta(days=days))
            anything()
            present.append([name for name in rows(backend) if name not in {"f", "other"}])
    everything = ["expired", "late", "ran", "repeated"]
    # Beat was down for the one that is late: it runs it, whenever it starts again.
    assert present == [everything, ["expired", "late", "repeated"], ["late", "repeated"]]
    assert store.history("reports", 1)[0].summary["delete"] == 1 or by == "the next write"
