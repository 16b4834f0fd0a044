"""`beatsync sync`: applies all changes once, or none."""

from __future__ import annotations

import json

import pytest

from tests.cli.commanding import InProcess
from tests.conftest import task_maker

ONE = "schedules:\n  nightly: {task: shop.bill, interval: 1h, kwargs: {token: hunter2}}\n"
MANY = "schedules:\n" + "".join(f"  task-{n}: {{task: t, interval: 1h}}\n" for n in range(8))
FEW = "schedules:\n  task-0: {task: t, interval: 1h}\n"


@pytest.fixture
def many(here: InProcess) -> InProcess:
    here.spec(MANY)
    assert here("sync").code == 0
    return here


class TestResult:
    def test_a_sync_reports_and_applies_the_changes(self, here: InProcess) -> None:
        here.spec(ONE)
        created = here("sync")
        assert (created.code, created.err) == (0, "")
        assert created.out.endswith("\n1 created, 0 unchanged.\n")
        assert here.rows()["nightly"].task == "shop.bill"

        here.spec(ONE.replace("shop.bill", "shop.invoice"))
        updated = here("sync")
        assert "  ~ nightly\n      task  shop.bill → shop.invoice\n" in updated.out
        assert updated.out.endswith("\n1 updated, 0 unchanged.\n")
        assert here.rows()["nightly"].task == "shop.invoice"

        here.spec("schedules:\n  weekly: {task: shop.bill, interval: 7d}\n")
        assert here("sync", "--max-deletes", "1").out.endswith("\n1 created, 1 deleted, 0 unchanged.\n")
        assert list(here.rows()) == ["weekly"]

    def test_a_second_sync_writes_nothing(self, many: InProcess) -> None:
        before = many.tables()
        assert many("sync").out == "Nothing to do: 8 unchanged.\n"
        assert many("sync", "--quiet").out == ""
        assert many("plan", "--quiet").out == ""
        assert many.tables() == before

    def test_quiet_prints_errors_and_totals_only(self, here: InProcess) -> None:
        here.spec(ONE)
        assert here("plan", "--quiet").out == "1 to create, 0 unchanged.\n"
        assert here("sync", "--quiet").out == "1 created, 0 unchanged.\n"
        here.spec("schedules: {}")
        blocked = here("sync", "--quiet").out
        assert blocked.startswith("blocked: ")
        assert blocked.endswith("\nBlocked, and nothing was written: 1 to delete, 0 unchanged.\n")
        here.spec("schedules: {a: {}}")
        invalid = here("sync", "--quiet").out
        assert "blocked: " not in invalid
        assert invalid.endswith("\nInvalid, and nothing was written: 2 errors.\n")

    def test_characters_of_json_values_are_shown_as_they_are(self, here: InProcess) -> None:
        here.spec('schedules: {täglich: {task: t, interval: 1h, kwargs: {stadt: Zürich, token: geheim, "紙": [é]}}}')
        shown = here("plan").out
        assert '{"stadt": "Zürich", "token": "***", "紙": ["é"]}' in shown
        assert "\\u" not in shown + here("plan", "--format", "json").out + here("plan", "--format", "markdown").out

    def test_json_shows_whether_the_plan_was_applied(self, here: InProcess) -> None:
        here.spec(ONE)
        done = here("sync", "--format", "json").matching("plan")
        assert (done["applied"], done["summary"]["create"]) == (True, 1)
        again = here("sync", "--format", "json").matching("plan")
        assert (again["applied"], again["changes"], again["summary"]["unchanged"]) == (True, [], 1)
        task_maker(here.alias)("backup")
        here.spec(ONE + "  backup: {task: t, interval: 1h}\n")
        refused = here("sync", "--format", "json")
        assert (refused.code, refused.matching("plan")["applied"]) == (4, False)

    def test_markdown_and_text_of_a_blocked_sync_state_that_nothing_was_written(self, here: InProcess) -> None:
        task_maker(here.alias)("nightly")
        here.spec(ONE + "  other: {task: t, interval: 1h}\n")
        for output_format in ("text", "markdown"):
            result = here("sync", "--format", output_format)
            assert result.code == 4
            assert "Blocked, and nothing was written: 1 to create, 0 unchanged." in result.out

    def test_a_secret_is_not_shown(self, here: InProcess) -> None:
        here.spec(ONE)
        result = here("sync", "--verbose")
        assert "hunter2" not in result.out + result.err
        assert json.loads(here.rows()["nightly"].kwargs) == {"token": "hunter2"}

    def test_verbose_prints_each_step_to_standard_error(self, here: InProcess) -> None:
        here.spec(ONE)
        here("sync")
        here.spec(ONE.replace("1h", "2h"))
        result = here("sync", "--verbose", "--format", "json")
        result.matching("plan")
        steps = [line.partition(":")[0] for line in result.err.splitlines()]
        assert steps == [
            "reading files",
            "reading the database",
            "parsing files",
            "comparing with the database",
            "applying",
            "verifying",
        ]


