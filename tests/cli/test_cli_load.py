"""`beatsync load`: how runs lie over hours and days, and how to spread them."""

from __future__ import annotations

import json

import pytest

from tests.cli.commanding import InProcess, Shell

SPEC = """\
schedules:
  nightly-a: {task: shop.bill, crontab: "0 2 * * *", queue: billing}
  nightly-b: {task: shop.bill, crontab: "0 2 * * *", queue: billing}
  nightly-c: {task: shop.bill, crontab: "0 2 * * *"}
  hourly: {task: shop.tick, crontab: "0 * * * *"}
"""
WEEK = ("--at", "2027-03-22", "--timezone", "Europe/Berlin")


def test_a_heat_map_with_the_busiest_minutes_and_a_proposal(here: InProcess) -> None:
    here.spec(SPEC)
    lines = here("load", "--spread", *WEEK).out.splitlines()
    assert lines[0] == "Load from Mon 2027-03-22 00:00 +01:00 until Mon 2027-03-29 01:00 +02:00 (Europe/Berlin)"
    assert lines[1] == "189 runs, 0.019 in a minute on average, 4 in the busiest minute: 213 times the average"
    assert lines[4] == "Mon 2027-03-22 ▁▁ ▁▁ ██ " + " ".join(["▁▁"] * 21) + "     27"
    # The night in which the clocks skip the hour from 2 to 3.
    assert lines[10] == "Sun 2027-03-28 ▁▁ ▁▁    ██ " + " ".join(["▁▁"] * 20) + "     26"
    assert "               ▁▂▃▄▅▆▇█ from 1 to 4 runs an hour" in lines
    assert "billing            14               2    █" in "\n".join(lines)
    assert "  Mon 2027-03-22 02:00 +01:00  4 runs, and 6 more minutes of the same schedules" in lines
    assert "    hourly, nightly-a, nightly-b, nightly-c" in lines
    # celery before 5.7 runs the skipped times of that night at one time, so the proposals are those of the week before.
    lines = here("load", "--spread", "--at", "2027-03-15", "--timezone", "Europe/Berlin").out.splitlines()
    assert "Spread: 1 instead of 4 in the busiest minute, if 3 schedules had another minute" in lines
    assert "With `H` as the minute of 4 schedules: 1 instead of 4" in lines


def test_json_has_the_figures_by_hour_and_queue(here: InProcess) -> None:
    here.spec(SPEC)
    document = here("load", "--spread", "--format", "json", "--between", "2027-03-22", "2027-03-23").matching("load")
    assert (document["runs"], document["peak"], document["peak_at"]) == (27, 4, "2027-03-22T02:00:00+00:00")
    assert document["peak_to_mean"] == 213.333
    assert document["hours"] == [1, 1, 4, *[1] * 21]
    assert {queue["queue"]: queue["runs"] for queue in document["queues"]} == {"billing": 2, None: 25}
    assert document["busiest"][0]["schedules"] == ["hourly", "nightly-a", "nightly-b", "nightly-c"]
    spread = document["spread"]["minutes"]
    assert spread["peak"] == 1
    assert len({schedule["proposed"] for schedule in spread["schedules"]}) == 3
    assert here("load", "--format", "json").matching("load")["spread"] is None


def test_nothing_that_runs_is_no_load(here: InProcess) -> None:
    here.spec("schedules:\n  leap: {task: a.b, crontab: '0 0 29 2 *'}\n")
    assert here("load", *WEEK).out.splitlines()[1] == "0 runs, 0 in a minute on average, 0 in the busiest minute"


def test_rows_with_their_queues(here: InProcess) -> None:
    here.spec(SPEC)
    assert here("sync", "--database", here.alias).code == 0
    document = here("load", "--live", "--for", "1d", "--database", here.alias, "--format", "json").matching("load")
    assert {queue["queue"] for queue in document["queues"]} == {"billing", None}
    assert document["peak"] >= 1


def test_a_terminal_without_blocks_gets_ascii_and_django_is_not_needed(shell: Shell) -> None:
    shell.spec(SPEC)
    code = (
        "import sys\nfor name in ('django', 'django_celery_beat'): sys.modules[name] = None\n"
        "from beatsync.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    ascii_only = shell.run("-c", code, "load", *WEEK, env={"PYTHONIOENCODING": "ascii"})
    assert (ascii_only.code, ascii_only.err) == (0, "")
    assert ascii_only.out.isascii()
    assert "Mon 2027-03-22 .. .. @@ .." in ascii_only.out
    assert json.loads(shell.run("-c", code, "load", *WEEK, "--format", "json").out)["peak"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--for", "36d"), "the load of at most 35 days can be shown"),
        (("--between", "2027-01-02", "2027-01-01"), "--between: B is not after A"),
    ],
)
def test_a_wrong_call_names_the_problem(here: InProcess, words: tuple[str, ...], message: str) -> None:
    here.spec(SPEC)
    result = here("load", *words)
    assert (result.code, result.out) == (64, "")
    assert message in result.err


def test_invalid_files_exit_with_3(here: InProcess) -> None:
    here.spec("schedules:\n  nightly: {task: a.b, crontab: '0 25 * * *'}\n")
    result = here("load")
    assert (result.code, result.out) == (3, "")
    assert "[crontab-range]" in result.err
