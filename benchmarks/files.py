"""BeatSync's half of a sync before the database: load, parse, validate and combine; and how long its commands take to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.task import Answer, Task, clocked

_STARTS = 9
"""How often each command is started."""
_SPEC = "schedules: {one: {task: ops.tasks.beat, interval: 30s}}\n"


def read_parse(task: Task) -> Answer:
    """Read and parse all files, in as many processes as BeatSync thinks good."""
    return _check(task, None)


def read_parse_alone(task: Task) -> Answer:
    """Read and parse all files in one process."""
    return _check(task, 1)


def starts(task: Task) -> Answer:
    """Start commands, each as a whole process, beside the imports that they are held against."""
    spec = task.root.parent / "one.yaml"
    spec.write_text(_SPEC, encoding="utf-8")
    beatsync = ["-m", "beatsync"]
    commands = {
        "help": [*beatsync, "--help"],
        "click": ["-c", "import click"],
        "validate": [*beatsync, "validate", str(spec)],
        "libraries": ["-c", "import yaml, jsonschema"],
    }
    answer, took = Answer(), {name: [0.0] * 0 for name in commands}
    with clocked(answer):
        for _ in range(_STARTS):
            for name, words in commands.items():
                took[name].append(_cpu(words))
    middle = {name: median(times) for name, times in took.items()}
    answer.notes = {
        "--help ÷ import click": middle["help"] / middle["click"],
        "validate ÷ import yaml, jsonschema": middle["validate"] / middle["libraries"],
    }
    return answer


def _cpu(words: list[str]) -> float:
    began = Answer()
    with clocked(began):
        subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True, cwd=Path.cwd())
    return began.cpu


def _check(task: Task, jobs: int | None) -> Answer:
    from beatsync import reconcile
    from beatsync.specfile import ParseOptions

    answer = Answer()
    with clocked(answer):
        _, desired = reconcile.check(task.root, ParseOptions(), jobs=jobs)
    assert len(desired.schedules) == task.schedules, desired.diagnostics[:3]
    return answer