class TestInvalidFiles:
    def test_an_invalid_file_exits_with_3_and_nothing_is_written(self, many: InProcess) -> None:
        many.spec(FEW)
        many.spec("schedules:\n  broken: {task: t, crontab: '61 * * * *'}\n", "schedules.d/broken.yaml")
        before = many.tables()
        result = many("sync")
        assert result.code == 3
        assert "schedules.d/broken.yaml:2:30: error: minute: 61 " in result.out
        assert "nothing was written" in result.out.splitlines()[-1]
        assert many.tables() == before

    def test_isolate_syncs_the_valid_files_and_freezes_the_rows_of_invalid_files(self, many: InProcess) -> None:
        many.spec("schedules:\n  fresh: {task: t, interval: 1h}\n", "schedules.d/a.yaml")
        many.spec("schedules:\n  task-0: {task: t, crontab: '61 * * * *'}\n")
        result = many("sync", "--on-invalid", "isolate")
        assert result.code == 0
        assert "  frozen: task-0, task-1, " in result.out
        assert result.out.endswith("\n1 created, 0 unchanged.\n")
        assert sorted(many.rows()) == ["fresh", *(f"task-{n}" for n in range(8))]
        frozen = many("status", "--format", "json").matching("status")["sources"][0]["conditions"]
        assert {item["name"] for item in frozen if item["condition"] == "frozen"} == {f"task-{n}" for n in range(8)}


