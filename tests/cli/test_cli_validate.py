"""`beatsync validate`: checks spec files, without a database or Django."""

from __future__ import annotations

import json
import os
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.cli.commanding import ROOT, CommandResult, InProcess, Shell

VALID = """\
schedules:
  nightly: {task: shop.bill, crontab: "0 2 * * *", timezone: UTC}
  tick: {task: shop.tick, interval: 30s}
"""
INVALID = """\
schedules:
  nightly: {task: shop.bill, crontab: "0 25 * * *", timezone: UTC}
  tick: {tsk: shop.tick, task: shop.tick, interval: 30s}
"""


def test_valid_files_are_counted_and_exit_with_0(here: InProcess) -> None:
    here.spec(VALID)
    assert here("validate") == CommandResult(0, "1 file, 2 schedules: valid\n", "")


def test_an_error_is_shown_at_its_position_with_a_hint_and_exits_with_3(here: InProcess) -> None:
    here.spec(INVALID)
    result = here("validate")
    assert result.code == 3
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[0].startswith("schedules.d/tasks.yaml:2:39: error: hour: 25 ")
    assert lines[0].endswith(" [crontab-range]")
    assert lines[1] == '  |   nightly: {task: shop.bill, crontab: "0 25 * * *", timezone: UTC}'
    assert lines[2].index("^") - 4 == 38
    assert "  hint: did you mean `task`?" in lines
    assert lines[-1] == "1 file, 1 valid schedule: 2 errors"


def test_the_problems_of_all_files_are_reported_at_once(here: InProcess) -> None:
    here.spec("schedules:\n  a: {task: t}\n", "schedules.d/a.yaml")
    here.spec("schedules: [", "schedules.d/deep/b.yml")
    here.spec(VALID, "schedules.d/c.yaml")
    result = here("validate", "--format", "json")
    assert result.code == 3
    report = result.matching("validate")
    assert {item["path"] for item in report["diagnostics"]} == {"schedules.d/a.yaml", "schedules.d/deep/b.yml"}
    assert report["files"] == 3


def test_a_single_file_can_be_validated(here: InProcess) -> None:
    here.spec(INVALID, "schedules.d/bad.yaml")
    good = here.spec(VALID, "schedules.d/good.yaml")
    assert here("validate", str(good)).code == 0
    result = here("validate", "schedules.d/bad.yaml")
    assert result.code == 3
    assert result.out.startswith("schedules.d/bad.yaml:2:")


def test_paths_are_relative_to_the_working_directory(here: InProcess) -> None:
    here.spec(INVALID)
    expected = here("validate", "--format", "github")
    assert "file=schedules.d/tasks.yaml," in expected.out
    assert here("validate", str(here.path / "schedules.d"), "--format", "github") == expected
    assert here("validate", "--format", "github", settings={"DIR": here.path / "schedules.d"}) == expected


def test_a_missing_directory_exits_with_1_and_suggests_init(here: InProcess) -> None:
    result = here("validate", "elsewhere")
    assert (result.code, result.out) == (1, "")
    assert "there is no directory elsewhere" in result.err
    assert "create it with `beatsync init elsewhere`" in result.err


def test_json_matches_its_schema(here: InProcess) -> None:
    here.spec(VALID)
    result = here("validate", "--format", "json")
    assert result.code == 0
    expected = {"format_version": 1, "files": 1, "schedules": 2, "diagnostics": [], "acknowledged": 0}
    assert result.matching("validate") == expected
    here.spec(INVALID)
    result = here("validate", "--format", "json")
    assert result.code == 3
    first = result.matching("validate")["diagnostics"][0]
    assert (first["severity"], first["code"], first["line"], first["column"]) == ("error", "crontab-range", 2, 39)


def test_github_format_prints_a_workflow_command_for_each_problem(here: InProcess) -> None:
    here.spec(INVALID)
    result = here("validate", "--format", "github")
    assert result.code == 3
    first, second, totals = result.out.splitlines()
    assert first.startswith("::error file=schedules.d/tasks.yaml,line=2,col=39,title=beatsync crontab-range::hour: 25 ")
    assert second.startswith("::error file=schedules.d/tasks.yaml,line=3,")
    assert totals == "1 file, 1 valid schedule: 2 errors"


def test_sarif_and_junit_can_be_parsed(here: InProcess) -> None:
    here.spec(INVALID)
    sarif = here("validate", "--format", "sarif")
    assert sarif.code == 3
    assert [item["ruleId"] for item in json.loads(sarif.out)["runs"][0]["results"]] == ["crontab-range", "unknown-key"]
    junit = here("validate", "--format", "junit")
    assert junit.code == 3
    root = ET.fromstring(junit.out)
    assert (root.get("tests"), root.get("failures")) == ("1", "1")


