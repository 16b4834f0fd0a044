"""`history`: which sync changed a schedule, from which commit, and who started it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from beatsync.cli.actor import find_actor
from beatsync.plan.history import schedule_changes
from tests.cli.commanding import InProcess

ONE = "schedules:\n  nightly: {task: t, interval: 1h}\n  other: {task: t, interval: 2h}\n"
TWO = ONE.replace("1h", "3h")


@pytest.fixture
def changed(here: InProcess) -> InProcess:
    """A source that two people synced, was suspended and released one row."""
    here.spec(ONE)
    assert here("sync", "--actor", "ann").code == 0
    here.spec(TWO)
    assert here("sync", "--actor", "bob").code == 0
    assert here("suspend", "default", "--reason", "a move", "--actor", "ann").code == 0
    assert here("resume", "default", "--actor", "ann").code == 0
    assert here("release", "other", "--actor", "eve").code == 0
    return here


def test_one_command_answers_who_changed_a_schedule_and_from_what_to_what(changed: InProcess) -> None:
    answer = changed("history", "nightly")
    assert answer.code == 0
    first, second = answer.out.split("\n\n")
    assert re.match(r"#\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  default: applied\n  at content \w{12}, by bob\n", first)
    assert "  ~ nightly\n      interval  1h → 3h\n" in first
    assert "by ann" in second
    assert "+ other" not in answer.out


def test_a_name_that_nothing_has_gets_the_nearest_name(changed: InProcess) -> None:
    missing = changed("history", "nigthly")
    assert (missing.code, missing.out) == (0, "The history has no such entry.\n")
    assert missing.err == "hint: there is no schedule and no row 'nigthly' (did you mean 'nightly'?) in this database\n"
    assert changed("history", "nightly", "--since", "2099-01-01").err == ""


def test_a_renamed_schedule_keeps_the_history_of_its_names(changed: InProcess) -> None:
    changed.spec("schedules:\n  daily: {task: t, interval: 3h, sync: {renamed_from: nightly}}\n")
    assert changed("sync").code == 0
    renamed, updated, created = changed("history", "daily").out.split("\n\n")
    assert "  ~ daily" in renamed
    assert "  ~ nightly\n      interval  1h → 3h\n" in updated
    assert "+ nightly" in created
    assert len(changed("history", "daily", "--limit", "2").out.split("\n\n")) == 2
    assert "interval  1h → 3h" in changed("show", "daily").out


def test_everything_that_was_done_is_listed_newest_first(changed: InProcess) -> None:
    entries = changed("history", "--format", "json").matching("history")["entries"]
    assert [(entry["outcome"], entry["actor"]) for entry in entries] == [
        ("released", "eve"), ("resumed", "ann"), ("suspended", "ann"), ("applied", "bob"), ("applied", "ann"),
    ]  # fmt: skip
    assert entries[0]["changes"][0]["name"] == "other"
    (shown,) = changed("history", "--show", str(entries[3]["id"]), "--format", "json").json["entries"]
    assert shown == entries[3]
    (limited,) = changed("history", "--limit", "1", "--format", "json").json["entries"]
    assert limited == entries[0]
    assert changed("history", "--since", "1h", "--format", "json").json["entries"] == entries
    assert changed("history", "--since", "2097-01-01", "--format", "json").json["entries"] == []
    assert "```diff" in changed("history", "--format", "markdown").out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--show", "999999"), 1),
        (("--source", "none"), 1),
        (("--since", "yesterday"), 64),
        (("--since", "0001-01-01T00:00:00+14:00"), 64),
        (("--since", "9" * 20), 64),
        (("--limit", "0"), 64),
        (("--limit", "9" * 20), 64),
        (("nightly", "--show", "1"), 64),
        (("nothing-of-this-name",), 0),
    ],
)
def test_exit_codes(changed: InProcess, words: tuple[str, ...], code: int) -> None:
    assert changed("history", *words).code == code


GITHUB = {
    "GITHUB_ACTOR": "ann", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "shop/ops",
    "GITHUB_RUN_ID": "7001", "GITHUB_RUN_NUMBER": "12",
}  # fmt: skip
RUNS: dict[str, tuple[dict[str, str], tuple[str, str]]] = {
    "GitHub": ({"GITHUB_ACTIONS": "true", **GITHUB}, ("ann", "https://github.com/shop/ops/actions/runs/7001")),
    "GitHub, started again": ({"GITHUB_ACTIONS": "true", **GITHUB, "GITHUB_TRIGGERING_ACTOR": "bob"}, ("bob", "https://github.com/shop/ops/actions/runs/7001")),
    "Gitea": ({"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", **GITHUB}, ("ann", "https://github.com/shop/ops/actions/runs/12")),
    "GitLab": ({"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ann", "CI_JOB_URL": "https://gitlab.example/j/1"}, ("ann", "https://gitlab.example/j/1")),
    "Buildkite": ({"BUILDKITE": "true", "BUILDKITE_BUILD_CREATOR": "Ann", "BUILDKITE_BUILD_URL": "https://buildkite.com/b/1"}, ("Ann", "https://buildkite.com/b/1")),
    "CircleCI": ({"CIRCLECI": "true", "CIRCLE_USERNAME": "ann", "CIRCLE_BUILD_URL": "https://circleci.com/1"}, ("ann", "https://circleci.com/1")),
    "Jenkins": ({"JENKINS_URL": "https://ci.example/", "BUILD_USER_ID": "ann", "BUILD_URL": "https://ci.example/job/1/"}, ("ann", "https://ci.example/job/1/")),
    "no web page": ({"JENKINS_URL": "x", "BUILD_USER_ID": "ann", "BUILD_URL": "javascript:alert(1)"}, ("ann", "")),
    "a variable is missing": ({"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ann", "GITHUB_RUN_ID": "1"}, ("ann", "")),
}  # fmt: skip


@pytest.mark.parametrize("run", RUNS)
def test_the_actor_is_the_user_of_the_ci_run(run: str) -> None:
    environ, expected = RUNS[run]
    assert find_actor(None, environ) == expected
    assert find_actor("eve", environ) == ("eve", expected[1])


def test_without_a_ci_system_the_actor_is_the_user_at_the_host() -> None:
    user, at, host = find_actor(None, {"GITHUB_ACTOR": "ann"}).name.partition("@")
    assert all((user, at, host))
    assert find_actor(None, {"GITLAB_CI": "true"}).name == f"{user}@{host}"


def test_the_run_is_shown_and_kept(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in RUNS["GitLab"][0].items():
        monkeypatch.setenv(name, value)
    here.spec(ONE)
    assert here("sync").code == 0
    here.spec("schedules: {}")
    assert here("sync").code == 4
    blocked, applied = here("history", "--format", "json").json["entries"]
    run: dict[str, Any] = {"actor": "ann", "run_url": "https://gitlab.example/j/1"}
    assert run.items() <= blocked.items()
    assert run.items() <= applied.items()
    assert "\n  https://gitlab.example/j/1\n" in here("history").out


WINDOWS = """windows:
  office: {{days: mon-fri, from: "08:00", to: "{end}"}}
