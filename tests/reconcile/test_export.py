"""Any row that can be exported is adopted without a change, and any spec is exported in the normal form in which it was synced."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from django.db import connections
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatsync.convert.files import SPLITS, split, texts
from beatsync.convert.rows import Selection
from beatsync.plan.model import Action
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, SyncOptions, plan, sync
from beatsync.store import Store
from beatsync.store.tables import BEAT_TABLES
from beatsync.transfer import export
from beatsync.values import Clocked, Interval
from tests.conftest import Backend, empty
from tests.store.test_store_roundtrip import INSTANTS, JSON, SPECS, TEXT

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
WORDS = st.sampled_from(["billing", "no", "12:30", "Åsa", "a: b", "#1", "1e3", "x" * 30, "", " a"]) | TEXT
SPELLINGS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"indent": 1}, {"ensure_ascii": False}, {"sort_keys": True}]
)
CRONTAB = {
    "minute": st.sampled_from(["0", "*/15", "0,30", "*/60", "5-59/10", "00"]),
    "hour": st.sampled_from(["*", "2", "8-18", "22,23,0"]),
    "day_of_month": st.sampled_from(["*", "1", "*/2", "28-31"]),
    "month_of_year": st.sampled_from(["*", "jan,jul", "1-12/3"]),
    "day_of_week": st.sampled_from(["*", "mon-fri", "0,6", "1-5", "sun", "7"]),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
}
SCHEDULES = st.one_of(
    st.builds(IntervalSchedule, every=st.integers(0, 100_000), period=st.sampled_from(["days", "hours", "minutes", "seconds", "microseconds"])),
    st.builds(CrontabSchedule, **CRONTAB),
    st.builds(SolarSchedule, event=st.sampled_from(["sunset", "solar_noon"]), latitude=st.integers(-60, 60), longitude=st.integers(-180, 180)),
    st.builds(ClockedSchedule, clocked_time=INSTANTS),
)  # fmt: skip


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    """The columns of a row as an application, the admin or a data migration may have written them."""
    spelling = draw(SPELLINGS)
    optional = {
        "args": st.lists(JSON, max_size=2).map(lambda value: json.dumps(value, **spelling)),
        "kwargs": st.dictionaries(TEXT, JSON, max_size=2).map(lambda value: json.dumps(value, **spelling)),
        "headers": st.dictionaries(TEXT, TEXT, max_size=1).map(lambda value: json.dumps(value, **spelling)),
        "queue": WORDS, "exchange": WORDS, "routing_key": WORDS, "description": TEXT,
        "priority": st.integers(0, 300), "expire_seconds": st.integers(0, 200_000), "expires": INSTANTS, "start_time": INSTANTS,
        "one_off": st.booleans(), "enabled": st.booleans(), "total_run_count": st.integers(0, 9), "last_run_at": st.just(LONG_AGO),
    }  # fmt: skip
    return draw(st.fixed_dictionaries({"task": WORDS, "schedule": SCHEDULES}, optional=optional))


QUICKLY = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def insert(alias: str, rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows):
        schedule = row["schedule"]
        schedule.pk = None
        type(schedule).objects.using(alias).bulk_create(
            [schedule], ignore_conflicts=isinstance(schedule, SolarSchedule)
        )
        if schedule.pk is None:
            schedule = SolarSchedule.objects.using(alias).first()
        kind = type(schedule).__name__.removesuffix("Schedule").lower()
        values = {key: value for key, value in row.items() if key != "schedule"}
        PeriodicTask.objects.using(alias).bulk_create(
            [PeriodicTask(name=f"row {number}", **values, **{kind: schedule})]
        )
    PeriodicTask.objects.using(alias).update(date_changed=LONG_AGO)
    PeriodicTasks.objects.using(alias).bulk_create([PeriodicTasks(ident=1, last_update=LONG_AGO)])


def beat_tables(alias: str) -> list[list[Any]]:
    contents = []
    with connections[alias].cursor() as cursor:
        for table in BEAT_TABLES:
            cursor.execute(f"SELECT * FROM {table.name}")
            contents.append(sorted(cursor.fetchall(), key=repr))
    return contents


@QUICKLY
@given(rows=st.lists(columns(), min_size=1, max_size=4), by=st.sampled_from(SPLITS))
def test_any_exported_row_is_adopted_without_a_change(backend: Backend, rows: list[dict[str, Any]], by: str) -> None:
    empty(backend.alias)
    insert(backend.alias, rows)
    store = Store(backend.alias, project_settings=False)
    conversion = export(store, Selection())
    every = {*conversion.names, *(remark.name for remark in (*conversion.left_out, *conversion.refused))}
    assert every == {f"row {number}" for number in range(len(rows))}
    before = beat_tables(backend.alias)
    with tempfile.TemporaryDirectory() as folder:
        for path, text in texts(split(conversion.entries, by)).items():
            (Path(folder) / path).write_text(text, encoding="utf-8", newline="")
        options = SyncOptions(plan=PlanOptions(adopt=True))
        result = plan(Path(folder), store, options)
        assert result.outcome is Outcome.PLANNED, (result.plan.diagnostics, result.plan.blocked)
        assert sorted(change.name for change in result.plan.changes) == conversion.names
        assert not [change for change in result.plan.changes if change.action is not Action.ADOPT or change.fields]
        sync(Path(folder), store, options)
        assert beat_tables(backend.alias) == before
        assert not plan(Path(folder), store, options).plan.does_something


@QUICKLY
@given(specs=st.lists(SPECS, min_size=1, max_size=4))
def test_any_synced_spec_is_exported_in_its_normal_form(backend: Backend, specs: list[Any]) -> None:
    """Text → rows → text: what is exported is declared again by what is exported from its rows."""
    from beatsync.specfile.additions import fault
    from beatsync.specfile.write import Entry, document

    empty(backend.alias)
    future = datetime.now(timezone.utc) + timedelta(days=36_500)
    entries = []
    for number, spec in enumerate(specs):
        schedule = spec.schedule
        is_late = isinstance(schedule, Clocked) and schedule.clocked_time < future
        changed = spec._replace(
            name=f"s{number}",
            schedule=Interval(7, "hours") if is_late else schedule,
            one_off=False,
            expires=None,
            task="t",
        )
        if isinstance(changed.schedule, Clocked):
            changed = changed._replace(one_off=True)
        entry = Entry(changed, enabled=None if changed.enabled else False)
        if fault(entry) is None:
            entries.append(entry)
    text = document(entries)
    store = Store(backend.alias, project_settings=False)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_text(text, encoding="utf-8", newline="")
        result = sync(Path(folder), store, SyncOptions())
        assert result.outcome in {Outcome.APPLIED, Outcome.UNCHANGED, Outcome.BLOCKED}, result.plan.diagnostics
        if result.outcome is Outcome.BLOCKED:  # the character set of a table lacks a character
            assert {blocked.code for blocked in result.plan.blocked} <= {"character-set", "empty", "value-not-kept"}
            return
    exported = export(store, Selection(include_owned=True))
    assert not exported.refused
    assert {entry.spec.name: (entry.spec, entry.policy, entry.enabled) for entry in exported.entries} == {
        entry.spec.name: (entry.spec, entry.policy, entry.enabled) for entry in entries
    }
