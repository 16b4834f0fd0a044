"""`beatsync plan`: shows what a sync would change, and writes nothing."""

from __future__ import annotations

import json

import pytest

from tests.cli.commanding import InProcess
from tests.conftest import task_maker

SPEC = """\
schedules:
  nightly: {task: shop.bill, crontab: "30 2 * * mon-fri", kwargs: {token: hunter2, dry_run: false}}
  tick: {task: shop.tick, interval: 30s}
"""
MANY = "schedules:\n" + "".join(f"  task-{n}: {{task: t, interval: 1h}}\n" for n in range(8))


def test_a_plan_shows_the_changes_and_writes_nothing(here: InProcess) -> None:
    here.spec(SPEC)
    before = here.tables()
    result = here("plan")
    assert here.tables() == before
    assert (result.code, result.err) == (0, "")
    assert "  + nightly\n" in result.out
    assert "30 2 * * 1-5  (At 02:30, Monday to Friday)" in result.out
    assert result.out.endswith("\n2 to create, 0 unchanged.\n")


def test_detailed_exitcode_is_2_only_if_there_are_changes(here: InProcess) -> None:
    here.spec(SPEC)
    assert here("plan", "--detailed-exitcode").code == 2
    assert here("sync").code == 0
    result = here("plan", "--detailed-exitcode")
    assert (result.code, result.out) == (0, "Nothing to do: 2 unchanged.\n")


def test_json_matches_its_schema_and_holds_the_changes(here: InProcess) -> None:
    here.spec(SPEC)
    plan = here("plan", "--format", "json").matching("plan")
    assert (plan["applied"], plan["source"], plan["summary"]["create"]) == (False, "default", 2)
    nightly = plan["changes"][0]
    assert nightly["location"] == {"path": "schedules.d/tasks.yaml", "line": 2, "column": 3}
    assert {field["field"]: field["after"] for field in nightly["fields"]} == {
        "task": "shop.bill",
        "crontab": "30 2 * * 1-5",
        "timezone": "UTC",
        "kwargs": '{"dry_run": false, "token": "***"}',
    }


def test_drift_and_changes_of_the_files_are_distinguished(here: InProcess) -> None:
    from django_celery_beat.models import PeriodicTask

    here.spec(SPEC)
    here("sync")
    PeriodicTask.objects.filter(name="tick").update(queue="slow")
    here.spec(SPEC.replace("30s", "1m"))
    result = here("plan")
    assert "  ~ tick\n      interval  30s → 1m\n" in result.out
    assert '      queue     "slow" → none  (drift)\n' in result.out
    [change] = here("plan", "--format", "json").matching("plan")["changes"]
    assert {field["field"]: field["cause"] for field in change["fields"]} == {"interval": "spec", "queue": "drift"}


@pytest.mark.parametrize("output_format", ["text", "json", "markdown"])
def test_a_secret_is_neither_shown_nor_saved(here: InProcess, output_format: str) -> None:
    here.spec(SPEC)
    here("sync")
    here.spec(SPEC.replace("hunter2", "hunter3"))
    result = here("plan", "--format", output_format, "--out", "plan.json")
    assert "*** (after)" in result.out
    saved = (here.path / "plan.json").read_text(encoding="utf-8")
    assert "hunter" not in result.out + result.err + saved


def test_markdown_shows_a_diff_below_a_heading(here: InProcess) -> None:
    here.spec(SPEC)
    lines = here("plan", "--format", "markdown").out.splitlines()
    assert lines[0] == "### BeatSync: `default`"
    assert "2 to create, 0 unchanged." in lines[2]
    assert lines[4] == "```diff"
    assert lines[5] == "+ nightly"
    assert lines[-1] == "```"


def test_an_invalid_file_exits_with_3_and_saves_nothing(here: InProcess) -> None:
    here.spec(SPEC)
    here.spec("schedules:\n  broken: {task: t}\n", "schedules.d/broken.yaml")
    result = here("plan", "--out", "plan.json", "--format", "json")
    assert result.code == 3
    assert result.matching("plan")["diagnostics"][0]["path"] == "schedules.d/broken.yaml"
    assert not (here.path / "plan.json").exists()