@pytest.mark.parametrize("output_format", ["text", "json", "github", "sarif", "junit"])
def test_a_secret_in_an_invalid_file_is_not_shown(here: InProcess, output_format: str) -> None:
    here.spec("schedules:\n  a: {task: t, interval: 1h, kwargs: {password: hunter2, at: 12:30}}\n")
    result = here("validate", "--format", output_format)
    assert result.code == 3
    assert "hunter2" not in result.out + result.err


def test_warnings_are_reported_and_exit_with_0(here: InProcess) -> None:
    here.spec(VALID.replace("tick:", "NIGHTLY:"))
    result = here("validate")
    assert "schedules.d/tasks.yaml:3:3: warning: " in result.out
    assert result.out.endswith("1 file, 2 schedules: valid, 2 warnings\n")
    assert result.code == 0


def test_the_environment_selects_schedules_and_an_unknown_zone_is_wrong_usage(here: InProcess) -> None:
    here.spec(VALID + "  live: {task: t, interval: 1h, only: [production]}\n")
    assert "2 schedules" in here("validate", "--env", "staging").out
    assert "3 schedules" in here("validate", "--env", "production").out
    wrong = here("validate", "--timezone", "Mars/Olympus")
    assert wrong.code == 64
    assert "there is no time zone 'Mars/Olympus'" in wrong.err


def test_quiet_prints_only_problems(here: InProcess) -> None:
    here.spec(VALID)
    result = here("validate", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    here.spec(INVALID)
    assert "2 errors" in here("validate", "--quiet").out


@pytest.mark.parametrize("folder", [".", "services", "services/shop/specs", "/"])
def test_github_and_sarif_get_paths_from_the_root_of_the_repository(
    here: InProcess, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (here.path / ".git").mkdir()
    here.spec(INVALID, "services/shop/specs/a.yaml")
    monkeypatch.chdir(here.path / folder)
    specs = os.path.relpath(here.path / "services/shop/specs")
    assert "file=services/shop/specs/a.yaml,line=" in here("validate", specs, "--format", "github").out
    (run,) = here("validate", specs, "--format", "sarif").json["runs"]
    places = run["results"][0]["locations"][0]["physicalLocation"]
    assert places["artifactLocation"]["uri"] == "services/shop/specs/a.yaml"
    assert f"{specs}/a.yaml:".removeprefix("./") in here("validate", specs).out


@pytest.mark.parametrize(
    "hook", yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()), ids=lambda hook: hook["id"]
)
def test_the_pre_commit_hooks_take_a_directory_and_say_so(here: InProcess, hook: dict[str, Any]) -> None:
    here.spec(VALID, "services/shop/specs/a.yaml")
    assert "args to [DIR] and files to ^DIR/" in hook["description"]
    command = hook["entry"].split()[1:]
    assert here(*command).code == 1
    assert here(*command, "services/shop/specs").code in {0, 2}


def test_verbose_prints_the_steps_to_standard_error(here: InProcess) -> None:
    here.spec(VALID)
    result = here("validate", "--verbose", "--format", "json")
    result.matching("validate")
    assert "parsing files: " in result.err


def test_neither_django_nor_a_database_is_needed(shell: Shell) -> None:
    shell.spec(VALID + "  dawn: {task: t, solar: {event: sunrise, latitude: 1, longitude: 2}}\n")
    # Importing Django fails, as if it were not installed.
    program = (
        "import sys\nfor name in ('django', 'django_celery_beat'): sys.modules[name] = None\n"
        "from beatsync.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    result = shell.run("-c", program, "validate", env={"BEATSYNC_DATABASE_URL": "postgres://nobody@127.0.0.1:1/x"})
    assert (result.code, result.out, result.err) == (0, "1 file, 3 schedules: valid\n", "")
    assert sorted(path.name for path in shell.path.iterdir()) == ["schedules.d"]


def test_an_empty_directory_is_valid(here: InProcess) -> None:
    (here.path / "schedules.d").mkdir()
    result = here("validate")
    assert (result.code, result.out) == (0, "0 files, 0 schedules: valid\n")


WARNED = 'schedules:\n  friday: {task: shop.bill, crontab: "0 2 13 * fri", timezone: UTC}'


def test_strict_makes_warnings_errors_unless_they_are_acknowledged(here: InProcess) -> None:
    here.spec(f"{WARNED}\n")
    assert here("validate").code == 0
    result = here("validate", "--strict")
    assert (result.code, result.out.splitlines()[-1]) == (3, "1 file, 1 valid schedule: 1 error")
    assert ": error: " in result.out
    here.spec(f"{WARNED} # beatsync: ignore[crontab-and] Friday the 13th\n")
    assert here("validate", "--strict") == CommandResult(0, "1 file, 1 schedule: valid, 1 warning acknowledged\n", "")
    assert here("validate", "--format", "json").matching("validate")["acknowledged"] == 1
