"""`beatsync sync`: does it, once, whole or not at all."""

from __future__ import annotations

import json

import pytest

from tests.cli.commanding import Here
from tests.conftest import task_maker

ONE = "schedules:\n  nightly: {task: shop.bill, interval: 1h, kwargs: {token: hunter2}}\n"
MANY = "schedules:\n" + "".join(f"  task-{n}: {{task: t, interval: 1h}}\n" for n in range(8))
FEW = "schedules:\n  task-0: {task: t, interval: 1h}\n"


@pytest.fixture
def many(here: Here) -> Here:
    here.spec(MANY)
    assert here("sync").code == 0
    return here


class TestTheAnswer:
    def test_a_sync_tells_what_it_did_and_the_rows_say_it(self, here: Here) -> None:
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
        assert here("sync").out.endswith("\n1 created, 1 deleted, 0 unchanged.\n")
        assert list(here.rows()) == ["weekly"]

    def test_a_second_sync_does_nothing_and_writes_nothing(self, many: Here) -> None:
        before = many.tables()
        assert many("sync").out == "Nothing to do: 8 unchanged.\n"
        assert many("sync", "--quiet").out == ""
        assert many.tables() == before

    def test_json_says_whether_it_was_applied(self, here: Here) -> None:
        here.spec(ONE)
        done = here("sync", "--format", "json").matching("plan")
        assert (done["applied"], done["summary"]["create"]) == (True, 1)
        again = here("sync", "--format", "json").matching("plan")
        assert (again["applied"], again["changes"], again["summary"]["unchanged"]) == (True, [], 1)
        task_maker(here.alias)("backup")
        here.spec(ONE + "  backup: {task: t, interval: 1h}\n")
        refused = here("sync", "--format", "json")
        assert (refused.code, refused.matching("plan")["applied"]) == (4, False)

    def test_markdown_and_text_of_a_refused_sync_say_that_nothing_was_written(self, here: Here) -> None:
        task_maker(here.alias)("nightly")
        here.spec(ONE + "  other: {task: t, interval: 1h}\n")
        for output_format in ("text", "markdown"):
            answer = here("sync", "--format", output_format)
            assert answer.code == 4
            assert "Blocked, and nothing was written: 1 to create, 0 unchanged." in answer.out

    def test_a_secret_is_not_shown(self, here: Here) -> None:
        here.spec(ONE)
        answer = here("sync", "--verbose")
        assert "hunter2" not in answer.out + answer.err
        assert json.loads(here.rows()["nightly"].kwargs) == {"token": "hunter2"}

    def test_verbose_tells_each_step_on_standard_error(self, here: Here) -> None:
        here.spec(ONE)
        answer = here("sync", "--verbose", "--format", "json")
        answer.matching("plan")
        steps = [line.partition(":")[0] for line in answer.err.splitlines()]
        assert steps == [
            "reading files",
            "reading the database",
            "parsing files",
            "comparing with the database",
            "applying",
            "verifying",
        ]


class TestInvalidFiles:
    def test_an_invalid_file_exits_with_3_and_nothing_at_all_is_written(self, many: Here) -> None:
        many.spec(FEW)
        many.spec("schedules:\n  broken: {task: t, crontab: '61 * * * *'}\n", "schedules.d/broken.yaml")
        before = many.tables()
        answer = many("sync")
        assert answer.code == 3
        assert "schedules.d/broken.yaml:2:30: error: minute: 61 " in answer.out
        assert "nothing was written" in answer.out.splitlines()[-1]
        assert many.tables() == before

    def test_isolate_syncs_the_others_and_freezes_what_the_broken_file_may_hold(self, many: Here) -> None:
        many.spec("schedules:\n  fresh: {task: t, interval: 1h}\n", "schedules.d/a.yaml")
        many.spec("schedules:\n  task-0: {task: t, crontab: '61 * * * *'}\n")
        answer = many("sync", "--on-invalid", "isolate")
        assert answer.code == 0
        assert "  frozen: task-0, task-1, " in answer.out
        assert answer.out.endswith("\n1 created, 0 unchanged.\n")
        assert sorted(many.rows()) == ["fresh", *(f"task-{n}" for n in range(8))]
        frozen = many("status", "--format", "json").matching("status")["sources"][0]["conditions"]
        assert {one["name"] for one in frozen if one["condition"] == "frozen"} == {f"task-{n}" for n in range(8)}


