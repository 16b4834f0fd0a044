"""`beatsync export --accept`: drift is written into the file that declares the schedule, and `plan` shows nothing then."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_celery_beat.models import IntervalSchedule

from tests.cli.commanding import InProcess

SPEC = """\
defaults: {queue: billing}
schedules:
  # each night
  nightly:
    task: shop.bill # the task
    crontab: "0 2 * * *"
    kwargs: {token: hunter2}
  tick: {task: shop.tick, interval: 30s}
  calm: {task: shop.calm, interval: 30s}
"""


@pytest.fixture
def drifted(here: InProcess) -> Path:
    path = here.spec(SPEC)
    assert here("sync").code == 0
    rows = here.rows()
    rows["nightly"].queue = "slow"
    rows["nightly"].save()
    hourly = IntervalSchedule.objects.using(here.alias).create(every=1, period="hours")
    rows["tick"].interval, rows["tick"].enabled = hourly, False
    rows["tick"].save()
    return path


def test_all_drift_is_accepted_and_plan_shows_nothing_then(here: InProcess, drifted: Path) -> None:
    result = here("export", "--drifted")
    assert result.code == 0, result.err
    assert result.out == "schedules.d/tasks.yaml:4:3: nightly: queue\nschedules.d/tasks.yaml:8:3: tick: interval\n"
    expected = SPEC.replace("hunter2}\n", "hunter2}\n    queue: slow\n").replace(
        "shop.tick, interval: 30s", "shop.tick, interval: 1h"
    )
    assert drifted.read_text(encoding="utf-8") == expected
    before = here.rows()
    plan = here("plan", "--detailed-exitcode")
    assert (plan.code, "paused by hand: tick" in plan.out) == (0, True)
    assert here.rows() == before
    again = here("export", "--drifted")
    assert (again.code, again.out, "nothing to accept" in again.err) == (0, "", True)


def test_only_the_named_schedules_are_accepted(here: InProcess, drifted: Path) -> None:
    result = here("export", "--accept", "tick", "calm", "--dir", "schedules.d")
    assert result.code == 2
    assert "no drift that a sync would undo: 'calm'" in result.err
    assert "interval: 1h" in drifted.read_text(encoding="utf-8")
    assert "queue: slow" not in drifted.read_text(encoding="utf-8")
    assert "tick" not in here("plan").out.partition("paused by hand")[0]


def test_a_value_of_the_environment_is_written_there(here: InProcess) -> None:
    path = here.spec("schedules:\n  a:\n    task: t\n    interval: 5m\n    environments: {prod: {queue: fast}}\n")
    assert here("sync", "--env", "prod").code == 0
    row = here.rows()["a"]
    row.queue, row.priority = "slow", 7
    row.save()
    assert here("export", "--accept", "a", "--env", "prod").code == 0
    text = path.read_text(encoding="utf-8")
    assert (
        text
        == "schedules:\n  a:\n    task: t\n    interval: 5m\n    priority: 7\n    environments: {prod: {queue: slow}}\n"
    )
    assert here("plan", "--env", "prod").out.startswith("Nothing to do")


def test_a_secret_is_written_only_when_it_is_asked_for(here: InProcess, drifted: Path) -> None:
    row = here.rows()["nightly"]
    row.kwargs = '{"token": "s3cret"}'
    row.save()
    result = here("export", "--accept", "nightly")
    assert (result.code, "written with --with-secrets" in result.err, "s3cret" in result.err) == (2, True, False)
    assert drifted.read_text(encoding="utf-8") == SPEC
    assert here("export", "--accept", "nightly", "--with-secrets").code == 0
    assert "kwargs: {token: s3cret}\n" in drifted.read_text(encoding="utf-8")


def test_what_the_file_changed_since_the_last_sync_stays(here: InProcess, drifted: Path) -> None:
    here.spec(SPEC.replace("shop.bill", "shop.invoice"))
    assert here("export", "--accept", "nightly").code == 0
    assert "task: shop.invoice # the task" in drifted.read_text(encoding="utf-8")
    plan = here("plan")
    assert "shop.bill → shop.invoice" in plan.out
    assert "queue" not in plan.out


def test_invalid_files_and_wrong_usage_change_nothing(here: InProcess, drifted: Path) -> None:
    for words in (["--accept"], ["--drifted", "tick"], ["--accept", "--drifted", "tick"], ["--drifted", "--out", "x"]):
        assert here("export", *words).code == 64
    here.spec("schedules: [", "schedules.d/z.yaml")
    assert here("export", "--drifted").code == 3
    assert drifted.read_text(encoding="utf-8") == SPEC


def test_a_file_that_uses_windows_of_another_one_can_be_edited(here: InProcess) -> None:
    window = '{office: {days: mon-fri, from: "08:00", to: "18:00"}}'
    here.spec(f"shared: {{windows: {window}}}\n", "schedules.d/a.yaml")
    path = here.spec(
        "schedules:\n  peaks: {task: t, every: {office: 1m, otherwise: 15m}}\n  plain: {task: t, interval: 5m}\n"
    )
    assert here("sync").code == 0
    for name in ("peaks", "plain"):
        row = here.rows()[name]
        row.queue = "slow"
        row.save()
    result = here("export", "--drifted")
    assert result.code == 2
    assert "'peaks' is not written: it has `every`" in result.err
    assert "  plain: {task: t, interval: 5m, queue: slow}\n" in path.read_text(encoding="utf-8")
