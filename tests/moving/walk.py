"""A real beat with its stock scheduler that runs while a team moves in, and the comparison of its runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.moving.bazaar import Bazaar, changed
from tests.processes import running, wait_until

CONTROL = "control"
"""A row that does not move: what delays its runs delays the others as well."""
TOLERANCE = 0.5
"""Seconds; a run that is missed or doubled differs by a whole one."""
_SLOWER = 15.0
"""Seconds; every other row of the project is due at most twice a minute."""
_WRITTEN_BY_BEAT = {"last_run_at", "total_run_count", "date_changed"}
_MAKE_CONTROL = """
import django
django.setup()
from django_celery_beat.models import PeriodicTask
row = PeriodicTask.objects.get(name={ticks[0]!r})
row.pk, row.name, row.last_run_at, row.total_run_count = None, {control!r}, None, 0
row.save()
"""
_SENT = re.compile(r"^\[(.{23}): .*Sending due task (.+) \(", re.MULTILINE)


class Walk:
    """The runs of rows that are due every second, before, during and after a move."""

    def __init__(self, bazaar: Bazaar, ticks: Sequence[str]) -> None:
        self._bazaar = bazaar
        self._ticks = ticks
        self._logs: list[Path] = []

    @contextmanager
    def beat(self) -> Iterator[None]:
        """Run beat, as the project's code is now."""
        log = self._bazaar.path.with_name(f"beat{len(self._logs)}.log")
        self._logs.append(log)
        words = ["-m", "celery", "-A", "bazaar", "beat", "-S", "django", "-l", "INFO", "--pidfile="]
        with running(words, log, cwd=self._bazaar.path, env=self._bazaar.env):
            yield

    def make_control(self) -> None:
        """Make the control, which the files must not have: a row with the values of the first tick."""
        if self._logs:
            # Beat does not notice what changes between its first read of the rows and its first look for changes.
            self._wait_for_runs(self._ticks, 1)
        self._bazaar.run("-c", _MAKE_CONTROL.format(ticks=self._ticks, control=CONTROL))

    def wait_for_runs(self, runs: int) -> None:
        """Wait until beat has sent each tick and the control so many times more."""
        self._wait_for_runs((*self._ticks, CONTROL), runs)

    def _wait_for_runs(self, names: Sequence[str], runs: int) -> None:
        log = self._logs[-1]
        before = {name: len(_sent(log, name)) for name in names}
        wait_until(lambda: all(len(_sent(log, name)) >= before[name] + runs for name in names), 60, log.read_text)

    def sent_names(self) -> set[str]:
        """Return the names of the rows whose tasks beat sent."""
        return _sent_names(self._logs)

    def check_runs(self) -> str:
        """Return what was compared, as `check_runs` does."""
        return check_runs(self._logs, self._ticks)

    def check_rows(self, start: dict[str, list[dict[str, Any]]]) -> None:
        """Raise AssertionError if the rows differ from those of the start in more than what beat writes, and the control."""
        rows = self._bazaar.rows()
        ids = {row["name"]: row["id"] for row in rows["PeriodicTask"]}
        differences = {*changed(start, rows)} - {f"PeriodicTask {ids[CONTROL]}"}
        # Beat runs the clocked row of the past at once, and disables it.
        differences -= {f"PeriodicTask.enabled of {ids.get('campaign 2023')}"}
        columns = {difference.partition(" of ")[0] for difference in differences}
        assert columns <= {"PeriodicTasks.last_update", *(f"PeriodicTask.{column}" for column in _WRITTEN_BY_BEAT)}


def check_runs(logs: Sequence[Path], ticks: Sequence[str]) -> str:
    """Return what was compared. Raises AssertionError if a run is missed or doubled while the control ran, or around a restart."""
    for log in logs:
        control = _sent(log, CONTROL)
        for name in ticks:
            between = [time for time in _sent(log, name) if control[0] <= time <= control[-1]]
            assert min(_gaps(between)) > TOLERANCE, f"{name} ran twice"
            assert max(_gaps(between)) < max(_gaps(control)) + TOLERANCE, f"a run of {name} is missing"
    for name in _sent_names(logs) - {*ticks, CONTROL}:
        times = [time for log in logs for time in _sent(log, name)]
        assert min(_gaps(times), default=_SLOWER) >= _SLOWER, f"{name} ran twice"
    for old, new in pairwise(logs):
        (restart,) = _gaps([_sent(old, CONTROL)[-1], _sent(new, CONTROL)[0]])
        for name in ticks:
            (gap,) = _gaps([_sent(old, name)[-1], _sent(new, name)[0]])
            assert TOLERANCE < gap < restart + 1 + TOLERANCE, f"{name} around the restart"
    runs = sum(len(_sent(log, name)) for log in logs for name in ticks)
    return f"{runs} runs of {len(ticks)} schedules through the move, none missed or doubled"


def _sent_names(logs: Sequence[Path]) -> set[str]:
    return {name for log in logs for _, name in _runs(log)}


def _runs(log: Path) -> list[tuple[str, str]]:
    """Return the time and the row's name of each task that beat sent."""
    return _SENT.findall(log.read_text(encoding="utf-8", errors="replace"))


def _sent(log: Path, name: str) -> list[datetime]:
    """Return when beat sent the task of a row."""
    return [datetime.strptime(time, "%Y-%m-%d %H:%M:%S,%f") for time, row in _runs(log) if row == name]  # noqa: DTZ007  beat's own clock


def _gaps(times: list[datetime]) -> list[float]:
    return [(after - before).total_seconds() for before, after in pairwise(times)]