class TestGuards:
    def test_a_missing_directory_exits_with_1_and_prunes_nothing(self, many: Here) -> None:
        before = many.tables()
        answer = many("sync", "moved.d", "--allow-empty", "--max-deletes", "100%")
        assert (answer.code, answer.out) == (1, "")
        assert "there is no directory moved.d" in answer.err
        assert many.tables() == before

    def test_an_empty_directory_prunes_only_where_that_is_meant(self, many: Here) -> None:
        (many.path / "schedules.d" / "tasks.yaml").unlink()
        answer = many("sync", "--max-deletes", "8")
        assert answer.code == 4
        assert "an empty directory never prunes [empty]" in answer.out
        assert "--allow-empty" in answer.out
        # One guard lifted is not the other.
        also = many("sync", "--allow-empty", "--format", "json").matching("plan")
        assert [one["code"] for one in also["blocked"]] == ["max-deletes"]
        assert len(many.rows()) == 8
        assert many("sync", "--allow-empty", "--max-deletes", "100%").code == 0
        assert many.rows() == {}

    def test_more_deletions_than_the_limit_are_blocked_with_the_list(self, many: Here) -> None:
        many.spec(FEW)
        answer = many("sync")
        assert answer.code == 4
        assert (
            "7 of the 8 schedules that this source owns would be deleted or disabled, and the limit is 3" in answer.out
        )
        for number in range(1, 8):
            assert f"  - task-{number}\n" in answer.out
        assert "--max-deletes 7 allows it" in answer.out
        assert len(many.rows()) == 8
        assert many("sync", "--max-deletes", "6").code == 4
        assert many("sync", "--max-deletes", "7").code == 0
        assert list(many.rows()) == ["task-0"]

    def test_a_limit_that_is_none_is_wrong_usage(self, many: Here) -> None:
        for wrong in ("many", "-1", "101%", ""):
            answer = many("sync", "--max-deletes", wrong)
            assert (answer.code, answer.out) == (64, ""), wrong
            assert "--max-deletes" in answer.err

    def test_a_row_under_the_same_name_is_left_alone_until_it_is_adopted(self, here: Here) -> None:
        task_maker(here.alias)("nightly")
        here.spec(ONE)
        answer = here("sync")
        assert answer.code == 4
        assert (
            "blocked: a row named 'nightly' exists and BeatSync does not own it; a spec declares the same name"
            in answer.out
        )
        assert "  hint: --adopt takes it over; otherwise rename one of the two" in answer.out
        assert here.rows()["nightly"].task == "other.task"
        adopted = here("sync", "--adopt")
        assert (adopted.code, adopted.out.splitlines()[-1]) == (0, "1 adopted, 0 unchanged.")
        assert here.rows()["nightly"].task == "shop.bill"

    def test_two_sources_cannot_own_one_name(self, here: Here) -> None:
        here.spec(ONE)
        here("sync")
        answer = here("sync", "--source", "second", "--adopt")
        assert answer.code == 4
        assert "'nightly'" in answer.out
        assert "'default'" in answer.out

    @pytest.mark.parametrize("name", [" ", "x" * 101, "two\nlines"])
    def test_a_name_that_is_none_is_wrong_usage(self, here: Here, name: str) -> None:
        here.spec(ONE)
        before = here.tables()
        answer = here("sync", "--source", name)
        assert (answer.code, answer.out) == (64, "")
        assert "the name of a source has 1 to 100 printable characters" in answer.err
        assert here.tables() == before


