"""`show`: where a schedule is, who owns it, what differs, and when it runs."""

from __future__ import annotations

import re
import subprocess

import pytest
from django_celery_beat.models import PeriodicTask

from tests.cli.commanding import InProcess

SPEC = """schedules:
  nightly: {task: t, crontab: "0 2 * * *", timezone: Europe/Berlin, queue: fast, kwargs: {token: hunter2}}
  other: {task: t, interval: 2h}
"""


def git(here: InProcess, *words: str) -> str:
    identity = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    return subprocess.run(["git", *identity, *words], cwd=here.path, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def synced(here: InProcess) -> InProcess:
    """A source from a checkout of a repository on GitHub, of which a row drifted."""
    here.spec(SPEC, "schedules.d/teams/billing.yaml")
    git(here, "init", "--quiet")
    git(here, "remote", "add", "origin", "git@github.com:shop/ops.git")
    git(here, "add", "schedules.d")
    git(here, "commit", "--quiet", "-m", "one")
    assert here("sync", "--actor", "ann").code == 0
    PeriodicTask.objects.using(here.alias).filter(name="nightly").update(queue="slow")
    return here


def test_one_command_says_where_a_schedule_is_and_what_is_wrong_with_it(synced: InProcess) -> None:
    commit = git(synced, "rev-parse", "HEAD").strip()
    shown = synced("show", "nightly")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0] == "nightly: drifted"
    assert f"  declared      teams/billing.yaml:2:3 at {commit}" in lines
    url = f"https://github.com/shop/ops/blob/{commit}/schedules.d/teams/billing.yaml#L2"
    assert f"  link          {url}" in lines
    assert re.search(r'\n      queue +"slow"  \(applied: "fast"; drifted\)\n', shown.out)
    assert sum("Europe/Berlin (" in line for line in lines) == 5
    assert "0 runs, none recorded yet" in shown.out
    assert "applied, at " in shown.out
    assert "by ann\n        commit by ann\n" in shown.out
    assert "hunter2" not in shown.out

    document = synced("show", "nightly", "--format", "json").matching("show")
    assert (document["source"], document["url"]) == ("default", url)
    assert (len(document["next_runs"]), document["timezone"]) == (5, "Europe/Berlin")
    queue = {"field": "queue", "observed": "slow", "applied": "fast", "drifted": True}
    assert queue in document["rows"][0]["fields"]


def test_the_line_can_come_from_a_directory_and_the_link_from_a_template(synced: InProcess) -> None:
    synced.spec(f"# a new line\n{SPEC}", "schedules.d/teams/billing.yaml")
    shown = synced("show", "nightly", "--dir", "schedules.d", "--source-url", "https://git.example/{path}?l={line}")
    assert "declared      schedules.d/teams/billing.yaml:3:3" in shown.out
    assert "https://git.example/schedules.d/teams/billing.yaml?l=2" in shown.out


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("javascript:alert(1)", "it does not begin with https:// or http://"),
        ("https://git.example/{file}", "it has no {file}, only {commit}, {host}, {line}, {path}, {repository}"),
    ],
)
def test_a_template_that_makes_no_link_is_wrong_usage(synced: InProcess, template: str, problem: str) -> None:
    result = synced("show", "nightly", "--source-url", template)
    assert (result.code, problem in " ".join(result.err.split())) == (64, True), result.err


def test_a_row_that_no_source_owns_and_a_name_that_nothing_has(synced: InProcess) -> None:
    assert synced("release", "other").code == 0
    unowned = synced("show", "other")
    assert (unowned.code, unowned.out.splitlines()[0]) == (0, "other: unowned")
    assert synced("show", "other", "--format", "json").matching("show")["source"] is None
    missing = synced("show", "nigthly")
    assert (missing.code, "no schedule and no row 'nigthly' (did you mean 'nightly'?)" in missing.err) == (1, True)
    PeriodicTask.objects.using(synced.alias).filter(name="nightly").delete()
    assert "deleted outside BeatSync" in synced("show", "nightly").out


def test_the_rows_of_a_schedule_are_a_list_below_its_clauses(here: InProcess) -> None:
    here.spec(
        'windows: {office: {days: mon-fri, from: "08:00", to: "18:00"}}\n'
        "schedules:\n  prices: {task: t, every: {office: 1m, otherwise: 15m}, queue: fast}\n"
    )
    assert here("sync").code == 0
    PeriodicTask.objects.using(here.alias).filter(name="prices#2").update(priority=3, total_run_count=7)
    shown = here("show", "prices#2").out
    assert shown.startswith("prices: drifted\n")
    assert "\n  every         office: 1m, otherwise: 15m\n" in shown
    assert re.search(r'\n  3 rows\n      task +t\n      timezone +UTC\n      queue +"fast"\n', shown)
    assert "prices    * 8-17 * * 1-5  office: 1m  0 runs, none recorded yet\n" in shown
    assert "otherwise: 15m  7 runs, none recorded yet  priority 3  (applied: none; drifted)\n" in shown
    assert "create, 3 rows\n          every office: 1m, otherwise: 15m\n" in shown
    document = here("show", "prices", "--format", "json").matching("show")
    assert [row["clauses"] for row in document["rows"]] == ["office: 1m", "otherwise: 15m", "otherwise: 15m"]
    assert here("next", "--live", "prices#3", "--count", "2").out.count("  prices  ") == 2
    PeriodicTask.objects.using(here.alias).filter(name="prices#2").delete()
    assert "      prices#2  deleted outside BeatSync\n" in here("show", "prices").out
