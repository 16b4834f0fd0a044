"""`beatsync validate`: reads, checks, explains; needs neither a database nor Django."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from tests.cli.commanding import Answer, Here, Shell

VALID = """\
schedules:
  nightly: {task: shop.bill, crontab: "0 2 * * *"}
  tick: {task: shop.tick, interval: 30s}
"""
INVALID = """\
schedules:
  nightly: {task: shop.bill, crontab: "0 25 * * *"}
  tick: {tsk: shop.tick, task: shop.tick, interval: 30s}
"""


def test_valid_files_are_counted_and_exit_with_0(here: Here) -> None:
    here.spec(VALID)
    assert here("validate") == Answer(0, "1 file, 2 schedules: valid\n", "")


def test_what_is_wrong_is_shown_at_its_place_with_its_mend_and_exits_with_3(here: Here) -> None:
    here.spec(INVALID)
    answer = here("validate")
    assert answer.code == 3
    assert answer.err == ""
    lines = answer.out.splitlines()
    assert lines[0].startswith("schedules.d/tasks.yaml:2:39: error: hour: 25 ")
    assert lines[0].endswith(" [crontab-range]")
    assert lines[1] == '  |   nightly: {task: shop.bill, crontab: "0 25 * * *"}'
    assert lines[2].index("^") - 4 == 38
    assert "  hint: did you mean `task`?" in lines
    assert lines[-1] == "1 file, 1 schedule: 2 errors"


def test_every_file_is_looked_at_and_all_problems_are_told_at_once(here: Here) -> None:
    here.spec("schedules:\n  a: {task: t}\n", "schedules.d/a.yaml")
    here.spec("schedules: [", "schedules.d/deep/b.yml")
    here.spec(VALID, "schedules.d/c.yaml")
    answer = here("validate", "--format", "json")
    assert answer.code == 3
    report = answer.matching("validate")
    assert {one["path"] for one in report["diagnostics"]} == {"schedules.d/a.yaml", "schedules.d/deep/b.yml"}
    assert report["files"] == 3


def test_one_file_can_be_checked_alone(here: Here) -> None:
    here.spec(INVALID, "schedules.d/bad.yaml")
    good = here.spec(VALID, "schedules.d/good.yaml")
    assert here("validate", str(good)).code == 0
    answer = here("validate", "schedules.d/bad.yaml")
    assert answer.code == 3
    assert answer.out.startswith("schedules.d/bad.yaml:2:")


def test_paths_below_the_directory_where_it_runs_count_from_there(here: Here) -> None:
    here.spec(INVALID)
    said = here("validate", "--format", "github")
    assert "file=schedules.d/tasks.yaml," in said.out
    assert here("validate", str(here.path / "schedules.d"), "--format", "github") == said
    assert here("validate", "--format", "github", settings={"DIR": here.path / "schedules.d"}) == said


def test_a_directory_that_is_not_there_exits_with_1_and_says_what_makes_one(here: Here) -> None:
    answer = here("validate", "elsewhere")
    assert (answer.code, answer.out) == (1, "")
    assert "there is no directory elsewhere" in answer.err
    assert "create it with `beatsync init elsewhere`" in answer.err


def test_json_is_what_its_schema_says(here: Here) -> None:
    here.spec(VALID)
    answer = here("validate", "--format", "json")
    assert answer.code == 0
    assert answer.matching("validate") == {"format_version": 1, "files": 1, "schedules": 2, "diagnostics": []}
    here.spec(INVALID)
    answer = here("validate", "--format", "json")
    assert answer.code == 3
    first = answer.matching("validate")["diagnostics"][0]
    assert (first["severity"], first["code"], first["line"], first["column"]) == ("error", "crontab-range", 2, 39)


def test_github_gets_a_command_for_each_problem(here: Here) -> None:
    here.spec(INVALID)
    answer = here("validate", "--format", "github")
    assert answer.code == 3
    first, second, totals = answer.out.splitlines()
    assert first.startswith("::error file=schedules.d/tasks.yaml,line=2,col=39,title=beatsync crontab-range::hour: 25 ")
    assert second.startswith("::error file=schedules.d/tasks.yaml,line=3,")
    assert totals == "1 file, 1 schedule: 2 errors"


def test_sarif_and_junit_can_be_read_by_their_readers(here: Here) -> None:
    here.spec(INVALID)
    sarif = here("validate", "--format", "sarif")
    assert sarif.code == 3
    assert [one["ruleId"] for one in json.loads(sarif.out)["runs"][0]["results"]] == ["crontab-range", "unknown-key"]
    junit = here("validate", "--format", "junit")
    assert junit.code == 3
    root = ET.fromstring(junit.out)
    assert (root.get("tests"), root.get("failures")) == ("1", "1")


@pytest.mark.parametrize("output_format", ["text", "json", "github", "sarif", "junit"])
def test_a_secret_in_an_invalid_file_is_not_shown(here: Here, output_format: str) -> None:
    here.spec("schedules:\n  a: {task: t, interval: 1h, kwargs: {password: hunter2, at: 12:30}}\n")
    answer = here("validate", "--format", output_format)
    assert answer.code == 3
    assert "hunter2" not in answer.out + answer.err


def test_warnings_alone_are_told_and_exit_with_0(here: Here) -> None:
    here.spec(VALID.replace("tick:", "NIGHTLY:"))
    answer = here("validate")
    assert "schedules.d/tasks.yaml:3:3: warning: " in answer.out
    assert answer.out.endswith("1 file, 2 schedules: valid, 2 warnings\n")
    assert answer.code == 0


def test_an_environment_and_a_zone_change_what_is_declared(here: Here) -> None:
    here.spec(VALID + "  live: {task: t, interval: 1h, only: [production]}\n")
    assert "2 schedules" in here("validate", "--env", "staging").out
    assert "3 schedules" in here("validate", "--env", "production").out
    wrong = here("validate", "--timezone", "Mars/Olympus")
    assert wrong.code == 64
    assert "there is no time zone 'Mars/Olympus'" in wrong.err


def test_quiet_says_nothing_where_nothing_is_wrong_and_all_where_something_is(here: Here) -> None:
    here.spec(VALID)
    answer = here("validate", "--quiet")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    here.spec(INVALID)
    assert "2 errors" in here("validate", "--quiet").out


def test_verbose_tells_its_steps_on_standard_error_only(here: Here) -> None:
    here.spec(VALID)
    answer = here("validate", "--verbose", "--format", "json")
    answer.matching("validate")
    assert "parsing files: " in answer.err


def test_neither_django_nor_a_database_is_wanted(shell: Shell) -> None:
    shell.spec(VALID + "  dawn: {task: t, solar: {event: sunrise, latitude: 1, longitude: 2}}\n")
    # As where Django is not installed: an import of it fails.
    program = (
        "import sys\nfor name in ('django', 'django_celery_beat'): sys.modules[name] = None\n"
        "from beatsync.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    answer = shell.run("-c", program, "validate", env={"BEATSYNC_DATABASE_URL": "postgres://nobody@127.0.0.1:1/x"})
    assert (answer.code, answer.out, answer.err) == (0, "1 file, 3 schedules: valid\n", "")
    assert sorted(path.name for path in shell.path.iterdir()) == ["schedules.d"]


def test_an_empty_directory_is_valid(here: Here) -> None:
    (here.path / "schedules.d").mkdir()
    answer = here("validate")
    assert (answer.code, answer.out) == (0, "0 files, 0 schedules: valid\n")
