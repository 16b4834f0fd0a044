"""What the writer writes reads as if a person had written it, and means what it was made from."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from beatsync.specfile import crontab, interval
from beatsync.specfile.additions import fault, with_schedules
from beatsync.specfile.jsontext import canonical
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.write import Defaults, Entry, document, interval_text, scalar, schedule_text
from beatsync.values import Clocked, Interval, OnRemove, Policy, Solar, SourceFile, TaskSpec
from tests.builders import spec
from tests.specfile.corpus import cases

BERLIN = crontab.from_expression("30 2 * * 1-5", "Europe/Berlin")


def parse(text: str) -> dict[str, TaskSpec]:
    parsed = parse_file(SourceFile("a.yaml", text.encode()), ParseOptions())
    assert not parsed.diagnostics, text
    return {each.spec.name: each.spec for each in parsed.schedules}


def test_a_file_looks_as_a_person_writes_it() -> None:
    nightly = spec(
        "nightly-invoices", task="billing.tasks.generate_invoices", schedule=BERLIN, queue="billing",
        kwargs=canonical({"country": "no", "customer": "Åsa Öberg", "dry_run": False}), expire_seconds=1800,
    )  # fmt: skip
    report = spec(
        "report: weekly", task="billing.tasks.report", schedule=BERLIN._replace(minute="0"), queue="billing", enabled=False,
        kwargs=canonical({"recipients": [f"team-{number}@example.com" for number in range(4)], "since": "2027-01-01"}),
        description="Sends the report.\n\nAsk finance first.\n", start_time=datetime(2027, 1, 5, 2, tzinfo=timezone.utc),
    )  # fmt: skip
    sweep = spec("sweep", schedule=Solar("sunrise", Decimal("52.520000"), Decimal("13.405000")), queue="billing")
    backfill = spec("then", schedule=Clocked(datetime(2027, 7, 5, tzinfo=timezone.utc)), one_off=True, queue="billing")
    entries = [
        Entry(nightly),
        Entry(report, enabled=False, enabled_comment="was disabled when exported"),
        Entry(sweep, Policy(OnRemove.DISABLE, ("queue",), protect=True)),
        Entry(backfill),
    ]
    text = document(entries)
    assert (
        text
        == """\
version: 1
defaults:
  timezone: Europe/Berlin
  queue: billing
schedules:
  nightly-invoices:
    task: billing.tasks.generate_invoices
    crontab: "30 2 * * mon-fri"
    kwargs: {country: "no", customer: Åsa Öberg, dry_run: false}
    expire_seconds: 30m
  "report: weekly":
    task: billing.tasks.report
    crontab: "0 2 * * mon-fri"
    kwargs:
      recipients:
        - team-0@example.com
        - team-1@example.com
        - team-2@example.com
        - team-3@example.com
      since: "2027-01-01"
    start_time: 2027-01-05T03:00:00+01:00
    enabled: false  # was disabled when exported
    description: |
      Sends the report.

      Ask finance first.
  sweep:
    task: shop.tasks.bill
    solar: {event: sunrise, latitude: 52.52, longitude: 13.405}
    sync: {on_remove: disable, ignore: [queue], protect: true}
  then:
    task: shop.tasks.bill
    clocked: 2027-07-05T02:00:00+02:00
