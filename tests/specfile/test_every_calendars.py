"""Calendars: which dates an `.ics` file and a country give, and what they cost."""

from __future__ import annotations

import builtins
import time
from datetime import date
from typing import Any

import pytest

from beatsync.specfile.combine import MAX_HASHED, cross_check
from beatsync.specfile.every.calendars import CalendarFiles, first_and_last, from_mapping
from beatsync.specfile.every.clauses import Clause, Window
from beatsync.specfile.every.cover import cover_days, cover_pairs
from beatsync.specfile.every.ics import read_events
from beatsync.specfile.every.inputs import inputs_of
from beatsync.specfile.every.rows import compile_rows
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.problems import SpecError
from beatsync.values import FileFacts, SourceFile

YEAR = 2027
NO_FILES = CalendarFiles({})


def events(*texts: str) -> bytes:
    parts = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x"]
    for number, each in enumerate(texts):
        parts += ["BEGIN:VEVENT", f"UID:{number}", *each.split(), "END:VEVENT"]
    return "\r\n".join([*parts, "END:VCALENDAR", ""]).encode()


def days(*texts: str) -> tuple[list[str], date | None]:
    found = read_events(events(*texts), *first_and_last(YEAR))
    return sorted(f"{day:%Y%m%d}" for day in found.dates), found.ends


