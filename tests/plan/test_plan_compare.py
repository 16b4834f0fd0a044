from __future__ import annotations

from beatsync.plan.compare import compare
from beatsync.plan.inventory import applied_fields, applied_text
from beatsync.plan.model import Cause
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.values import FIELDS, SCHEDULE_FIELDS, FieldValue
from tests.builders import declared


def values() -> dict[str, FieldValue]:
    fields = applied_fields(applied_text(declared()))
    assert fields is not None
    return dict(fields)


def test_every_field_of_the_table_but_enabled_is_compared_in_display_order() -> None:
    want = {name: f"new {name}" for name in FIELDS}
    have = {name: f"old {name}" for name in FIELDS}
    changes = list(compare(want, have, None, ()))
    assert [change.field for change in changes] == [name for name in FIELDS if name != "enabled"]
    assert {field.name for field in FIELD_TABLE} | {*SCHEDULE_FIELDS} == {*FIELDS}


def test_the_cause_is_spec_if_the_file_changed_and_drift_if_only_the_row_did() -> None:
    last = {**values(), "queue": "a", "priority": 1}
    want, have = {**last, "queue": "b"}, {**last, "queue": "c", "priority": 2}
    assert [(change.field, change.cause) for change in compare(want, have, last, ())] == [
        ("queue", Cause.SPEC),
        ("priority", Cause.DRIFT),
    ]
    assert {change.cause for change in compare(want, have, None, ())} == {Cause.SPEC}


def test_ignoring_one_field_of_a_schedule_ignores_all_of_it() -> None:
    last = {**values(), "interval": None, "crontab": "0 12 * * *", "timezone": "UTC"}
    have = {**last, "crontab": "0 3 * * *", "timezone": "Europe/Berlin"}
    assert not list(compare(last, have, last, ("timezone",)))
    want = {**last, "timezone": "Asia/Tokyo"}
    assert [change.field for change in compare(want, have, last, ("timezone",))] == ["crontab", "timezone"]