def test_an_invalid_file_is_isolated_with_the_flag(here: InProcess) -> None:
    here.spec(SPEC)
    here.spec("schedules:\n  broken: {task: t}\n", "schedules.d/broken.yaml")
    result = here("plan", "--on-invalid", "isolate", "--detailed-exitcode")
    assert result.code == 2
    assert "schedules.d/broken.yaml:2:3: error: " in result.out
    assert result.out.endswith("2 to create, 0 unchanged.\n")


def test_a_conflict_exits_with_4_names_the_row_and_the_flag_and_saves_nothing(here: InProcess) -> None:
    task_maker(here.alias)("tick")
    here.spec(SPEC)
    result = here("plan", "--out", "plan.json")
    assert result.code == 4
    assert "blocked: a row named 'tick' exists and BeatSync does not own it" in result.out
    assert "--adopt takes ownership of it" in result.out
    assert not (here.path / "plan.json").exists()
    assert "~ tick (adopt)" in here("plan", "--adopt").out


def test_too_many_deletions_exit_with_4_unless_the_plan_is_saved(here: InProcess) -> None:
    here.spec(MANY)
    here("sync")
    here.spec("schedules:\n  task-0: {task: t, interval: 1h}\n")
    result = here("plan", "--format", "json")
    assert result.code == 4
    [blocked] = result.matching("plan")["blocked"]
    assert (blocked["code"], len(blocked["names"])) == ("max-deletes", 7)
    assert here("plan", "--out", "plan.json").code == 0
    assert here("plan", "--out", "plan.json", "--detailed-exitcode").code == 2
    assert here("plan", "--max-deletes", "7").code == 0
    assert here("plan", "--max-deletes", "80%").code == 4
    assert here("plan", "--max-deletes", "100%").code == 0


def test_a_saved_plan_is_the_json_output_with_the_flags(here: InProcess) -> None:
    here.spec(SPEC)
    result = here("plan", "--format", "json", "--out", "plan.json", "--adopt", "--max-deletes", "5", "--env", "live")
    assert "run `beatsync sync --plan plan.json` to apply exactly this plan" in result.err
    saved = json.loads((here.path / "plan.json").read_text(encoding="utf-8"))
    assert saved.pop("digest")
    assert saved.pop("options") == {
        "adopt": True,
        "allow_empty": False,
        "catch_up": False,
        "accept_origin": False,
        "max_deletes": "5",
        "on_invalid": "refuse",
        "timezone": "UTC",
    }
    # Printed paths are relative to the working directory, saved ones to the source.
    shown = result.matching("plan")
    for change in shown["changes"]:
        change["location"]["path"] = change["location"]["path"].removeprefix("schedules.d/")
    assert saved == shown


def test_a_plan_that_cannot_be_saved_is_an_error(here: InProcess) -> None:
    here.spec(SPEC)
    result = here("plan", "--out", "missing/plan.json")
    assert result.code == 1
    assert "missing/plan.json cannot be written: No such file or directory" in result.err


def test_a_schedule_that_fires_at_once_is_marked(here: InProcess) -> None:
    here.spec("schedules:\n  dawn: {task: t, interval: 1h, start_time: 2020-01-01T00:00:00Z}\n")
    assert "fires at once" not in here("plan").out
    result = here("plan", "--catch-up")
    assert "  + dawn\n      fires at once\n" in result.out
    assert here("plan", "--catch-up", "--format", "json").matching("plan")["changes"][0]["fires_at_once"] is True


def test_a_missing_environment_causes_a_warning(here: InProcess) -> None:
    here.spec("schedules:\n  here-only: {task: t, interval: 1h, only: [production]}\n  tick: {task: t, interval: 1h}\n")
    assert here("sync", "--env", "production").code == 0
    result = here("plan")
    assert (result.code, result.err) == (0, "")
    assert "  - here-only\n" in result.out
    assert (
        "schedules.d: warning: this source was last synced under --env production, and this is without --env"
        " [environment-changed]" in result.out
    )
    assert here("sync").code == 0
    assert "warning" not in here("plan").out