@pytest.mark.parametrize(
    ("event", "expected", "ends"),
    [
        ("DTSTART;VALUE=DATE:20270101", ["20270101"], date(2027, 1, 1)),
        ("DTSTART;VALUE=DATE:20270101 DTEND;VALUE=DATE:20270103", ["20270101", "20270102"], date(2027, 1, 2)),
        ("DTSTART;VALUE=DATE:20270101 DURATION:P2D", ["20270101", "20270102"], date(2027, 1, 2)),
        ("DTSTART;VALUE=DATE:20261231 DTEND;VALUE=DATE:20270102", ["20261231", "20270101"], date(2027, 1, 1)),
        ("DTSTART;VALUE=DATE:20200501 RRULE:FREQ=YEARLY", ["20270501", "20280501"], None),
        ("DTSTART;VALUE=DATE:20200501 RRULE:FREQ=YEARLY;UNTIL=20270601", ["20270501"], date(2027, 5, 1)),
        ("DTSTART;VALUE=DATE:20270524 RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", ["20270531", "20280529"], None),
        ("DTSTART;VALUE=DATE:20270104 RRULE:FREQ=WEEKLY;COUNT=3 EXDATE;VALUE=DATE:20270111", ["20270104", "20270118"], date(2027, 1, 18)),
        ("DTSTART;VALUE=DATE:20270104 RDATE;VALUE=DATE:20270401", ["20270104", "20270401"], date(2027, 4, 1)),
        ("DTSTART:20270101T090000Z DTEND:20270101T100000Z", [], date.min),
        ("DTSTART;VALUE=DATE:20270101 STATUS:CANCELLED", [], date.min),
        ("DTSTART;VALUE=DATE:20310101", [], date(2031, 1, 1)),
    ],
)  # fmt: skip
def test_the_days_of_an_event(event: str, expected: list[str], ends: date | None) -> None:
    result, last = days(event)
    # The first day of a rule counts even if the rule itself does not name it, as RFC 5545 says.
    assert [day for day in result if day != "20270524"] == expected
    assert last == ends


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["DTSTART;VALUE=DATE:20270231"], "the DTSTART of the event"),
        (["DTSTART;VALUE=DATE:20270101 DURATION:P99999999999D"], "the DURATION of the event"),
        (["DTSTART;VALUE=DATE:20270101 EXDATE:soon"], "the EXDATE of the event"),
        (["DTSTART;VALUE=DATE:20270101 RRULE:FREQ=DAILY;UNTIL=x"], "the RRULE of the event"),
        (["DTSTART;VALUE=DATE:20270101 nonsense"], "a line of the event"),
        (["DTSTART;VALUE=DATE:20270101 DTSTART;VALUE=DATE:20270102"], "more than one DTSTART"),
        (["DTSTART;VALUE=DATE:20270101 RRULE:FREQ=HOURLY"], "cannot be expanded"),
        (["DTSTART;VALUE=DATE:20270101 RRULE:FREQ=DAILY;INTERVAL=0"], "cannot be expanded"),  # dateutil never ends
        (["DTSTART;VALUE=DATE:20270101 RRULE:FREQ=YEARLY;BYEASTER=1"], "cannot be expanded"),
        (["DTSTART;VALUE=DATE:20270101 RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"] * 500, "too many"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_read_or_expanded_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        days(*texts)
    assert caught.value.code == "calendar-rule"


def test_what_is_ignored_in_the_rule_of_an_all_day_event() -> None:
    hours = ",".join(map(str, range(24)))
    assert days(f"DTSTART;VALUE=DATE:20200229 RRULE:FREQ=YEARLY;BYHOUR={hours};BYMINUTE=0") == (["20280229"], None)


@pytest.mark.parametrize("data", [b"", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270101\n"])
def test_a_file_that_does_not_end_is_refused(data: bytes) -> None:
    with pytest.raises(SpecError) as caught:
        read_events(data, *first_and_last(YEAR))
    assert caught.value.code == "calendar-file"


def test_a_calendar_without_an_end_has_none_whatever_else_it_holds() -> None:
    assert days("DTSTART;VALUE=DATE:20270101", "DTSTART;VALUE=DATE:20200501 RRULE:FREQ=YEARLY")[1] is None


def test_a_large_file_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(SpecError) as caught:
        read_events(b" " * (1024 * 1024 + 1), *first_and_last(YEAR))
    assert caught.value.code == "calendar-file"


@pytest.mark.parametrize(("package", "raw"), [("holidays", {"country": "DE"}), ("icalendar", {"file": "a.ics"})])
def test_a_missing_extra_is_an_error_with_the_command_that_installs_it(
    package: str, raw: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SpecError) as caught:
        # Another year than in other tests, as results are remembered.
        from_mapping(raw, 2031, CalendarFiles({"a.ics": events()}))
    assert (caught.value.code, caught.value.hint) == ("calendar-unavailable", 'pip install "beatsync[calendars]"')


COUNTRIES = [("DE", "BY"), ("US", None), ("GB", None), ("TW", None), ("JP", None), ("CN", None)]
WEEKDAYS = frozenset(range(1, 6))


@pytest.mark.parametrize(("country", "subdivision"), COUNTRIES)
@pytest.mark.parametrize(("start", "end"), [(8 * 60, 18 * 60), (8 * 60 + 30, 18 * 60 + 15)])
def test_the_holidays_of_a_country_need_fewer_than_100_rows(
    country: str, subdivision: str | None, start: int, end: int
) -> None:
    raw = {"country": country} if subdivision is None else {"country": country, "subdivision": subdivision}
    holidays = from_mapping(raw, YEAR, NO_FILES).dates
    clauses = (Clause("office", 1, Window(WEEKDAYS, start, end, excluded=holidays)), Clause("otherwise", 15, None))
    best = 1.0
    for _ in range(5):
        for cached in (compile_rows, cover_days, cover_pairs):
            cached.cache_clear()
        begin = time.process_time()
        rows = compile_rows(clauses, YEAR)
        best = min(best, time.process_time() - begin)
    assert 5 < len(rows) < 100
    assert best < 0.025, "5 ms on an idle machine"


def test_schedules_with_the_same_windows_are_compiled_once() -> None:
    windows = 'windows: {office: {days: mon-fri, from: "08:00", to: "18:00"}}\n'
    names = [f"tenant-{number}" for number in range(2_000)]

    def cost(body: str) -> float:
        text = windows + "schedules:\n" + "".join(f"  {name}: {{task: t, {body}, queue: a}}\n" for name in names)
        file, inputs = SourceFile("a.yaml", text.encode()), inputs_of(YEAR, ())
        best = 60.0
        for _ in range(5):
            begin = time.process_time()
            assert not parse_file(file, ParseOptions(), inputs).diagnostics
            best = min(best, time.process_time() - begin)
        return best

    # A little more than the half that is allowed, as a loaded machine measures badly.
    assert cost("every: {office: 1m, otherwise: 15m}") < 1.8 * cost("crontab: '*/15 8-18 * * mon-fri'")


def test_many_crontabs_from_hashes_are_reported_once() -> None:
    def facts(path: str, numbers: range) -> FileFacts:
        return FileFacts(path, hashed=frozenset(f"{number} * * * * UTC" for number in numbers))

    files = [facts("b.yaml", range(MAX_HASHED)), facts("a.yaml", range(MAX_HASHED - 1))]
    assert cross_check(files, None) == ()
    (warning,) = cross_check([*files, facts("c.yaml", range(MAX_HASHED, MAX_HASHED + 1))], None)
    assert (warning.code, warning.location.path) == ("hash-crontabs", "a.yaml")
    assert "2,001" in warning.message


def test_the_facts_hold_the_crontabs_that_come_from_hashes() -> None:
    text = b"schedules:\n  a: {task: t, crontab: H 2 * * *}\n  b: {task: t, crontab: 5 2 * * *}\n"
    (crontab,) = parse_file(SourceFile("a.yaml", text), ParseOptions(timezone="Europe/Berlin")).facts.hashed
    assert crontab.endswith(" 2 * * * Europe/Berlin")
