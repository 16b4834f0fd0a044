"""What the thin scheduler's entry writes to a row that was changed or deleted since beat read it, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from celery import Celery
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from beatsync.schedulers import DatabaseScheduler, ModelEntry
from tests.conftest import Backend, MakeTask
from tests.firing.beats import application, routed_to

LONG_AGO = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def app(backend: Backend) -> Iterator[Celery]:
    with application() as app, routed_to(backend.alias):
        yield app


def rows(backend: Backend) -> Any:
    return PeriodicTask.objects.using(backend.alias).filter(name="one")


def test_a_run_is_recorded_and_changes_of_others_are_kept(backend: Backend, app: Celery, make_task: MakeTask) -> None:
    ran = next(ModelEntry(make_task("one", queue="a", last_run_at=LONG_AGO, total_run_count=6), app=app))
    changed = {"queue": "b", "args": "[1]", "description": "by hand", "enabled": False, "priority": 3}
    rows(backend).update(**changed)
    ran.save()
    assert rows(backend).values(*changed).get() == changed
    assert rows(backend).get().total_run_count == 7
    assert rows(backend).get().last_run_at > LONG_AGO
    later = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
    rows(backend).update(last_run_at=later)
    ran.save()
    assert rows(backend).get().last_run_at == later


@pytest.mark.parametrize("one_off", [False, True])
def test_a_deleted_row_is_not_inserted_again(backend: Backend, app: Celery, make_task: MakeTask, one_off: bool) -> None:
    ran = next(ModelEntry(make_task("one", last_run_at=LONG_AGO, one_off=one_off), app=app))
    rows(backend).delete()
    ran.save()
    ran.is_due()
    assert not rows(backend).exists()


@pytest.mark.parametrize("repaired", [False, True])
def test_a_row_that_cannot_run_is_disabled_unless_it_was_repaired(
    backend: Backend, app: Celery, make_task: MakeTask, repaired: bool
) -> None:
    read = make_task("one", args="{oops", last_run_at=LONG_AGO)
    if repaired:
        rows(backend).update(args="[1]")
    ModelEntry(read, app=app)
    assert rows(backend).get().enabled is repaired
    assert rows(backend).get().last_run_at == (LONG_AGO if repaired else None)


@pytest.mark.parametrize("meanwhile", [True, False])
def test_a_finished_one_off_is_disabled_unless_it_is_recurring_now(
    backend: Backend, app: Celery, make_task: MakeTask, meanwhile: bool
) -> None:
    ran = ModelEntry(make_task("one", one_off=True, last_run_at=LONG_AGO, total_run_count=1), app=app)
    rows(backend).update(one_off=meanwhile)
    assert not ran.is_due().is_due
    ran.save()
    row = rows(backend).get()
    assert (row.enabled, row.last_run_at) == ((False, None) if meanwhile else (True, LONG_AGO))


def test_a_tick_does_not_compare_entries_and_a_reload_takes_effect(
    backend: Backend, app: Celery, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compared(*_: object) -> bool:
        raise AssertionError("compared with another entry")

    monkeypatch.setattr(ModelEntry, "__eq__", compared)
    monkeypatch.setattr(ModelEntry, "__ne__", compared)
    notice = PeriodicTasks.objects.using(backend.alias)
    notice.update_or_create(ident=1, defaults={"last_update": LONG_AGO})
    sent: list[str] = []
    beat = DatabaseScheduler(app=app, lazy=True)
    monkeypatch.setattr(beat, "apply_entry", lambda entry, **_: sent.append(entry.name))
    make_task("one", last_run_at=LONG_AGO)
    beat.tick()
    beat.tick()
    assert sent == ["one"]
    make_task("two", last_run_at=LONG_AGO)
    notice.filter(ident=1).update(last_update=datetime.now(timezone.utc))
    beat.tick()
    beat.tick()
    assert sent == ["one", "two"]
