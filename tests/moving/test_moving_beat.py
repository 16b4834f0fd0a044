"""The project with 41 schedules moves in while a real beat runs on PostgreSQL: no run is missed and none is doubled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.commanding import clean_environment
from tests.conftest import Server
from tests.moving.bazaar import Bazaar, Guide, changed, write_files
from tests.processes import running, wait_until

TICKS = ("settings.tick", "code.tick", "migration.tick", "admin tick")
"""Each runs once a second, and has another origin."""
CONTROL = "control"
"""A row that does not move: what delays its runs delays the others as well."""
TOLERANCE = 0.5
"""Seconds; a run that is missed or doubled differs by a whole one."""
_MAKE_CONTROL = """
import django
django.setup()
from django_celery_beat.models import PeriodicTask
row = PeriodicTask.objects.get(name="admin tick")
row.pk, row.name, row.last_run_at = None, "control", None
row.save()
"""
_SENT = re.compile(r"^\[(.{23}): .*Sending due task (.+) \(", re.MULTILINE)


@contextmanager
def beat(bazaar: Bazaar, log: Path) -> Iterator[None]:
    """Run beat, as the project's code is now."""
    words = ["-m", "celery", "-A", "bazaar", "beat", "-S", "django", "-l", "INFO", "--pidfile="]
    with running(words, log, cwd=bazaar.path, env=bazaar.env):
        yield


def sent(log: Path, name: str) -> list[datetime]:
    """Return when beat sent the task of a row."""
    lines = _SENT.findall(log.read_text(encoding="utf-8", errors="replace"))
    return [datetime.strptime(time, "%Y-%m-%d %H:%M:%S,%f") for time, row in lines if row == name]  # noqa: DTZ007  beat's own clock


def wait_for_runs(log: Path, runs: int) -> None:
    """Wait until beat has sent each tick and the control so many times more."""
    for name in (*TICKS, CONTROL):
        before = len(sent(log, name))
        wait_until(lambda: len(sent(log, name)) >= before + runs, 60, log.read_text)  # noqa: B023  used at once


def gaps(times: list[datetime]) -> list[float]:
    return [(after - before).total_seconds() for before, after in pairwise(times)]


@pytest.mark.lab
def test_no_run_is_missed_or_doubled_by_the_move(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: Callable[[str], Server],
    record_property: Callable[[str, object], None],
) -> None:
    clean_environment(monkeypatch)
    bazaar = Bazaar(tmp_path / "bazaar", server("postgresql").create())
    bazaar.build()
    start = bazaar.rows()
    guide = Guide("Settings and code", bazaar)
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    with beat(bazaar, old):
        write_files(bazaar, guide)
        bazaar.run("-c", _MAKE_CONTROL)
        wait_for_runs(old, 3)
        guide("plan", code=4)
        bazaar.remove_schedules_from_code()
        guide("plan")
        guide("sync")
        assert guide("plan").out == "Nothing to do: 38 unchanged.\n"
        wait_for_runs(old, 3)
    with beat(bazaar, new):
        wait_for_runs(new, 5)

    for log in (old, new):
        control = sent(log, CONTROL)
        for name in TICKS:
            between = [time for time in sent(log, name) if control[0] <= time <= control[-1]]
            assert min(gaps(between)) > TOLERANCE, f"{name} ran twice"
            assert max(gaps(between)) < max(gaps(control)) + TOLERANCE, f"a run of {name} is missing"
    restart = gaps([sent(old, CONTROL)[-1], sent(new, CONTROL)[0]])[0]
    for name in TICKS:
        (gap,) = gaps([sent(old, name)[-1], sent(new, name)[0]])
        assert TOLERANCE < gap < restart + 1 + TOLERANCE, f"{name} around the restart"
    ids = {row["name"]: row["id"] for row in bazaar.rows()["PeriodicTask"]}
    # Beat runs the clocked row of the past at once, and disables it.
    differences = {*changed(start, bazaar.rows())} - {f"PeriodicTask {ids[CONTROL]}"}
    differences -= {f"PeriodicTask.enabled of {ids['campaign 2023']}"}
    written_by_beat = {"last_run_at", "total_run_count", "date_changed"}
    assert {difference.partition(" of ")[0] for difference in differences} == {
        "PeriodicTasks.last_update",
        *(f"PeriodicTask.{column}" for column in written_by_beat),
    }
    runs = sum(len(sent(log, name)) for log in (old, new) for name in TICKS)
    record_property("measured", f"{runs} runs of {len(TICKS)} schedules through the move, none missed or doubled")
