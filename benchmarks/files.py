"""BeatSync without a database: `validate` in process, the checks of the field table alone, and the start of commands."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.task import Measurement, Task, timed

_STARTS = 9
"""How often each command is started."""
_SPEC = "schedules: {beat: {task: ops.tasks.beat, interval: 30s}}\n"


def validate(task: Task) -> Measurement:
    """Read, parse and combine all files, as `beatsync validate` does."""
    from beatsync import reconcile
    from beatsync.specfile.parse import ParseOptions

    measurement = Measurement()
    with timed(measurement):
        _, desired = reconcile.validate(task.root, ParseOptions())
    assert len(desired.schedules) == task.schedules, desired.diagnostics[:3]
    return measurement


def checks(task: Task) -> Measurement:
    """Check every document by the field table; reading the documents is not measured."""
    from beatsync.specfile.checks import check
    from beatsync.specfile.reader import read

    files = [read(path.read_bytes()).documents for path in sorted(task.root.rglob("*.yaml"))]
    measurement = Measurement()
    with timed(measurement):
        problems = [
            problem
            for documents in files
            for number, document in enumerate(documents)
            for problem in check(document, number)
        ]
    assert not problems, problems[:3]
    return measurement


def load(task: Task) -> Measurement:
    """Count the runs of a week by minute and queue, as `beatsync load` does; reading the files is not measured, but is in the peak memory."""
    from datetime import datetime, timedelta, timezone

    from beatsync import reconcile
    from beatsync.collector import garbage_collector_paused
    from beatsync.plan.leveling import level
    from beatsync.plan.load import count_load
    from beatsync.plan.upcoming import of_files
    from beatsync.specfile.parse import ParseOptions

    _, desired = reconcile.validate(task.root, ParseOptions())
    start = datetime(2027, 3, 22, tzinfo=timezone.utc)  # the clocks change in Berlin
    measurement, spread = Measurement(), Measurement()
    with garbage_collector_paused():
        with timed(measurement):
            upcoming = of_files(desired.schedules, start)
            week = count_load(upcoming.schedules, start, start + timedelta(days=7))
        with timed(spread):
            leveling = level(upcoming.schedules, week)
    assert week.total.runs > task.schedules
    assert leveling.peak <= week.total.peak
    measurement.notes = {"--spread seconds": spread.seconds}
    return measurement


def starts(task: Task) -> Measurement:
    """Start commands as whole processes, and compare them with the imports that they cannot do without."""
    spec = task.root.parent / "start.yaml"
    spec.write_text(_SPEC, encoding="utf-8")
    commands = {
        "help": ["-m", "beatsync", "--help"],
        "click": ["-c", "import click"],
        "validate": ["-m", "beatsync", "validate", str(spec)],
        "libraries": ["-c", "import yaml, jsonschema"],
    }
    measurement, seconds = Measurement(), {name: [0.0] * 0 for name in commands}
    with timed(measurement):
        for _ in range(1 if task.quick else _STARTS):
            for name, words in commands.items():
                seconds[name].append(_cpu_seconds(words))
    medians = {name: median(values) for name, values in seconds.items()}
    measurement.notes = {
        "--help ÷ import click": medians["help"] / medians["click"],
        "validate ÷ import yaml, jsonschema": medians["validate"] / medians["libraries"],
    }
    return measurement


def _cpu_seconds(words: list[str]) -> float:
    start = Measurement()
    with timed(start):
        subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    return start.cpu
