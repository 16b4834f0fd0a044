"""Accepting drift writes a row's values where the file declares the schedule, and changes nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beatsync.specfile.accept import EditError, accept
from beatsync.specfile.canonical import formatted
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.write import Entry, document
from beatsync.values import FIELDS, PLAIN_FIELDS, Clocked, Crontab, Interval, Solar, SourceFile, TaskSpec

TEXT = """\
defaults: {queue: billing, priority: 3}
schedules:
  # each night
  nightly:
    task: shop.bill # the task
    crontab: "0 2 * * *" # two
    kwargs:
      # never for real
      dry_run: false # c
      limits: {low: 1, high: 2} # l
      old: 1
    description: |
      Bills.
      All.

    environments:
      staging: {priority: 9, kwargs: {dry_run: true}}
  other: {task: shop.other, interval: 5m, queue: slow}
"""
JSON = json.dumps


def accepted(text: str, name: str, environment: str | None = None, **changes: Any) -> str:
    """Return the text after the row's values `changes` were accepted."""
    file, options = SourceFile("a.yaml", text.encode()), ParseOptions(environment)
    (declared,) = [each for each in parse_file(file, options).schedules if each.spec.name == name]
    row = declared.spec._replace(**changes)
    fields = [name for name in FIELDS if row.fields().get(name) != declared.spec.fields().get(name)]
    result = accept(file, name, row, fields, (options, None))
    (after,) = [each for each in parse_file(result, options).schedules if each.spec.name == name]
    assert after.spec == row
    return result.data.decode()


