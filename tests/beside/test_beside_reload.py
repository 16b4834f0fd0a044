"""The thin scheduler loads in linear time if every schedule has its own crontab row (docs/facts.md, 24)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from django.db import DatabaseError, connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler as Stock

from beatsync.schedulers import DatabaseScheduler as Thin
from tests.conftest import Backend
from tests.firing.beats import application, routed_to

ZONES = ("UTC", "Europe/Berlin", "America/New_York")


@pytest.fixture
def app() -> Iterator[Celery]:
    with application() as celery_app:
        yield celery_app


def distinct(alias: str, number: int, hour: str | None = None) -> None:
    """Create tasks that each have their own crontab row, with `hour` or with varying hours."""
    crontabs = [
        CrontabSchedule(
            minute=str(n % 60),
            hour=hour or str(n // 60 % 24),
            day_of_month=str(1 + n // (60 if hour else 1440) % 28),
            timezone=ZONES[n % len(ZONES)],
        )
        for n in range(number)
    ]
    created = CrontabSchedule.objects.using(alias).bulk_create(crontabs, batch_size=1000)
    tasks = [PeriodicTask(name=f"task-{n}", task="t", crontab=crontab) for n, crontab in enumerate(created)]
    PeriodicTask.objects.using(alias).bulk_create(tasks, batch_size=1000)


def load(scheduler: type[Any], app: Celery) -> tuple[set[str], float]:
    instance = scheduler(app=app, lazy=True)
    started = time.perf_counter()
    entries = instance.all_as_schedule()
    return set(entries), time.perf_counter() - started


def test_the_query_does_not_grow_with_the_number_of_crontabs(backend: Backend, app: Celery) -> None:
    branches = []
    with routed_to(backend.alias):
        for number in (20, 200):
            PeriodicTask.objects.using(backend.alias).all().delete()
            CrontabSchedule.objects.using(backend.alias).all().delete()
            distinct(backend.alias, number)
            with CaptureQueriesContext(connections[backend.alias]) as queries:
                thin, _ = load(Thin, app)
            branches.append(max(query["sql"].count(" WHEN ") for query in queries))
            assert thin == load(Stock, app)[0]
    # One branch for each zone; none before django-celery-beat 2.8.
    assert branches in ([len(ZONES)] * 2, [0, 0])


def test_many_crontabs_are_loaded_on_each_database(backend: Backend, app: Celery) -> None:
    """Django 5.2 turns stock beat's prefetching into a query that SQLite refuses from 1,000 crontabs on."""
    distinct(backend.alias, 1_500, "*")
    with routed_to(backend.alias), CaptureQueriesContext(connections[backend.alias]) as queries:
        entries, _ = load(Thin, app)
    assert len(entries) == 1_500
    assert len(queries) <= 5


@pytest.mark.slow
def test_ten_thousand_distinct_crontabs_are_loaded_in_seconds(
    backend: Backend, app: Celery, record_property: Any
) -> None:
    if backend.name != "postgresql":
        pytest.skip("measured on PostgreSQL only; SQLite's parser refuses stock beat's query (docs/facts.md, 24)")
    distinct(backend.alias, 10_000)
    with routed_to(backend.alias):
        entries, seconds = load(Thin, app)
        with connections[backend.alias].cursor() as cursor:
            # Otherwise the server would continue the query after the client gave up.
            cursor.execute("SET statement_timeout = '60s'")
        try:
            stock = f"{load(Stock, app)[1]:.1f} s"
        except DatabaseError:
            stock = "no answer in 60 s"
    figures = {"thin": f"{seconds:.2f} s", "stock": stock, "entries": len(entries)}
    record_property("figures", figures)
    print(figures)
    assert entries
    assert seconds < 5