schedules:
  prices: {{task: t, every: {{office: 1m, otherwise: 15m}}, queue: {queue}, timezone: UTC}}
"""


def test_a_schedule_with_several_rows_is_one_line_and_a_row_means_its_schedule(here: InProcess) -> None:
    for end, queue in (("18:00", "fast"), ("19:00", "slow")):
        here.spec(WINDOWS.format(end=end, queue=queue))
        assert here("sync").code == 0
    assert here("pause", "prices", "--reason", "stock-taking").code == 0
    answer = here("history", "prices#2")
    paused, updated, created = answer.out.split("\n\n")
    assert "  ~ prices (3 rows)\n      enabled  true → false" in paused
    clauses = "every    office: 1m, otherwise: 15m\n      crontab  changes in 3 rows; --rows shows them\n"
    assert f'  ~ prices (3 rows)\n      {clauses}      queue    "fast" → "slow"\n  1 updated' in updated
    assert "  + prices (3 rows)\n" in created
    assert here("history", "prices").out == answer.out
    assert "! prices (3 rows)" in here("history", "--format", "markdown").out
    assert "~ prices#2  */15 0-7,18-23 * * * → */15 0-7,19-23 * * *" in here("history", "prices", "--rows").out

    entries = here("history", "prices#3", "--format", "json").matching("history")["entries"]
    rows = [(change["name"], change["group"], change["group_rows"]) for change in entries[0]["changes"]]
    assert rows == [(name, "prices", 3) for name in ("prices", "prices#2", "prices#3")]

    here.spec("schedules: {}\n")
    assert here("sync", "--allow-empty", "--max-deletes", "3").code == 0
    assert "  - prices (3 rows)" in here("history", "prices#2").out


def test_the_rows_of_old_entries_are_those_that_changed() -> None:
    fields: dict[str, Any] = {"cause": "spec", "location": None, "fields": [], "fires_at_once": False, "note": None}
    actions = {"a": "update", "a#2": "update", "a#3": "delete", "b": "delete", "b#2": "delete"}
    documents = [
        {"name": name, "action": action, "group": name[0], "clauses": None, **fields}
        for name, action in actions.items()
    ]
    changes = schedule_changes(documents)
    assert [(each.action.value, each.name, each.rows) for each in changes] == [("update", "a", 2), ("delete", "b", 0)]
