"""Any bytes give diagnostics with positions inside the file, or rows that beat can load, and never an exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import schedules
from django.db.models import Model
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kombu.utils.json import loads

from beatsync.published import read_schema
from beatsync.report.text import render_diagnostic
from beatsync.specfile.combine import combine
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.values import Clocked, Crontab, Declared, Interval, Severity, Solar, SourceFile, TaskSpec
from tests.specfile.corpus import cases

SEEDS = sorted({file.data for folder in ("valid", "invalid") for case in cases(folder) for file in case.files()})
SEEDS = [data for data in SEEDS if len(data) < 5000]
VALID = sorted({file.data for case in cases("valid") for file in case.files()})
KEYS = sorted({*read_schema("beatsync")["$defs"]["schedule"]["properties"]})
OPTIONS = (ParseOptions(), ParseOptions("staging", "Europe/Berlin"))

TEXTS = [
    "", " ", "1h", "30s", "PT5M", "0.5us", "9999999999d", "* * * * *", "*/60 7 31 4 fri-mon", "0 0 29 2 7", "@daily", "@every 1h",
    "2027-01-05", "2027-03-28T02:30", "0001-01-01", "9999-12-31T23:59:59-23:59", "12:30", "no", "on", "010", "1_000", ".inf",
    "null", "~", "Europe/Berlin", "UTC", "../UTC", "\0", "\x07", "é", "👩‍👧", "\u2028", "\ufeff", "\ud800", "a\nb", "x" * 201, "1" * 1200,
    "days", "sunset", "delete", "kwargs.token", "staging", "__type__", "<<", "*a", "&a", "{{ x }}", "%", "`", "-", "1e400",
    "0.271_000", ".5_0", "_", "1" * 1001, "${A}", "$(a)", "<%= a %>", "{% a %}", "t\u200b", "\u00a0q", "q ", "\u202e", "\uf8e0", "\uf8e1", "last",
]  # fmt: skip
TOKENS = [text.encode(errors="surrogatepass") for text in TEXTS] + [
    b"\n", b"\r", b"\r\n", b"\t", b"  ", b": ", b"- ", b"? ", b"{", b"}", b"[", b"]", b", ", b"'", b'"', b"|\n", b">-\n", b"#",
    b"&x ", b"*x", b"*x : ", b"<<: *x\n", b"<<: ", b"!!str ", b"!!int ", b"!x ", b"!", b"---\n", b"...\n", b"%YAML 1.1\n---\n",
    b"%TAG ! x\n", b"\xff", b"\xef\xbb\xbf", b"\xc2\x85", b"\xed\xa0\x80", b"\\", b"\\ud800", b"\\ud83d\\uDE00", b"\\\\ud83d\\ude00", b'"\\ud83d\\ude00"', b"'\\ud83d\\ude00'",
    b"!!float 3", b"!!float ", b"<% x %>\n", b"{{- x }}\n", b"solar: null\n", b"a: 1\n" * 120, b"\x00", b"[" * 70, b"null", b"on",
    b"schedules:\n  ", b"defaults:\n  ", b"x-a: &x ", *(f"{key}: ".encode() for key in KEYS),
]  # fmt: skip

Data = st.SearchStrategy[bytes]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Cut, copy and paste in a spec file that people might have written."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 1, 2, 5, 20])))
        other = draw(st.sampled_from(seeds))
        piece = draw(
            st.sampled_from(TOKENS)
            | st.binary(max_size=3)
            | st.integers(0, len(other)).map(lambda at, other=other: other[at : at + 40])  # type: ignore[misc]
        )
        data = data[:start] + piece + data[end:]
    return data


HOSTILE = st.sampled_from(TEXTS) | st.text(max_size=8) | st.integers() | st.floats() | st.booleans() | st.none()
VALUES = st.recursive(
    HOSTILE,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TEXTS) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
NUMBERS = st.integers(-1, 70)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "interval": st.builds(
        lambda n, unit: f"{n}{unit}", NUMBERS, st.sampled_from(["us", "ms", "s", "m", "h", "d", "w", "y"])
    )
    | st.fixed_dictionaries({"every": NUMBERS, "period": st.sampled_from(["days", "seconds", "microseconds"])}),
    "crontab": st.tuples(
        *[st.sampled_from(["*", "*/7", "0", "1-5", "fri-mon", "60", "31", "2,30", "5-1", "7"])] * 5
    ).map(" ".join)
    | st.dictionaries(
        st.sampled_from(["minute", "hour", "day_of_week", "timezone"]), NUMBERS | st.lists(NUMBERS, max_size=3)
    ),
    "solar": st.fixed_dictionaries(
        {
            "event": st.sampled_from(["sunset", "solar_noon"]),
            "latitude": st.floats(-91, 91),
            "longitude": st.floats(-181, 181),
        }
    ),
    "clocked": st.datetimes().map(str),
    "start_time": st.datetimes().map(str),
    "expires": st.datetimes().map(str),
    "args": st.lists(VALUES, max_size=3),
    "kwargs": st.dictionaries(st.text(max_size=4), VALUES, max_size=3),
    "headers": st.dictionaries(st.text(max_size=4), VALUES, max_size=3),
    "enabled": st.booleans() | st.sampled_from(["yes", "off"]),
    "priority": st.integers(-1, 256),
    "expire_seconds": st.integers(-1, 2**31) | st.just("30m"),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "Mars/Olympus"]),
}
BODIES = st.dictionaries(st.sampled_from(KEYS), st.none(), max_size=4).flatmap(
    lambda keys: st.fixed_dictionaries({key: FIELDS.get(key, HOSTILE) | VALUES for key in keys})
)
NAMES = st.sampled_from(["a", "b", " a", "celery.x", "x" * 201, ""]) | st.text(max_size=5)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Write a document of known keys with values that fit, or nearly fit, or do not fit at all."""
    kind = draw(st.sampled_from(["interval", "crontab", "solar", "clocked"]))
    schedule = draw(BODIES)
    for key, strategy in (("task", st.just("shop.bill")), (kind, FIELDS[kind])):
        if draw(st.integers(0, 9)):
            schedule.setdefault(key, draw(strategy))
    if draw(st.booleans()):
        schedule["environments"] = {"staging": draw(BODIES)}
    document = {"schedules": {draw(NAMES): schedule}}
    if draw(st.booleans()):
        document["defaults"] = draw(BODIES)  # type: ignore[arg-type]
    return json.dumps(document, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


def parsed(data: bytes) -> list[Declared]:
    """Parse a file under several options and hold what is said about it; return what it declares."""
    file = SourceFile("a.yaml", data)
    lines = data.decode("utf-8-sig", errors="replace").splitlines() or [""]
    declared: list[Declared] = []
    for options in OPTIONS:
        desired = combine([parse_file(file, options)], (), options)
        for result in desired.diagnostics:
            line, column = result.location.line, result.location.column
            if result.code not in {"environment-unknown", "more-problems"}:
                assert line is not None
                assert column is not None
                assert 1 <= line <= len(lines), result
                assert 1 <= column <= len(lines[line - 1]) + 1, result
            assert result.excerpt is None or (line and lines[line - 1].startswith(result.excerpt)), result
            assert result.message
            assert render_diagnostic(result)
        if not any(result.severity is Severity.ERROR for result in desired.diagnostics):
            declared.extend(desired.schedules)
    for each in declared:
        hold_row(each.spec)
    return declared


def hold_row(spec: TaskSpec) -> None:
    """Hold a declared row to what the models, celery and each database take."""
    schedule = spec.schedule
    if isinstance(schedule, Crontab):
        hold_crontab(schedule)
    elif isinstance(schedule, Interval):
        row = clean(IntervalSchedule(every=schedule.every, period=schedule.period))
        assert row.schedule.run_every.total_seconds() > 0
    elif isinstance(schedule, Solar):
        clean(SolarSchedule(event=schedule.event, latitude=schedule.latitude, longitude=schedule.longitude))
    else:
        assert isinstance(schedule, Clocked)
        clean(ClockedSchedule(clocked_time=schedule.clocked_time))
        assert spec.one_off
    values = {name: getattr(spec, name) for name in TaskSpec._fields if name != "schedule"}
    clean(PeriodicTask(**values))
    assert isinstance(loads(spec.args), list)  # type: ignore[no-untyped-call]
    assert isinstance(loads(spec.kwargs), dict)  # type: ignore[no-untyped-call]
    assert isinstance(loads(spec.headers), dict)  # type: ignore[no-untyped-call]
    for text in values.values():
        assert not isinstance(text, str) or (text.encode() is not None and "\0" not in text)
    for text in (spec.name, spec.task, spec.queue, spec.exchange, spec.routing_key):
        assert text is None or (text == text.strip() and not {"\u200b", "\u202e", "\ufeff"} & {*text})


def hold_crontab(schedule: Crontab) -> None:
    minute, hour, day, month, weekday = schedule.expression.split(" ")
    fields = {"minute": minute, "hour": hour, "day_of_month": day, "month_of_year": month, "day_of_week": weekday}
    clean(CrontabSchedule(**fields, timezone=ZoneInfo(schedule.timezone)))
    read = schedules.crontab(**fields)
    assert read.minute
    assert read.hour
    assert read.day_of_month
    assert read.month_of_year
    assert read.day_of_week


def clean(row: Any) -> Any:
    assert isinstance(row, Model)
    row.clean_fields()
    return row


def fuzz(check: Callable[[bytes], object], data: Data, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data)
    def run(given_data: bytes) -> None:
        check(given_data)

    run()


def short_and_long(short: int, long: int) -> pytest.MarkDecorator:
    many = pytest.param(long, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])
    return pytest.mark.parametrize("examples", [short, many])


@short_and_long(300, 50_000)
def test_any_bytes(examples: int) -> None:
    fuzz(parsed, st.binary(max_size=200) | st.text(max_size=100).map(str.encode), examples)


@short_and_long(300, 50_000)
def test_any_pieces_of_yaml(examples: int) -> None:
    fuzz(parsed, st.lists(st.sampled_from(TOKENS), max_size=30).map(b"".join), examples)


@short_and_long(400, 50_000)
def test_any_mutated_spec(examples: int) -> None:
    fuzz(parsed, mutated(VALID), examples)
    fuzz(parsed, mutated(SEEDS), examples)


@short_and_long(400, 50_000)
def test_any_document_of_known_keys(examples: int) -> None:
    declared = 0

    def check(data: bytes) -> None:
        nonlocal declared
        declared += bool(parsed(data))

    fuzz(check, documents(), examples)
    assert declared > examples / 50, "hardly anything was valid: nothing was tried on the models"


@pytest.mark.parametrize("data", VALID, ids=lambda data: data[:20].decode(errors="replace"))
def test_the_valid_specs_end_in_rows_as_well(data: bytes) -> None:
    parsed(data)
