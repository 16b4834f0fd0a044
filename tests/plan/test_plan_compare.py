"""What the inventory remembers is put together by hand: it says what `TaskSpec.fields` says, whatever that is."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.plan.compare import applied_fields, applied_text
from beatsync.values import Clocked, Crontab, Interval, Schedule, Solar, TaskSpec
from tests.builders import declared

text = st.text(max_size=8)
maybe = st.none() | text.filter(bool)
moment = st.none() | st.datetimes(timezones=st.just(timezone.utc))
schedules: st.SearchStrategy[Schedule] = st.one_of(
    st.builds(Interval, st.integers(1, 99), st.sampled_from(["days", "seconds"])),
    st.builds(Crontab, *[text] * 6),
    st.builds(Solar, text, st.decimals(-90, 90, places=6), st.decimals(-90, 90, places=6)),
    st.builds(Clocked, st.datetimes(timezones=st.just(timezone.utc))),
)
fields = st.fixed_dictionaries(
    {"schedule": schedules, "task": text},
    optional={
        "args": text, "kwargs": text, "headers": text, "queue": maybe, "exchange": maybe, "routing_key": maybe,
        "priority": st.none() | st.integers(0, 255), "expires": moment, "expire_seconds": st.none() | st.integers(0, 2**31),
        "one_off": st.booleans(), "start_time": moment, "enabled": st.booleans(), "description": text,
    },
)  # fmt: skip


@given(name=text, given=fields)
def test_what_is_remembered_is_every_field(name: str, given: dict[str, Any]) -> None:
    one = declared(name, **given)
    expected = one.spec.fields()
    if not one.enabled_declared:
        expected["enabled"] = None
    assert applied_fields(applied_text(one)) == expected


def test_what_is_left_at_its_default_takes_no_room() -> None:
    assert applied_text(declared()) == '{"name":"nightly","task":"shop.tasks.bill","interval":"1h"}'


@pytest.mark.parametrize("field", TaskSpec._fields[3:])
def test_each_field_makes_another_text(field: str) -> None:
    values: dict[str, Any] = {"priority": 1, "expire_seconds": 1, "one_off": True, "enabled": False}
    value: Any = values.get(
        field, datetime(2030, 1, 1, tzinfo=timezone.utc) if "time" in field or field == "expires" else "x"
    )
    assert applied_text(declared("nightly", **{field: value})) != applied_text(declared())
