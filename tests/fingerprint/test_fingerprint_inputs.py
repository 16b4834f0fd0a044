"""Files that use windows and calendars are parsed again if what they use changes, and only then."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest

from beatsync.fingerprint import FileRecord, RowFingerprints
from beatsync.fingerprint.scope import Parsing, ScopedSource, scope_source
from beatsync.specfile.facts import facts_from_json, facts_to_json
from beatsync.specfile.parse import ParseOptions
from beatsync.values import Revision, Snapshot, SourceFile

TODAY = date(2027, 6, 1)
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:{}\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
FILES = {
    "shared.yaml": 'shared: {windows: {office: {from: "08:00", to: "18:00", days: mon-fri, except: closed}}, calendars: {closed: {file: closed.ics}}}\n',
    "own.yaml": "windows: {sunday: {days: sun}}\nschedules: {own: {task: t, every: {sunday: 1h}}}\n",
    "plain.yaml": "schedules: {plain: {task: t, interval: 1h}}\n",
    "user.yaml": "schedules: {user: {task: t, every: {office: 5m, otherwise: 1h}}}\n",
}


def scoped(
    files: dict[str, str], records: dict[str, FileRecord], today: date = TODAY, day: str = "20280704"
) -> ScopedSource:
    snapshot = Snapshot(
        tuple(SourceFile(path, text.encode()) for path, text in sorted(files.items())),
        Revision("0" * 64),
        calendars=(SourceFile("closed.ics", ICS.format(day).encode()),),
    )
    names = {name for record in records.values() for each in record.facts.schedules for name in each.row_names}
    rows = RowFingerprints(dict.fromkeys(names, "same"))
    return scope_source(snapshot, ParseOptions(), records, rows, (), Parsing(today, lambda *_: None))


def recorded(source: ScopedSource) -> dict[str, FileRecord]:
    """Return the records that a sync writes, as the next one reads them."""
    assert not source.desired.diagnostics
    records = {}
    for path, facts in source.facts.items():
        digests = {name: "same" for each in facts.schedules if each.task for name in each.row_names}
        records[path] = FileRecord(source.fingerprints[path], facts_from_json(path, facts_to_json(facts)), digests)
    return records


@pytest.fixture(scope="module")
def records() -> dict[str, FileRecord]:
    return recorded(scoped(FILES, {}))


def test_nothing_is_parsed_if_nothing_changed(records: dict[str, FileRecord]) -> None:
    source = scoped(FILES, records)
    assert source.facts == {}
    names = {"own", "plain", "user", "user#2", "user#3"} | {f"user#{number}" for number in range(4, 20)}
    assert {"own", "plain", "user#3"} <= source.desired.unchanged <= names
    groups = source.desired.unchanged_groups
    assert (groups["own"], groups["user"], groups["user#2"]) == ("own", "user", "user")
    assert "plain" not in groups


@pytest.mark.parametrize(
    "change",
    [
        partial(scoped, {**FILES, "shared.yaml": FILES["shared.yaml"].replace("18:00", "19:00")}),
        partial(scoped, {**FILES, "new.yaml": "shared: {windows: {evening: {days: sun}}}\n"}),
        partial(scoped, FILES, day="20280703"),
        partial(scoped, FILES, today=date(2028, 1, 1)),
    ],
    ids=["window", "new-window", "ics", "year"],
)
def test_whatever_uses_an_input_is_parsed_again_if_one_changed(
    change: partial[ScopedSource], records: dict[str, FileRecord]
) -> None:
    source = change(records=records)
    assert {"shared.yaml", "own.yaml", "user.yaml"} <= source.facts.keys()
    assert "plain.yaml" not in source.facts
    # The result is that of a source that is parsed as a whole.
    alone = change(records={})
    again = [each for each in alone.desired.schedules if each.spec.name != "plain"]
    assert list(source.desired.schedules) == again


def test_a_changed_row_of_a_group_brings_its_file_into_scope(records: dict[str, FileRecord]) -> None:
    changed = dict(records)
    digests = {**records["user.yaml"].row_digests, "user#2": "other"}
    changed["user.yaml"] = FileRecord(records["user.yaml"].fingerprint, records["user.yaml"].facts, digests)
    source = scoped(FILES, changed)
    assert source.facts.keys() == {"user.yaml"}
    assert {"user", "user#2", "user#3"} <= (source.scope.names or set())


def test_a_warning_comes_45_days_before_the_recorded_years_end(records: dict[str, FileRecord]) -> None:
    assert records["user.yaml"].facts.horizon == date(2028, 12, 31)
    assert records["own.yaml"].facts.horizon is None
    codes = {
        day: [
            each.code
            for each in scoped(FILES, records, today=day).desired.diagnostics
            if each.location.path == "user.yaml"
        ]
        for day in (date(2028, 11, 15), date(2028, 11, 16), date(2028, 11, 17), date(2029, 2, 1))
    }
    assert list(codes.values()) == [[], *[["calendar-horizon"]] * 3]


def test_a_warning_comes_45_days_before_a_calendar_ends(records: dict[str, FileRecord]) -> None:
    for known in ({}, records):
        for today, expected in ((date(2028, 5, 19), []), (date(2028, 5, 20), ["calendar-ends"])):
            source = scoped(FILES, known, today=today)
            assert [each.code for each in source.desired.diagnostics] == expected


def test_no_day_within_the_compiled_years_is_wrong_after_any_number_of_syncs() -> None:
    # Compiled once at the beginning of a year, the rows are right until the end of the next one.
    early, late = (recorded(scoped(FILES, {}, today=today)) for today in (date(2027, 1, 1), date(2027, 12, 31)))
    assert early["user.yaml"].facts == late["user.yaml"].facts
    weekly = scoped(FILES, late, today=date(2028, 1, 3))
    assert recorded(weekly)["user.yaml"].facts.horizon == date(2029, 12, 31)
