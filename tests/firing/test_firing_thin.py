"""What the thin scheduler's entry writes to a row that was changed or deleted since beat read it, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from celery import Celery
from celery.schedules import solar
from django_celery_beat.models import PeriodicTask, PeriodicTasks
from django_celery_beat.models import SolarSchedule as SolarRow

from beatsync.schedulers import DatabaseScheduler, ModelEntry, SolarSchedule
from tests.conftest import Backend, MakeTask
from tests.firing.beats import application, clock, routed_to

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


def old_remaining_estimate(schedule: solar, last_run_at: datetime) -> timedelta:
    """Return the time to the next event as celery before 5.7 does, which raises TypeError if there is none on this day."""
    import ephem

    try:
        following = schedule.cal.next_rising(ephem.Sun(), start=last_run_at)
    except ephem.CircumpolarError:
        following = schedule.cal.next_antitransit(ephem.Sun()) + timedelta(minutes=1)
    time: datetime = following.datetime().replace(tzinfo=timezone.utc)
    remaining: timedelta = time - schedule.now()
    return remaining


TROMSO = {"event": "sunrise", "latitude": Decimal("69.65"), "longitude": Decimal("18.96")}


@pytest.mark.parametrize("is_old", [False, True])
def test_a_solar_event_that_does_not_occur_waits_for_the_next_one_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_old: bool
) -> None:
    if is_old:
        monkeypatch.setattr(solar, "remaining_estimate", old_remaining_estimate)
    midsummer = datetime(2026, 6, 21, 12, tzinfo=timezone.utc)
    row = PeriodicTask(name="one", task="t", solar=SolarRow(**TROMSO), last_run_at=midsummer, date_changed=midsummer)
    with application() as app:
        with clock(midsummer):
            entry = ModelEntry(row, app=app)
            states = [entry.is_due() for _ in range(3)]
        assert {state.is_due for state in states} == {False}
        # The sun sets again at the end of July.
        assert 30 < states[0].next / 86_400 < 40
        if is_old:
            assert [message.partition(":")[0] for message in caplog.messages] == [
                "sunrise at latitude 69.65 does not occur on each day"
            ]
        with clock(midsummer + timedelta(days=42)):
            assert ModelEntry(row, app=app).is_due().is_due


def test_a_solar_event_that_never_occurs_ends_no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solar, "remaining_estimate", old_remaining_estimate)
    with application() as app, clock(LONG_AGO):
        schedule = SolarSchedule("sunrise", 90, 0, nowfun=lambda: datetime.now(timezone.utc), app=app)
        assert schedule.is_due(LONG_AGO) == (False, 366 * 86_400)