"""
    )
    assert list(parse(text).values()) == [entry.spec for entry in entries]


@pytest.mark.parametrize(
    ("every", "period", "text"),
    [
        (30, "seconds", "30s"), (90, "seconds", "90s"), (3600, "seconds", "1h"), (7, "days", "1w"), (10, "days", "10d"),
        (250_000, "microseconds", "250ms"), (1_500_000, "microseconds", "1500ms"), (7, "microseconds", "7us"),
        (86_400_000, "microseconds", "86400ms"), (1440, "minutes", "1d"),
    ],
)  # fmt: skip
def test_an_interval_has_its_shortest_spelling(every: int, period: str, text: str) -> None:
    assert interval_text(Interval(every, period)) == text
    assert interval.from_text(text) == interval.from_mapping(every, period)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("0 0 * * 0", "0 0 * * sun"), ("0 0 * * 0,6", "0 0 * * sat,sun"), ("0 0 * * 0,5,6", "0 0 * * fri-sun"),
        ("0 0 * * 1,3,5", "0 0 * * mon,wed,fri"), ("0 0 * * */2", "0 0 * * tue,thu,sat,sun"), ("*/15 * 1 2,7 *", "*/15 * 1 2,7 *"),
        ("0 0 * * 0-4", "0 0 * * mon-thu,sun"), ("0 0 * * 1-6", "0 0 * * mon-sat"),
    ],
)  # fmt: skip
def test_days_of_the_week_have_names_and_begin_on_monday(expression: str, text: str) -> None:
    value = crontab.from_expression(expression, "UTC")
    assert schedule_text(value) == f'"{text}"'
    assert crontab.from_expression(text, "UTC") == value


@pytest.mark.parametrize(
    "text",
    [*"no NO y on ~ null 12:30 0x10 010 1_000 1e3 .inf 2027-01-01 = <<".split(), "", " a", "a ", "a: b", "a #b", "- a", "@x", "*a", "&a", "!a", "%a", "[a", "{a", "a,b", "a\nb", "\u2028", "\x07", "'", '"', "\\"],
)  # fmt: skip
def test_a_text_that_yaml_would_misread_is_quoted(text: str) -> None:
    assert scalar(text).startswith('"')
    assert yaml.safe_load(scalar(text)) == yaml.safe_load(f"[{scalar(text)}]")[0] == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", '"a\\u202eb"'), ("\u200ba", '"\\u200ba"'), ("a\x1b[1m", '"a\\x1b[1m"'), ("\xa0", '"\\xa0"'), ("👩‍👧", '"👩‍👧"'),
        ("##[group]", '"#\\x23[group]"'), ("日本: 語", '"日本: 語"'),
    ],
)  # fmt: skip
def test_only_what_cannot_be_seen_or_commands_a_log_is_escaped(text: str, shown: str) -> None:
    assert scalar(text) == shown
    assert yaml.safe_load(shown) == text


@pytest.mark.parametrize("text", ["a\n::error::x", "a\n##[group]", "a\n\u202e", "a \nb", " a\nb", "a\nb\n\n", "\na\nb"])
def test_a_text_of_lines_that_would_not_be_read_back_or_commands_a_log_is_on_one_line(text: str) -> None:
    written = document([Entry(spec(description=text))])
    assert written.splitlines()[-1].startswith('    description: "')
    assert parse(written)["nightly"].description == text


@pytest.mark.parametrize("text", ["billing", "billing.tasks.run", "Åsa Öberg", "夜間", "a@b.example", "x-1_2/3"])
def test_any_other_text_is_not(text: str) -> None:
    assert scalar(text) == text == yaml.safe_load(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.lists(JSON), st.dictionaries(st.text(), JSON), st.text(st.characters(exclude_characters="\0")))
def test_any_json_and_any_text_is_read_back(args: Any, kwargs: Any, description: str) -> None:
    try:
        written = spec(args=canonical(args), kwargs=canonical(kwargs), description=description)
    except ValueError:
        return
    parsed = parse_file(SourceFile("a.yaml", document([Entry(written)]).encode()), ParseOptions())
    errors = [each for each in parsed.diagnostics if each.code != "template-unrendered"]
    assert not errors
    assert parsed.schedules[0].spec == written


@pytest.mark.parametrize("case", cases("valid"), ids=lambda case: case.name)
def test_every_valid_spec_is_written_and_read_back(case: Any) -> None:
    for file in case.files():
        for declared in parse_file(file, ParseOptions()).schedules:
            entry = Entry(declared.spec, declared.policy, declared.spec.enabled if declared.enabled_declared else None)
            text = document([entry])
            [again] = parse_file(SourceFile("a.yaml", text.encode()), ParseOptions("none", "Asia/Tokyo")).schedules
            assert again.spec == declared.spec, text
            assert again.policy == replace(declared.policy, renamed_from=None, protect=declared.policy.protect or None)
            assert again.enabled_declared == declared.enabled_declared
            assert document([entry]) == text


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"schedule": None}, "it has no schedule that can be read, or more than one"),
        ({"kwargs": "{"}, "its kwargs are not JSON"),
        ({"kwargs": '{"a": "\\ud83d"}'}, "its kwargs hold half a surrogate pair, U+D83D, which is not a character"),
        ({"args": "[NaN]"}, "its args hold a value that YAML cannot"),
        ({"args": "{}"}, "a mapping is not a list (in `args: {}`)"),
        ({"name": "celery.x"}, "celery."),
        ({"schedule": BERLIN._replace(day_of_week="7")}, "its crontab is 30 2 * * 7, which celery does not run"),
        ({"schedule": BERLIN._replace(timezone="Mars")}, "there is no time zone 'Mars'"),
        ({"schedule": Interval(0, "seconds")}, "zero"),
        ({"schedule": Interval(5, "fortnight")}, "fortnight"),
        ({"expire_seconds": 0}, "zero"),
        ({"schedule": Clocked(datetime(2027, 1, 1, tzinfo=timezone.utc)), "one_off": False}, "one_off"),
    ],
)
def test_what_no_file_can_say_has_a_reason(fields: dict[str, Any], reason: str) -> None:
    assert reason in str(fault(Entry(spec(**fields))))


NEW = [Entry(spec("new", schedule=BERLIN)), Entry(spec("newer", queue="slow"))]
ADDED = [
    "    task: shop.tasks.bill", '    crontab: "30 2 * * mon-fri"', "  newer:", "    task: shop.tasks.bill", "    interval: 1h",
]  # fmt: skip


def test_new_schedules_follow_the_last_and_no_line_changes() -> None:
    text = """\
