"""A saved plan is applied exactly as it was reviewed, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.commanding import InProcess
from tests.conftest import task_maker

SPEC = "schedules:\n  nightly: {task: shop.bill, interval: 1h, kwargs: {token: hunter2}}\n"


@pytest.fixture
def planned(here: InProcess) -> InProcess:
    """A saved plan that changes one row and is not applied yet."""
    here.spec(SPEC)
    assert here("sync").code == 0
    here.spec(SPEC.replace("1h", "2h"))
    assert here("plan", "--out", "plan.json").code == 0
    return here


def row(**fields: Any) -> Callable[[InProcess], None]:
    def change(_: InProcess) -> None:
        from django_celery_beat.models import PeriodicTask

        PeriodicTask.objects.update(**fields)

    return change


def gone(_: InProcess) -> None:
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.all().delete()


def spec(text: str, name: str = "schedules.d/tasks.yaml") -> Callable[[InProcess], None]:
    def change(here: InProcess) -> None:
        here.spec(text, name)

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(row(queue="slow"), id="a row drifted"),
        pytest.param(row(task="shop.other"), id="a row drifted in another field"),
        pytest.param(gone, id="a row was deleted"),
        pytest.param(spec(SPEC.replace("1h", "3h")), id="another value"),
        pytest.param(spec(SPEC), id="reverted"),
        pytest.param(spec(SPEC.replace("1h", "2h").replace("hunter2", "hunter3")), id="only a secret"),
        pytest.param(spec("schedules:\n  x: {task: t, interval: 1h}\n", "schedules.d/x.yaml"), id="an added schedule"),
    ],
)
def test_a_plan_that_would_do_something_else_is_blocked(
    planned: InProcess, change: Callable[[InProcess], None]
) -> None:
    change(planned)
    before = planned.rows()
    result = planned("sync", "--plan", "plan.json")
    assert result.code == 4
    assert "blocked: the saved plan is out of date: files or rows changed after it was made" in result.out
    assert "hint: make a new plan and review it" in result.out
    assert "hunter" not in result.out + result.err
    after = planned.rows()
    assert {name: vars(row_) | {"_state": 0} for name, row_ in after.items()} == {
        name: vars(row_) | {"_state": 0} for name, row_ in before.items()
    }


def test_a_plan_stays_valid_while_beat_runs_tasks(planned: InProcess) -> None:
    from datetime import datetime, timezone

    row(total_run_count=7, last_run_at=datetime(2026, 1, 1, tzinfo=timezone.utc))(planned)
    assert planned("sync", "--plan", "plan.json").out.endswith("\n1 updated, 0 unchanged.\n")


def test_a_new_conflict_blocks_the_plan(planned: InProcess) -> None:
    task_maker(planned.alias)("new")
    planned.spec(SPEC.replace("1h", "2h") + "  new: {task: t, interval: 1h}\n")
    result = planned("sync", "--plan", "plan.json")
    assert result.code == 4
    assert "blocked: a row named 'new' exists and BeatSync does not own it" in result.out
    assert planned.rows()["nightly"].interval.every == 1


def test_a_file_that_became_invalid_exits_with_3(planned: InProcess) -> None:
    planned.spec("schedules: [", "schedules.d/broken.yaml")
    assert planned("sync", "--plan", "plan.json").code == 3


def damaged(**options: object) -> Callable[[str], str]:
    def damage(text: str) -> str:
        document = json.loads(text)
        document["options"].update(options)
        return json.dumps(document)

    return damage


def without(key: str) -> Callable[[str], str]:
    def damage(text: str) -> str:
        document = json.loads(text)
        del document[key]
        return json.dumps(document)

    return damage


def version(number: int) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), "format_version": number})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda text: text[: len(text) // 2], "it is not JSON", id="cut short"),
        pytest.param(lambda _: "", "it is not JSON", id="empty"),
        pytest.param(lambda _: "[" * 100_000, "it is not JSON", id="too deep"),
        pytest.param(lambda text: text.replace('"', "\udcff", 1), "it is not JSON", id="no UTF-8"),
        pytest.param(version(0), "is not a saved plan of this release; make one with", id="older"),
        pytest.param(version(2), "is not a saved plan of this release; make one with", id="newer"),
        pytest.param(without("options"), "is not a saved plan of this release; make one with", id="no flags"),
        pytest.param(without("checksum"), "'checksum' is a required property", id="no checksum"),
        pytest.param(damaged(timezone="Mars"), "there is no time zone 'Mars'", id="zone"),
        pytest.param(damaged(max_deletes="few"), "'few' is neither a number", id="limit"),
        pytest.param(damaged(on_invalid="ignore"), "'ignore' is not one of", id="choice"),
        pytest.param(damaged(force=True), "'force' was unexpected", id="an unknown flag"),
    ],
)
def test_a_damaged_file_is_reported_and_writes_nothing(
    planned: InProcess, damage: Callable[[str], str], message: str
) -> None:
    path = planned.path / "plan.json"
    text = damage(path.read_text(encoding="utf-8"))
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = planned.tables()
    result = planned("sync", "--plan", "plan.json")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: plan.json is not a saved plan")
    assert message in result.err
    assert planned.tables() == before


@pytest.mark.parametrize("edit", [{"checksum": "0" * 64}, {"changes": []}, {"digest": "0" * 64}, {}])
def test_an_edited_plan_is_refused(planned: InProcess, edit: dict[str, Any]) -> None:
    """Also one that a program only formatted: BeatSync cannot see the difference."""
    path = planned.path / "plan.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **edit}), encoding="utf-8")
    before = planned.tables()
    result = planned("sync", "--plan", "plan.json")
    assert (result.code, planned.tables()) == (1, before)
    assert "was edited after it was saved" in result.err


def test_checksum_and_digest_need_the_key_of_the_database(planned: InProcess) -> None:
    """Without it, the reader of a saved plan cannot test a guess of a masked value."""
    from beatsync.models import ChecksumKey

    first = json.loads((planned.path / "plan.json").read_text(encoding="utf-8"))
    key = ChecksumKey.objects.using(planned.alias).get()
    ChecksumKey.objects.using(planned.alias).update(value="another")
    try:
        assert planned("plan", "--out", "other.json").code == 0
        other = json.loads((planned.path / "other.json").read_text(encoding="utf-8"))
        assert first["changes"] == other["changes"]
        assert {first["checksum"], first["digest"]}.isdisjoint({other["checksum"], other["digest"]})
        assert planned("sync", "--plan", "plan.json").code == 1
    finally:
        key.save(using=planned.alias)
    assert planned("sync", "--plan", "plan.json").code == 0


@pytest.mark.parametrize(("variable", "value"), [("BEATSYNC_SOURCE", "other"), ("BEATSYNC_ENV", "staging")])
def test_a_variable_that_contradicts_the_plan_is_wrong_usage(
    planned: InProcess, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    before = planned.tables()
    result = planned("sync", "--plan", "plan.json")
    assert (result.code, result.out) == (64, "")
    assert "the plan in plan.json was made with" in result.err
    assert planned.tables() == before


def test_changed_settings_do_not_change_a_saved_plan(planned: InProcess) -> None:
    other = {"SOURCE": "other", "TIMEZONE": "Asia/Tokyo", "ON_INVALID": "isolate", "MAX_DELETES": 0}
    done = planned("sync", "--plan", "plan.json", "--format", "json", settings=other)
    assert (done.code, done.json["source"]) == (0, "default")


def test_a_new_environment_in_the_settings_makes_the_plan_stale(here: InProcess) -> None:
    here.spec(SPEC + "  live: {task: t, interval: 1h, only: [live]}\n")
    here("plan", "--out", "plan.json")
    result = here("sync", "--plan", "plan.json", settings={"ENVIRONMENT": "live"})
    assert result.code == 4
    assert "[plan-stale]" in result.out
    assert here.rows() == {}


def test_the_hint_names_the_whole_command(here: InProcess) -> None:
    here.spec(SPEC, "my specs/tasks.yaml")
    hint = here("plan", "my specs", "--out", "plan.json").err
    assert (
        hint == "hint: saved in plan.json; run `beatsync sync 'my specs' --plan plan.json` to apply exactly this plan\n"
    )
    assert here("sync", "my specs", "--plan", "plan.json").code == 0
