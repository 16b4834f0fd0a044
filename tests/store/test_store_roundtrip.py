"""Rows are read as they were written, for any value that a spec can hold, on every database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatsync.specfile import jsontext
from beatsync.store import Store
from beatsync.values import Clocked, Crontab, Interval, Schedule, Solar, TaskSpec
from tests.conftest import BACKENDS, Backend, empty
from tests.store.storing import apply, create_all, delete, plan, record, update

# No spec may hold what PostgreSQL's text cannot: NUL and lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
COUNTS = st.none() | st.integers(0, 2**31 - 1)
INSTANTS = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001  the strategy adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(timezone.utc),
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DEGREES = st.integers(-90_000_000, 90_000_000).map(lambda n: Decimal(n).scaleb(-6))
SCHEDULES: st.SearchStrategy[Schedule] = st.one_of(
    # In normal form: 7 of a unit is no whole number of a larger unit.
    st.builds(Interval, st.just(7), st.sampled_from(["days", "hours", "minutes", "seconds", "microseconds"])),
    st.builds(
        Crontab,
        st.integers(0, 59).map(str),
        st.integers(0, 23).map(str),
        st.just("*"),
        st.sampled_from(["*", "1,5"]),
        st.sampled_from(["*", "1-5"]),
        st.sampled_from(["UTC", "Europe/Berlin"]),
    ),
    st.builds(Solar, st.sampled_from(["sunrise", "dusk_nautical"]), DEGREES, DEGREES),
    st.builds(Clocked, INSTANTS),
)


def canonical(value: Any) -> str:
    return jsontext.normalise(json.dumps(value), "")


SPECS = st.builds(
    TaskSpec,
    name=st.just("any"),
    task=TEXT,
    schedule=SCHEDULES,
    args=st.lists(JSON, max_size=3).map(canonical),
    kwargs=st.dictionaries(TEXT, JSON, max_size=3).map(canonical),
    headers=st.dictionaries(TEXT, JSON, max_size=3).map(canonical),
    queue=TEXT.map(lambda text: text or None),
    exchange=TEXT.map(lambda text: text or None),
    routing_key=TEXT.map(lambda text: text or None),
    priority=COUNTS,
    expires=st.none() | INSTANTS,
    expire_seconds=COUNTS,
    one_off=st.booleans(),
    start_time=st.none() | INSTANTS,
    enabled=st.booleans(),
    description=TEXT,
)
QUICKLY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(params=BACKENDS)
def any_store(request: pytest.FixtureRequest, _backends: Callable[[str], Backend]) -> Store:
    return Store(_backends(request.param).alias, project_settings=False)


@QUICKLY
@given(specs=st.lists(SPECS, min_size=2, max_size=6))
def test_created_and_then_updated_to_anything_else(any_store: Store, specs: list[TaskSpec]) -> None:
    """Create the first half of the specs, update each to one of the second half, and delete all."""
    empty(any_store.alias)
    half = len(specs) // 2
    first = {f"task {n}": spec._replace(name=f"task {n}") for n, spec in enumerate(specs[:half])}
    second = {name: specs[half + n]._replace(name=name) for n, name in enumerate(first)}

    rows = create_all(any_store, *first.values()).rows
    assert {name: row.spec for name, row in rows.items()} == first

    changes = [update(rows[name], spec) for name, spec in second.items()]
    records = [record(spec, rows[name].row_id) for name, spec in second.items()]
    seen = apply(any_store, plan(*changes, records=records))
    assert {name: row.spec for name, row in seen.rows.items()} == second
    assert {name: entry.applied for name, entry in seen.inventory.items()} == {
        entry.name: entry.applied for entry in records
    }

    seen = apply(any_store, plan(*map(delete, seen.rows.values())))
    assert (seen.rows, seen.inventory) == ({}, {})
    for kind in ("interval", "crontab", "solar", "clocked"):
        assert _count(any_store, f"django_celery_beat_{kind}schedule") == 0


def _count(store: Store, table: str) -> Any:
    from tests.store.storing import scalar

    return scalar(store, f"SELECT COUNT(*) FROM {table}")


@QUICKLY
@given(instant=INSTANTS, previous=st.none() | INSTANTS)
def test_the_stamp_for_beat_always_grows(any_store: Store, instant: datetime, previous: datetime | None) -> None:
    from django_celery_beat.models import PeriodicTasks

    empty(any_store.alias)
    notices = PeriodicTasks.objects.using(any_store.alias)
    if previous is not None:
        notices.create(ident=1, last_update=previous)
    create_all(any_store, TaskSpec("a", "b", Interval(7, "days")), now=instant)
    stamp = notices.get().last_update
    assert stamp >= instant
    assert previous is None or stamp >= previous + timedelta(microseconds=1)