class TestGuards:
    def test_a_missing_directory_exits_with_1_and_prunes_nothing(self, many: InProcess) -> None:
        before = many.tables()
        result = many("sync", "moved.d", "--allow-empty", "--max-deletes", "100%")
        assert (result.code, result.out) == (1, "")
        assert "there is no directory moved.d" in result.err
        assert many.tables() == before

    def test_an_empty_directory_prunes_only_with_the_flag(self, many: InProcess) -> None:
        (many.path / "schedules.d" / "tasks.yaml").unlink()
        result = many("sync", "--max-deletes", "8")
        assert result.code == 4
        assert "an empty directory never prunes [empty]" in result.out
        assert "--allow-empty" in result.out
        # Passing one guard does not pass the other.
        also = many("sync", "--allow-empty", "--format", "json").matching("plan")
        assert [item["code"] for item in also["blocked"]] == ["max-deletes"]
        assert len(many.rows()) == 8
        assert many("sync", "--allow-empty", "--max-deletes", "100%").code == 0
        assert many.rows() == {}

    def test_more_deletions_than_the_limit_are_blocked_with_the_list(self, many: InProcess) -> None:
        many.spec(FEW)
        result = many("sync")
        assert result.code == 4
        assert (
            "7 of the 8 schedules that this source owns would be deleted or disabled, and the limit is 3" in result.out
        )
        for number in range(1, 8):
            assert f"  - task-{number}\n" in result.out
        assert "--max-deletes 7 allows it" in result.out
        assert len(many.rows()) == 8
        assert many("sync", "--max-deletes", "6").code == 4
        assert many("sync", "--max-deletes", "7").code == 0
        assert list(many.rows()) == ["task-0"]

    def test_an_invalid_limit_is_wrong_usage(self, many: InProcess) -> None:
        for wrong in ("many", "-1", "101%", ""):
            result = many("sync", "--max-deletes", wrong)
            assert (result.code, result.out) == (64, ""), wrong
            assert "--max-deletes" in result.err

    def test_an_unowned_row_of_the_same_name_blocks_until_it_is_adopted(self, here: InProcess) -> None:
        task_maker(here.alias)("nightly")
        here.spec(ONE)
        result = here("sync")
        assert result.code == 4
        assert (
            "blocked: a row named 'nightly' exists and BeatSync does not own it; a spec declares the same name"
            in result.out
        )
        assert (
            "  hint: --adopt takes ownership of it, as does `sync: {adopt: true}` in the spec; otherwise rename one of the two"
            in result.out
        )
        assert here.rows()["nightly"].task == "other.task"
        adopted = here("sync", "--adopt")
        assert (adopted.code, adopted.out.splitlines()[-1]) == (0, "1 adopted, 0 unchanged.")
        assert here.rows()["nightly"].task == "shop.bill"

    def test_two_sources_cannot_own_the_same_name(self, here: InProcess) -> None:
        here.spec(ONE)
        here("sync")
        result = here("sync", "--source", "second", "--adopt")
        assert result.code == 4
        assert "'nightly'" in result.out
        assert "'default'" in result.out

    @pytest.mark.parametrize("name", [" ", "x" * 101, "two\nlines"])
    def test_an_invalid_source_name_is_wrong_usage(self, here: InProcess, name: str) -> None:
        here.spec(ONE)
        before = here.tables()
        result = here("sync", "--source", name)
        assert (result.code, result.out) == (64, "")
        assert "the name of a source has 1 to 100 printable characters" in result.err
        assert here.tables() == before


