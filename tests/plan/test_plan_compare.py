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


def test_the_cause_says_whether_the_file_the_row_or_both_changed() -> None:
    last = {**values(), "queue": "a", "exchange": "a", "priority": 1}
    want = {**last, "queue": "b", "exchange": "b"}
    have = {**last, "exchange": "c", "priority": 2}
    assert [(change.field, change.cause) for change in compare(want, have, last, ())] == [
        ("queue", Cause.SPEC),
        ("exchange", Cause.BOTH),
        ("priority", Cause.DRIFT),
    ]
    assert {change.cause for change in compare(want, have, None, ())} == {Cause.SPEC}


def test_ignoring_one_field_of_a_schedule_ignores_all_of_it() -> None:
    last = {**values(), "interval": None, "crontab": "0 12 * * *", "timezone": "UTC"}
    have = {**last, "crontab": "0 3 * * *", "timezone": "Europe/Berlin"}
    assert not list(compare(last, have, last, ("timezone",)))
    want = {**last, "timezone": "Asia/Tokyo"}
    changes = list(compare(want, have, last, ("timezone",)))
    assert [(change.field, change.cause) for change in changes] == [("crontab", Cause.BOTH), ("timezone", Cause.BOTH)]


def test_an_operators_pause_that_a_file_overrules_is_the_files_change() -> None:
    last = {**values(), "enabled": None}
    want, have = {**last, "enabled": True}, {**last, "enabled": False}
    assert [change.cause for change in compare(want, have, last, (), (("enabled",),))] == [Cause.SPEC]
