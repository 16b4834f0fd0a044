"""`beatsync next`: the next runs, from files or from rows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import celery
import pytest
import time_machine

from tests.cli.commanding import InProcess, Shell
from tests.conftest import task_maker

SPEC = """\
defaults: {timezone: Europe/Berlin}
windows: {office: {days: mon-fri, from: "08:00", to: "10:00"}}
schedules:
  nightly: {task: shop.bill, crontab: "30 2 * * *"}
  tick: {task: shop.tick, interval: 6h}
  refresh: {task: shop.tick, every: {office: 1h, otherwise: 12h}}
  once: {task: shop.tick, clocked: 2027-03-28T12:00:00Z}
  dormant: {task: shop.tick, crontab: "* * * * *", enabled: false}
  ended: {task: shop.tick, crontab: "* * * * *", expires: 2027-03-26T20:01:00Z}
  later: {task: shop.tick, interval: 5h, start_time: 2027-03-27T00:00:00Z}
"""
START = datetime(2027, 3, 26, 20, tzinfo=timezone.utc)


def runs(here: InProcess, *words: str) -> list[tuple[str, str]]:
    result = here("next", *words, "--format", "json")
    assert result.code == 0, result.err
    return [(run["name"], run["at"].removesuffix("+00:00")) for run in result.matching("next")["runs"]]


def test_a_window_includes_its_first_instant_and_not_its_last(here: InProcess) -> None:
    here.spec(SPEC)
    window = ("--between", "2027-03-26T01:30:00Z", "2027-03-27T01:30:00Z")
    assert runs(here, *window, "nightly") == [("nightly", "2027-03-26T01:30:00")]
    assert runs(here, "--between", "2027-03-28T01:30:00Z", "2027-03-28T12:00:00Z", "once") == []
    assert runs(here, "--between", "2027-03-28T12:00:00Z", "2027-03-28T12:00:01Z", "once") == [
        ("once", "2027-03-28T12:00:00")
    ]


def test_all_runs_in_order_with_groups_as_one_schedule(here: InProcess) -> None:
    here.spec(SPEC)
    assert runs(here, "--at", "2027-03-26T20:00:00Z", "--for", "12h") == [
        ("ended", "2027-03-26T20:00:00"),
        ("refresh", "2027-03-26T23:00:00"),
        ("later", "2027-03-27T00:00:00"),
        ("nightly", "2027-03-27T01:30:00"),
        ("tick", "2027-03-27T02:00:00"),
        ("later", "2027-03-27T05:00:00"),
    ]


def test_count_alone_looks_as_far_as_it_must(here: InProcess) -> None:
    here.spec("schedules:\n  leap: {task: a.b, crontab: '0 0 29 2 *'}\n")
    assert [at for _, at in runs(here, "leap", "--at", "2026-01-01", "--count", "2")] == [
        "2028-02-29T00:00:00",
        "2032-02-29T00:00:00",
    ]


# When celery runs a time that the clocks skip: the releases before 5.7 at the end of the gap.
SKIPPED = "Sun 2027-03-28 03:30:00 +02:00  2027-03-28 01:30:00 UTC  in 1 h 30 min  "
if celery.VERSION < (5, 7):
    SKIPPED = "Sun 2027-03-28 03:00:00 +02:00  2027-03-28 01:00:00 UTC  in 1 h         "


def test_text_shows_local_time_utc_and_words_over_a_clock_change(here: InProcess) -> None:
    here.spec(SPEC)
    result = here("next", "schedules.d", "nightly", "tick", "--at", "2027-03-28T00:00:00Z", "--for", "7h")
    *lines, note = result.out.splitlines()
    assert lines == [
        "Runs from 2027-03-28 00:00:00 UTC until 2027-03-28 07:00:00 UTC",
        "",
        f"{SKIPPED} nightly  At 02:30, every day (Europe/Berlin)",
        "Sun 2027-03-28 06:00:00 +00:00  2027-03-28 06:00:00 UTC  in 6 h          tick  Every 6h",
        "",
    ]
    assert note.startswith("Intervals count from 2027-03-28 00:00:00 UTC: files do not say when a task last ran.")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("tock",), 1, "there is no schedule named 'tock' (did you mean 'tick'?) in schedules.d"),
        (("--at", "noon"), 64, "--at: 'noon' is not an ISO 8601 date and time"),
        (("--between", "2027-01-02", "2027-01-02"), 64, "--between: B is not after A"),
        (("--between", "2027-01-02", "2027-01-03", "--for", "1h"), 64, "--between names both ends"),
        (("--count", "0"), 64, "0 is not in the range"),
        (("--count", "9" * 20), 64, "is not in the range"),
        (("--for", "0"), 64, "'0' is zero"),
        (("--at", "9999-12-31T00:00:00Z"), 64, "is not in the years 1000 to 9800"),
        (("--at", "0001-01-01T00:00:00Z", "--count", "1"), 64, "is not in the years 1000 to 9800"),
        (("--at", "9800-12-31T00:00:00Z", "--for", "2d"), 64, "--for: the end is after the year 9800"),
        (("日" * 200,), 1, "there is no schedule named"),
    ],
)
def test_a_wrong_call_names_the_problem(here: InProcess, words: tuple[str, ...], code: int, message: str) -> None:
    here.spec(SPEC)
    result = here("next", *words)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_invalid_files_exit_with_3_and_are_explained(here: InProcess) -> None:
    here.spec("schedules:\n  nightly: {task: a.b, crontab: '0 25 * * *'}\n")
    result = here("next")
    assert (result.code, result.out) == (3, "")
    assert "[crontab-range]" in result.err


def test_neither_django_nor_a_database_is_needed(shell: Shell) -> None:
    shell.spec(SPEC)
    code = (
        "import sys\nfor name in ('django', 'django_celery_beat'): sys.modules[name] = None\n"
        "from beatsync.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    result = shell.run("-c", code, "next", "nightly", "--at", "2027-01-01T00:00:00Z", "--format", "json")
    assert (result.code, result.err) == (0, "")
    assert [run["local"] for run in json.loads(result.out)["runs"]] == ["2027-01-01T02:30:00+01:00"]


def live_runs(here: InProcess, hours: int) -> list[tuple[str, str]]:
    with time_machine.travel(START, tick=False):
        return runs(here, "--live", "--for", f"{hours}h", "--database", here.alias)


def test_rows_count_from_their_last_runs(here: InProcess) -> None:
    make: Any = task_maker(here.alias)
    hour = timedelta(hours=1)
    make("recent", last_run_at=START - 0.25 * hour)
    make("overdue", last_run_at=START - 30 * hour)
    make("switched-off", enabled=False, last_run_at=START - hour)
    make("finished", one_off=True, total_run_count=1, last_run_at=START - hour)
    assert live_runs(here, 2) == [
        ("overdue", "2027-03-26T20:00:00"),
        ("recent", "2027-03-26T20:45:00"),
        ("overdue", "2027-03-26T21:00:00"),
        ("recent", "2027-03-26T21:45:00"),
    ]
