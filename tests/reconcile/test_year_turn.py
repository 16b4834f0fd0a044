"""Years end under a daemon, under a weekly CI job and under neither: the rows are right on every day up to the horizon."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
import time_machine
from django_celery_beat.models import CrontabSchedule

from beatsync.reconcile import Outcome, SyncOptions, plan, sync
from beatsync.store import Store
from beatsync.values import Crontab
from tests.daemon.test_daemon_loop import run_loop
from tests.processes import until
from tests.specfile.everyspecs import matches

holidays = pytest.importorskip("holidays")
MONDAY = date(2026, 11, 30)
YEAR = timedelta(days=365)
SPEC = """
calendars: {closed: {country: DE, subdivision: BE}}
windows: {office: {days: mon-fri, from: "08:00", to: "18:00", except: closed}}
schedules: {prices: {task: t, every: {office: 30m, otherwise: 6h}, timezone: Europe/Berlin}}
"""
pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def at(day: date) -> datetime:
    return datetime.combine(day, time(3, 0, 30), timezone.utc)


def wrong_days(store: Store, first: date, end: date) -> list[date]:
    """Return the days from `first` to before `end` on which the rows run at other times than the file says."""
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    crontabs = CrontabSchedule.objects.using(store.alias).filter(periodictask__isnull=False)
    rows = [matches(Crontab(**row, timezone="UTC")) for row in crontabs.values(*fields)]
    closed = holidays.country_holidays("DE", subdiv="BE", years=range(first.year, end.year + 1))
    return [
        day
        for day in (first + timedelta(days=number) for number in range((end - first).days))
        if _times(rows, day) != _declared_times(is_open=day.weekday() < 5 and day not in closed)
    ]


def _times(rows: list[dict[str, set[int]]], day: date) -> list[tuple[int, int]]:
    return sorted(
        (hour, minute)
        for row in rows
        if day.day in row["day_of_month"]
        and day.month in row["month_of_year"]
        and day.isoweekday() % 7 in row["day_of_week"]
        for hour in row["hour"]
        for minute in row["minute"]
    )


def _declared_times(*, is_open: bool) -> list[tuple[int, int]]:
    often = [(hour, minute) for hour in range(8, 18) for minute in (0, 30)] if is_open else []
    rarely = [(hour, 0) for hour in (0, 6, 12, 18) if not (is_open and 8 <= hour < 18)]
    return sorted(often + rarely)


def test_a_weekly_sync_leaves_no_wrong_day(store: Store, folder: Path) -> None:
    for day in (MONDAY + timedelta(weeks=number) for number in range(60)):
        result = sync(folder, store, SyncOptions(), partial(at, day))
        assert result.outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
        assert not result.plan.diagnostics
        assert wrong_days(store, day, day + timedelta(weeks=1)) == []


def test_a_single_sync_is_right_up_to_the_horizon_and_a_plan_warns_45_days_before(store: Store, folder: Path) -> None:
    horizon = date(2027, 12, 31)
    assert sync(folder, store, SyncOptions(), partial(at, MONDAY)).outcome is Outcome.APPLIED
    assert wrong_days(store, MONDAY, horizon + timedelta(days=1)) == []
    for days, codes in ((46, []), (45, ["calendar-horizon"])):
        planned = plan(folder, store, SyncOptions(), partial(at, horizon - timedelta(days=days))).plan
        assert [diagnostic.code for diagnostic in planned.diagnostics] == codes
    assert wrong_days(store, horizon, horizon + YEAR), "the rows would be right without a second sync"


def test_a_daemon_compiles_the_new_year_by_itself(store: Store, folder: Path) -> None:
    with time_machine.travel(at(date(2026, 12, 31))) as clock, run_loop(store, folder, resync=0.1, watch=False):
        until(lambda: wrong_days(store, MONDAY, MONDAY + YEAR) == [])
        clock.move_to(at(date(2027, 1, 1)))
        until(lambda: wrong_days(store, date(2027, 1, 1), date(2029, 1, 1)) == [])