def difference(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that went, and those that came."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return [line.strip() for line in old], [line.strip() for line in new]


@pytest.mark.parametrize(
    ("changes", "went", "came"),
    [
        ({"task": "shop.new"}, ["task: shop.bill # the task"], ["task: shop.new # the task"]),
        ({"queue": "fast"}, [], ["queue: fast"]),
        ({"queue": None}, [], ["queue: null"]),
        ({"priority": 5}, [], ["priority: 5"]),
        ({"one_off": True}, [], ["one_off: true"]),
        ({"enabled": False}, [], ["enabled: false"]),
        ({"args": '["a b", 1]'}, [], ["args: [a b, 1]"]),
        ({"expire_seconds": 90}, [], ["expire_seconds: 90s"]),
        ({"description": "One line"}, ["description: |", "Bills.", "All."], ["description: One line"]),
        ({"description": "Two\nlines\n"}, ["Bills.", "All."], ["Two", "lines"]),
        ({"description": ""}, ["description: |", "Bills.", "All."], []),
        ({"schedule": Crontab("30", "2", "*", "*", "*", "UTC")}, ['crontab: "0 2 * * *" # two'], ['crontab: "30 2 * * *" # two']),
        ({"schedule": Interval(2, "hours")}, ['crontab: "0 2 * * *" # two'], ["interval: 2h # two"]),
        (
            {"schedule": Crontab("0", "2", "*", "*", "*", "Europe/Berlin")},
            [],
            ["timezone: Europe/Berlin"],
        ),
        (
            {"schedule": Solar("sunset", Decimal("52.5"), Decimal("13.4"))},
            ['crontab: "0 2 * * *" # two'],
            ["solar: {event: sunset, latitude: 52.5, longitude: 13.4} # two"],
        ),
        (
            {"schedule": Clocked(datetime(2040, 1, 1, tzinfo=timezone.utc)), "one_off": True},
            ['crontab: "0 2 * * *" # two'],
            ["clocked: 2040-01-01T00:00:00+00:00 # two"],
        ),
        (
            {"kwargs": '{"dry_run": true, "limits": {"high": 2, "low": 0}, "new": [1], "old": 1}'},
            ["dry_run: false # c", "limits: {low: 1, high: 2} # l", "old: 1"],
            ["dry_run: true # c", "limits: {low: 0, high: 2} # l", "old: 1", "new: [1]"],
        ),
        ({"kwargs": '{"dry_run": false, "limits": {"high": 2, "low": 1}}'}, ["old: 1"], []),
    ],
)  # fmt: skip
def test_only_the_lines_of_a_value_change(changes: dict[str, Any], went: list[str], came: list[str]) -> None:
    assert difference(TEXT, accepted(TEXT, "nightly", **changes)) == (went, came)


def test_a_value_of_the_environment_is_changed_there() -> None:
    after = accepted(TEXT, "nightly", "staging", priority=1, kwargs='{"dry_run": false}', queue="fast")
    assert "staging: {priority: 1, kwargs: {dry_run: false}}" in after
    assert "    queue: fast\n" in after


def test_a_default_of_the_environment_is_overridden_in_that_environment_only() -> None:
    defaults = "defaults: {queue: q, environments: {staging: {queue: s, interval: 5m}}}\n"
    environments = "environments: {live: {priority: 1}, staging: {}}"
    text = f"{defaults}schedules:\n  a:\n    task: t\n    only: [staging]\n  b: {{task: t, interval: 1h, {environments}}}\n"
    result = accepted(text, "a", "staging", queue="other", schedule=Interval(7, "minutes"))
    result = accepted(result, "b", "staging", queue="other")
    assert difference(text, result)[1] == [
        "environments: {staging: {interval: 7m, queue: other}}",
        "only: [staging]",
        "b: {task: t, interval: 1h, environments: {live: {priority: 1}, staging: {queue: other}}}",
    ]


def test_a_schedule_in_braces_stays_in_braces() -> None:
    after = accepted(TEXT, "other", queue="billing", schedule=Interval(1, "hours"), args="[1]")
    assert "  other: {task: shop.other, interval: 1h, args: [1]}\n" in after or after.count("\n") == TEXT.count("\n")


def test_line_ends_a_byte_order_mark_and_a_missing_last_line_end_stay() -> None:
    text = "\ufeff" + TEXT.replace("\n", "\r\n").removesuffix("\r\n")
    after = accepted(text, "nightly", queue="fast", description="x\ny\n")
    assert after.replace("\r\n", "\n") == "\ufeff" + accepted(TEXT, "nightly", queue="fast", description="x\ny\n")[:-1]
    assert "\n" not in after.replace("\r\n", "")


def test_a_value_of_a_merge_key_is_overridden_at_the_schedule() -> None:
    text = "x-a: &a {queue: slow}\nschedules:\n  a:\n    <<: *a\n    task: t\n    interval: 5m\n"
    assert difference(text, accepted(text, "a", queue="fast")) == ([], ["queue: fast"])


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        ("x: &a {task: t, interval: 5m}\nschedules: {a: *a}\n", {"queue": "q"}, "the alias \\*a"),
        ("schedules:\n  a: &a {task: t, interval: 5m}\n  b: *a\n", {"queue": "q"}, "other schedules"),
        ("schedules:\n  a: {task: &t t, interval: 5m}\n  b: {task: *t, interval: 5m}\n", {"task": "u"}, "has an anchor"),
        ("schedules:\n  a:\n    task: t\n    interval: 5m\n    args:\n      - 1 # one\n", {"args": "[2]"}, "comments within"),
        ("schedules:\n  a: {task: t, interval: 5m}\n", {"schedule": None}, "no schedule"),
        ("schedules:\n  a: {task: t, interval: 5m}\n", {"kwargs": "no JSON"}, "not JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_edited_has_a_reason(text: str, changes: dict[str, Any], reason: str) -> None:
    text = text.replace("x:", "x-a:")
    with pytest.raises(EditError, match=reason):
        accepted(text, "a", **changes)


def test_fields_that_are_not_named_stay_as_the_file_has_them() -> None:
    file = SourceFile("a.yaml", TEXT.encode())
    row = TaskSpec("nightly", "other.task", Interval(1, "days"), queue="fast")
    result = accept(file, "nightly", row, ["queue"], (ParseOptions(), None))
    assert difference(TEXT, result.data.decode()) == ([], ["queue: fast"])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.sampled_from("ab: #\n'\"{"), max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b", "on", "c d"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "x y"]), VALUES, max_size=3).map(lambda v: JSON(v, sort_keys=True))
SPECS = st.builds(
    TaskSpec,
    st.just("a"),
    st.sampled_from(["t", "shop.u"]),
    st.sampled_from(
        [Interval(5, "minutes"), Crontab("0", "2", "*", "*", "1-5", "UTC"), Crontab("1", "2", "*", "*", "*", "Asia/Tokyo"),
         Solar("sunset", Decimal("1.5"), Decimal(2))]
    ),
    args=st.lists(VALUES, max_size=2).map(lambda v: JSON(v, sort_keys=True)),
    kwargs=OBJECTS,
    headers=OBJECTS,
    queue=st.sampled_from([None, "q"]),
    priority=st.sampled_from([None, 0, 5]),
    exchange=st.none(),
    routing_key=st.sampled_from([None, "a.b"]),
    expires=st.just(None),
    expire_seconds=st.sampled_from([None, 60]),
    start_time=st.sampled_from([None, datetime(2040, 1, 1, 12, tzinfo=timezone.utc)]),
    one_off=st.booleans(),
    enabled=st.booleans(),
    description=st.sampled_from(["", "one", "two\nlines\n", "# no comment"]),
)  # fmt: skip


EXPIRES = st.sampled_from([{}, {"expires": datetime(2041, 1, 1, tzinfo=timezone.utc), "expire_seconds": None}])


def test_a_mapping_can_exchange_all_of_its_keys() -> None:
    text = "schedules:\n  a:\n    task: t\n    interval: 5m\n    kwargs:\n      old: 1  # why\n"
    assert accepted(text, "a", kwargs='{"new": 2}').endswith("    kwargs:\n      # why\n      new: 2\n")


@settings(deadline=None)
@given(*[st.builds(lambda spec, changes: spec._replace(**changes), SPECS, EXPIRES)] * 2)
def test_any_values_of_a_row_can_be_accepted_into_a_file(old: TaskSpec, new: TaskSpec) -> None:
    text = document([Entry(old, enabled=old.enabled), Entry(old._replace(name="b"))])
    (declared, _) = parse_file(SourceFile("a.yaml", text.encode()), ParseOptions()).schedules
    after = accepted(text, "a", **{name: getattr(new, name) for name in ("schedule", *PLAIN_FIELDS)})
    assert formatted(after)
    if declared.spec == new:
        assert after == text