class TestSavedPlans:
    def test_a_saved_plan_is_applied(self, here: InProcess) -> None:
        here.spec(ONE)
        planned = here("plan", "--out", "plan.json", "--format", "json").json
        done = here("sync", "--plan", "plan.json", "--format", "json")
        assert done.code == 0
        assert done.json == {**planned, "applied": True}

    def test_a_review_approves_more_deletions_than_the_limit(self, many: InProcess) -> None:
        many.spec(FEW)
        assert many("sync").code == 4
        assert many("plan", "--out", "plan.json").code == 0
        assert many("sync", "--plan", "plan.json").out.endswith("\n7 deleted, 1 unchanged.\n")
        assert list(many.rows()) == ["task-0"]

    @pytest.mark.parametrize("also", [False, True])
    def test_it_is_refused_where_rows_changed_meanwhile(self, many: InProcess, also: bool) -> None:
        from django_celery_beat.models import PeriodicTask

        many.spec(MANY.replace("1h", "2h", 1))
        many("plan", "--out", "plan.json")
        PeriodicTask.objects.filter(name="task-7").update(queue="slow")
        before = many.rows()["task-0"].interval.every
        result = many("sync", "--plan", "plan.json", *(["--format", "json"] if also else []))
        assert result.code == 4
        assert "the saved plan is out of date: files or rows changed after it was made" in result.out
        assert many.rows()["task-0"].interval.every == before
        assert many.rows()["task-7"].queue == "slow"

    def test_other_deletions_than_reviewed_are_blocked(self, many: InProcess) -> None:
        many.spec(FEW)
        many("plan", "--out", "plan.json")
        many.spec("schedules:\n  task-1: {task: t, interval: 1h}\n")
        result = many("sync", "--plan", "plan.json")
        assert result.code == 4
        assert "[plan-stale]" in result.out
        # These are not the deletions that were approved.
        assert "[max-deletes]" in result.out
        assert len(many.rows()) == 8

    def test_to_apply_a_saved_plan_again_succeeds_and_writes_nothing(self, here: InProcess) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        assert here("sync", "--plan", "plan.json").code == 0
        assert here("sync").code == 0
        before = here.tables()
        again = here("sync", "--plan", "plan.json", "--format", "json")
        assert (again.code, again.json["changes"], again.json["blocked"]) == (0, [], [])
        assert here.tables() == before

    def test_a_saved_plan_is_stale_after_another_one_was_applied(self, here: InProcess) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        here("sync")
        here.spec(ONE.replace("1h", "2h"))
        here("sync")
        assert here("sync", "--plan", "plan.json").code == 4

    def test_a_saved_plan_is_stale_after_it_was_applied_if_a_row_drifted(self, here: InProcess) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        here("sync", "--plan", "plan.json")
        row = here.rows()["nightly"]
        row.queue = "slow"
        row.save()
        assert here("sync", "--plan", "plan.json").code == 4

    def test_a_plan_stays_valid_if_only_the_spelling_of_a_file_changes(self, here: InProcess) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        here.spec("# reviewed\n" + ONE.replace("1h", "60m"))
        assert here("sync", "--plan", "plan.json").code == 0

    def test_the_sync_uses_the_flags_of_the_plan(self, here: InProcess) -> None:
        task_maker(here.alias)("nightly")
        here.spec(ONE + "  live: {task: t, crontab: '0 5 * * *', only: [production]}\n")
        flags = ["--adopt", "--source", "shop", "--env", "production", "--timezone", "Europe/Berlin"]
        here("plan", "--out", "plan.json", *flags)
        result = here("sync", "--plan", "plan.json", "--format", "json")
        assert result.code == 0
        assert (result.json["source"], result.json["environment"]) == ("shop", "production")
        assert str(here.rows()["live"].crontab.timezone) == "Europe/Berlin"
        # Repeating the same flags is allowed.
        here.spec(ONE)
        here("plan", "--out", "plan.json", *flags)
        assert here("sync", "--plan", "plan.json", *flags).code == 0

    @pytest.mark.parametrize(
        "flags",
        [
            ["--source", "other"],
            ["--env", "staging"],
            ["--timezone", "Asia/Tokyo"],
            ["--max-deletes", "9"],
            ["--on-invalid", "isolate"],
            ["--adopt"],
            ["--allow-empty"],
            ["--catch-up"],
            ["--accept-origin"],
        ],
        ids=lambda flags: flags[0],
    )
    def test_a_flag_that_contradicts_the_plan_is_wrong_usage(self, here: InProcess, flags: list[str]) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        before = here.tables()
        result = here("sync", "--plan", "plan.json", *flags)
        assert (result.code, result.out) == (64, "")
        assert "the plan in plan.json was made with" in result.err
        assert here.tables() == before

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (None, "cannot be read: No such file or directory"),
            ("+ nightly", "it is not JSON"),
            ("[1]", "is not a saved plan of this release"),
            ('{"format_version": 2}', "is not a saved plan of this release"),
            ('{"format_version": 1, "options": {}}', "is not a saved plan of this release"),
            ('{"format_version": 1, "options": {}, "digest": ""}', "is not a saved plan: "),
        ],
    )
    def test_a_file_that_is_not_a_saved_plan_exits_with_1(
        self, here: InProcess, text: str | None, message: str
    ) -> None:
        here.spec(ONE)
        if text is not None:
            here.spec(text, "plan.json")
        result = here("sync", "--plan", "plan.json")
        assert (result.code, result.out) == (1, "")
        assert "plan.json" in result.err
        assert message in result.err
        assert here.rows() == {}

    def test_the_json_output_of_a_plan_is_not_a_saved_plan(self, here: InProcess) -> None:
        here.spec(ONE)
        here.spec(here("plan", "--format", "json").out, "plan.json")
        result = here("sync", "--plan", "plan.json")
        assert result.code == 1
        assert "make one with `beatsync plan --out FILE`" in result.err

    def test_an_edited_plan_is_refused(self, here: InProcess) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        path = here.path / "plan.json"
        path.write_text(path.read_text(encoding="utf-8").replace("shop.bill", "shop.refund"), encoding="utf-8")
        result = here("sync", "--plan", "plan.json")
        assert (result.code, here.rows()) == (1, {})
        assert "plan.json was edited after it was saved" in result.err