class TestSavedPlans:
    def test_what_was_reviewed_is_what_is_done(self, here: Here) -> None:
        here.spec(ONE)
        planned = here("plan", "--out", "plan.json", "--format", "json").json
        done = here("sync", "--plan", "plan.json", "--format", "json")
        assert done.code == 0
        assert done.json == {**planned, "applied": True}

    def test_a_review_approves_more_deletions_than_the_limit(self, many: Here) -> None:
        many.spec(FEW)
        assert many("sync").code == 4
        assert many("plan", "--out", "plan.json").code == 0
        assert many("sync", "--plan", "plan.json").out.endswith("\n7 deleted, 1 unchanged.\n")
        assert list(many.rows()) == ["task-0"]

    @pytest.mark.parametrize("also", [False, True])
    def test_it_is_refused_where_rows_changed_meanwhile(self, many: Here, also: bool) -> None:
        from django_celery_beat.models import PeriodicTask

        many.spec(MANY.replace("1h", "2h", 1))
        many("plan", "--out", "plan.json")
        PeriodicTask.objects.filter(name="task-7").update(queue="slow")
        before = many.rows()["task-0"].interval.every
        answer = many("sync", "--plan", "plan.json", *(["--format", "json"] if also else []))
        assert answer.code == 4
        assert "the saved plan no longer holds: files or rows have changed since it was made" in answer.out
        assert many.rows()["task-0"].interval.every == before
        assert many.rows()["task-7"].queue == "slow"

    def test_it_is_refused_where_files_changed_meanwhile(self, many: Here) -> None:
        many.spec(FEW)
        many("plan", "--out", "plan.json")
        many.spec("schedules:\n  task-1: {task: t, interval: 1h}\n")
        answer = many("sync", "--plan", "plan.json")
        assert answer.code == 4
        assert "[plan-stale]" in answer.out
        # Another list of deletions is not what was approved.
        assert "[max-deletes]" in answer.out
        assert len(many.rows()) == 8

    def test_it_is_refused_the_second_time(self, here: Here) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        assert here("sync", "--plan", "plan.json").code == 0
        assert here("sync", "--plan", "plan.json").code == 4

    def test_a_file_that_says_the_same_in_other_words_does_not_spoil_it(self, here: Here) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        here.spec("# reviewed\n" + ONE.replace("1h", "60m"))
        assert here("sync", "--plan", "plan.json").code == 0

    def test_it_brings_the_flags_that_it_was_made_under(self, here: Here) -> None:
        task_maker(here.alias)("nightly")
        here.spec(ONE + "  live: {task: t, crontab: '0 5 * * *', only: [production]}\n")
        flags = ["--adopt", "--source", "shop", "--env", "production", "--timezone", "Europe/Berlin"]
        here("plan", "--out", "plan.json", *flags)
        answer = here("sync", "--plan", "plan.json", "--format", "json")
        assert answer.code == 0
        assert (answer.json["source"], answer.json["environment"]) == ("shop", "production")
        assert str(here.rows()["live"].crontab.timezone) == "Europe/Berlin"
        # The same words once more contradict nothing.
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
    def test_a_flag_that_says_something_else_is_wrong_usage(self, here: Here, flags: list[str]) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        before = here.tables()
        answer = here("sync", "--plan", "plan.json", *flags)
        assert (answer.code, answer.out) == (64, "")
        assert "the plan in plan.json was made with" in answer.err
        assert here.tables() == before

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (None, "cannot be read: No such file or directory"),
            ("+ nightly", "it is not JSON"),
            ("[1]", "is not a saved plan of this release"),
            ('{"format_version": 2}', "is not a saved plan of this release"),
            ('{"format_version": 1, "options": {}}', "is not a saved plan: "),
        ],
    )
    def test_what_is_no_saved_plan_is_told_and_exits_with_1(self, here: Here, text: str | None, message: str) -> None:
        here.spec(ONE)
        if text is not None:
            here.spec(text, "plan.json")
        answer = here("sync", "--plan", "plan.json")
        assert (answer.code, answer.out) == (1, "")
        assert "plan.json" in answer.err
        assert message in answer.err
        assert here.rows() == {}

    def test_the_json_of_a_plan_is_none_and_says_how_to_make_one(self, here: Here) -> None:
        here.spec(ONE)
        here.spec(here("plan", "--format", "json").out, "plan.json")
        answer = here("sync", "--plan", "plan.json")
        assert answer.code == 1
        assert "make one with `beatsync plan --out FILE`" in answer.err

    def test_an_edited_plan_does_not_do_what_was_written_into_it(self, here: Here) -> None:
        here.spec(ONE)
        here("plan", "--out", "plan.json")
        path = here.path / "plan.json"
        path.write_text(path.read_text(encoding="utf-8").replace("shop.bill", "shop.refund"), encoding="utf-8")
        # What is done is what the files say; the saved plan only has to agree by its checksum.
        here("sync", "--plan", "plan.json")
        assert here.rows()["nightly"].task == "shop.bill"