# first
defaults: {queue: billing, timezone: Europe/Berlin}
schedules:
    b: {task: t, interval: 1h}   # why
    # about b

# about x
x-more: 1
"""
    added = with_schedules(text, NEW)
    assert added is not None
    lines = added.splitlines()
    assert lines[:5] == text.splitlines()[:5]
    assert lines[5:-3] == [
        "    new:", "      task: shop.tasks.bill", '      crontab: "30 2 * * mon-fri"', "      queue: null",
        "    newer:", "      task: shop.tasks.bill", "      interval: 1h", "      queue: slow",
    ]  # fmt: skip
    assert lines[-3:] == text.splitlines()[-3:]


def test_new_schedules_follow_the_comments_of_an_empty_section() -> None:
    text = "# first\nversion: 1\nschedules: # all\n  # nightly: {}\n\n# about x\nx-more: 1\n"
    added = with_schedules(text, NEW)
    assert added is not None
    assert added.startswith(
        "# first\nversion: 1\nschedules: # all\n  # nightly: {}\n  new:\n    task: shop.tasks.bill\n"
    )
    assert added.endswith("    queue: slow\n\n# about x\nx-more: 1\n")


@pytest.mark.parametrize(
    "text",
    [
        "schedules: {b: {task: t, interval: 1h}}",
        "schedules: {}\n",
        "schedules: null\n",
        "schedules:\n  b: {task: t, interval: 1h}\ndefaults: {priority: 3}\n",
        "schedules:\n  b: {task: t, interval: 1h, description: |+\n    a}\n",
        "schedules:\n  b:\n    task: t\n    interval: 1h\n    description: |+\n      a\n\n\n",
        "# nothing yet\n",
        "schedules:\r\n  b: {task: t, interval: 1h}\r\n...\r\n",
        "",
    ],
)
def test_a_file_of_another_shape_gets_a_document_and_no_line_changes(text: str) -> None:
    added = with_schedules(text, NEW)
    if "|+\n    a}" in text:
        assert added is None
        return
    assert added is not None
    assert added.startswith(text)
    assert {"new", "newer"} <= parse(added).keys()
    assert ("\r\n" in text) == ("\r\n" in added)


def test_defaults_say_once_what_all_schedules_share() -> None:
    assert document([Entry(spec(schedule=BERLIN, queue="q"))]).count("defaults") == 0
    two = [Entry(spec(name, schedule=BERLIN, queue=queue)) for name, queue in (("a", "q"), ("b", None))]
    assert "defaults:\n  timezone: Europe/Berlin\nschedules" in document(two)
    assert document(two, Defaults()).count("timezone: Europe/Berlin") == 2
