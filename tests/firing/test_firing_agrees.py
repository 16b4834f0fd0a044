"""`beatsync.plan.firing` agrees with django-celery-beat for any row at any time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest
from celery import Celery
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from django_celery_beat.schedulers import ModelEntry
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beatsync.plan.firing import is_due
from beatsync.plan.observed import Row
from beatsync.values import Clocked, Crontab, Interval, Schedule, Solar, TaskSpec
from tests.firing import beats

BEAT = tuple(map(int, version("django-celery-beat").split(".")[:2]))
CELERY = tuple(map(int, version("celery").split(".")[:2]))

# Near the clock changes in Europe and America, and anywhere within two years.
edges = [datetime(2026, *rest, tzinfo=timezone.utc) for rest in ((3, 29, 1), (10, 25, 1), (3, 8, 7), (11, 1, 6))]
near = st.builds(
    lambda edge, seconds: edge + timedelta(seconds=seconds),
    st.sampled_from(edges),
    st.integers(-90_000, 90_000),
)
instants = st.one_of(
    near,
    st.integers(0, 2 * 365 * 86_400).map(lambda n: datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=n)),
)
ago = st.one_of(
    st.integers(0, 100).map(lambda n: timedelta(seconds=n)),
    st.integers(0, 60 * 24 * 3).map(lambda n: timedelta(minutes=n)),
    st.integers(0, 400).map(lambda n: timedelta(days=n)),
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham"])
schedules: st.SearchStrategy[Schedule] = st.one_of(
    st.builds(
        Interval,
        st.integers(1, 90),
        st.sampled_from(["days", "hours", "minutes", "seconds", "microseconds"]),
    ),
    st.builds(
        Crontab,
        minute=st.sampled_from(["*", "0", "30", "*/15", "0,59"]),
        hour=st.sampled_from(["*", "0", "2", "3", "1-3", "*/6", "23"]),
        day_of_month=st.sampled_from(["*", "*", "1", "29", "31", "*/2"]),
        month_of_year=st.sampled_from(["*", "*", "3,10", "1"]),
        day_of_week=st.sampled_from(["*", "*", "0", "1-5", "6"]),
        timezone=zones,
    ),
    st.builds(Clocked, instants),
    st.builds(
        Solar,
        st.sampled_from(["sunrise", "sunset", "solar_noon"]),
        st.sampled_from([Decimal("52.52"), Decimal("-33.9"), Decimal(0)]),
        st.sampled_from([Decimal("13.405"), Decimal("151.2")]),
    ),
)


@st.composite
def rows(draw: st.DrawFn) -> tuple[Row, datetime]:
    now = draw(instants)
    maybe = st.one_of(st.none(), ago.map(lambda delta: now - delta))
    around = st.one_of(st.none(), st.none(), ago.map(lambda d: now - d), ago.map(lambda d: now + d), st.just(now))
    spec = TaskSpec(
        name="one",
        task="t",
        schedule=draw(schedules),
        enabled=draw(st.sampled_from([True, True, True, False])),
        one_off=draw(st.sampled_from([False, False, True])),
        start_time=draw(around),
        expires=draw(around),
    )
    row = Row(
        row_id=1,
        spec=spec,
        last_run_at=draw(maybe),
        total_run_count=draw(st.sampled_from([0, 0, 3])),
        date_changed=now - draw(ago),
    )
    return row, now


def model_of(row: Row) -> PeriodicTask:
    """Return the row as a model instance, without a database."""
    spec, schedule = row.spec, row.spec.schedule
    kinds: dict[type, Any] = {
        Interval: IntervalSchedule, Crontab: CrontabSchedule, Solar: SolarSchedule, Clocked: ClockedSchedule,
    }  # fmt: skip
    assert schedule is not None
    values = schedule._asdict()
    schedule_row = kinds[type(schedule)](**values)
    return PeriodicTask(
        id=1, name=spec.name, task=spec.task, enabled=spec.enabled, one_off=spec.one_off,
        start_time=spec.start_time, expires=spec.expires, last_run_at=row.last_run_at,
        total_run_count=row.total_run_count, date_changed=row.date_changed, **{schedule.kind: schedule_row},
    )  # fmt: skip


@pytest.fixture(scope="module", params=["UTC", "Europe/Berlin"])
def app(request: pytest.FixtureRequest) -> Iterator[Celery]:
    with beats.application(request.param) as app:
        yield app


def expectable(row: Row, app: Celery) -> bool:
    """Return whether the installed releases of beat and celery behave like the newest ones for this row."""
    never_ran = row.last_run_at is None and not isinstance(row.spec.schedule, Clocked)
    if BEAT < (2, 8) and (never_ran or row.spec.expires is not None):
        return False  # counts a row that never ran from the last reload, and ignores `expires`
    # Older releases of celery counted intervals in local time across a clock change.
    return not (CELERY < (5, 7) and isinstance(row.spec.schedule, Interval) and str(app.timezone) != "UTC")


# In a repeated hour, celery computes the next minute within the first pass, which is over.
AGAIN = datetime(2026, 11, 1, 6, tzinfo=timezone.utc)
EVERY_MINUTE = TaskSpec(name="one", task="t", schedule=Crontab("*", "*", "*", "*", "*", "America/New_York"))


@settings(max_examples=400, deadline=None)
@example(case=(Row(row_id=1, spec=EVERY_MINUTE, date_changed=AGAIN), AGAIN))
@given(case=rows())
def test_any_row_at_any_time(case: tuple[Row, datetime], app: Celery) -> None:
    row, now = case
    if not expectable(row, app):
        return
    entry_class: Any = type("Quiet", (ModelEntry,), {"_disable": lambda _, model: setattr(model, "enabled", False)})
    model = model_of(row)
    model.save = lambda *_, **__: None
    with beats.clock(now):
        expected = bool(entry_class(model, app=app).is_due().is_due)
    assert is_due(row, now) is expected
