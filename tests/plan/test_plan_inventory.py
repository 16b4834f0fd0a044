"""What the inventory records is derived from `TaskSpec.fields`, whatever fields there are."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.plan.inventory import applied_fields, applied_text, record_if_changed
from beatsync.values import Clocked, Crontab, Interval, Policy, Schedule, Solar, TaskSpec
from tests.builders import declared, owned, row

text = st.text(max_size=8)
optional_text = st.none() | text.filter(bool)
times = st.datetimes(timezones=st.just(timezone.utc))
schedules: st.SearchStrategy[Schedule] = st.one_of(
    st.builds(Interval, st.integers(1, 99), st.sampled_from(["days", "seconds"])),
    st.builds(Crontab, *[text] * 6),
    st.builds(Solar, text, st.decimals(-90, 90, places=6), st.decimals(-90, 90, places=6)),
    st.builds(Clocked, times),
)
fields = st.fixed_dictionaries(
    {"schedule": schedules, "task": text},
    optional={
        "args": text, "kwargs": text, "headers": text, "queue": optional_text, "exchange": optional_text,
        "routing_key": optional_text, "priority": st.none() | st.integers(0, 255), "expires": st.none() | times,
        "expire_seconds": st.none() | st.integers(0, 2**31), "one_off": st.booleans(), "start_time": st.none() | times,
        "enabled": st.booleans(), "description": text,
    },
)  # fmt: skip


@given(name=text, values=fields)
def test_every_field_is_recorded(name: str, values: dict[str, Any]) -> None:
    schedule = declared(name, **values)
    expected = schedule.spec.fields()
    if not schedule.enabled_declared:
        expected["enabled"] = None
    assert applied_fields(applied_text(schedule)) == expected


def test_defaults_are_left_out() -> None:
    assert applied_text(declared()) == '{"name":"nightly","task":"shop.tasks.bill","interval":"1h"}'


@pytest.mark.parametrize("field", TaskSpec._fields[3:])
def test_each_field_changes_the_text(field: str) -> None:
    values: dict[str, Any] = {"priority": 1, "expire_seconds": 1, "one_off": True, "enabled": False}
    value: Any = values.get(
        field, datetime(2030, 1, 1, tzinfo=timezone.utc) if "time" in field or field == "expires" else "x"
    )
    assert applied_text(declared("nightly", **{field: value})) != applied_text(declared())


@pytest.mark.parametrize(
    "damaged", ["", "{", "[1]", '"words"', '{"queue": {}}', '{"queue": ["a"]}', '{"queue": "\\ud800"}']
)
def test_a_damaged_text_has_no_fields(damaged: str) -> None:
    assert applied_fields(damaged) is None


def test_an_entry_with_the_keys_in_another_order_is_not_written_again() -> None:
    schedule = declared(description="words", exchange="e", enabled=True)
    values = json.loads(applied_text(schedule))
    earlier = owned(schedule, applied=json.dumps(dict(reversed(values.items()))))
    assert record_if_changed(schedule, earlier, row(schedule)) is None
    changed = owned(schedule, applied=json.dumps({**values, "description": "other"}))
    assert record_if_changed(schedule, changed, row(schedule)) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"}, {"row_id": 2}, {"path": "b.yaml"}, {"policy": Policy(protect=False, ignore=("queue",))},
        {"retired": True}, {"frozen": True}, {"applied": applied_text(declared(queue="q"))},
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_that_differs_is_written(change: dict[str, Any]) -> None:
    schedule = declared()
    assert record_if_changed(schedule, owned(schedule), row(schedule)) is None
    assert record_if_changed(schedule, owned(schedule, **change), row(schedule)) is not None
