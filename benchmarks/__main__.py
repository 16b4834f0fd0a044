"""`python -m benchmarks`: creates sources and databases, runs each measure in a child process, prints tables of ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import databases, report, sources
from benchmarks.child import MEASURES
from benchmarks.task import Measurement, Task, wait_until_idle

UNIT = "yaml-load"
"""The measure that is L: always run."""
ALL = tuple(name for names in MEASURES.values() for name in names if name != "sync-during-saves")
WITHOUT_DATABASE = frozenset({"read-hash", "yaml-events", UNIT, *MEASURES["files"]})
RUN_ONCE = frozenset({*MEASURES["moving"], *MEASURES["today"], *MEASURES["daemon"], *MEASURES["neighbours"]})
"""Measures that are a median or a maximum themselves, or take long."""
NEEDS_EMPTY_TABLES = frozenset(
    {"sync-first", "command-first", "today-first", "admin-save", *MEASURES["moving"], *MEASURES["dynamic"]}
)
CHANGED_FILES = 0.01
"""The share of files of which all schedules change."""
QUICK = {"schedules": "100", "databases": "sqlite", "per_file": "20", "repeat": 1, "idle_timeout": 0.0}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the measures that the command line names."""
    options = _options(arguments)
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
    lines: list[report.Line] = []
    with tempfile.TemporaryDirectory(prefix="beatsync-bench-", dir=options.directory) as directory:
        for schedules in options.schedules:
            for line in _run_all(options, Path(directory), schedules):
                lines.append(line)
                print(report.progress(line), file=sys.stderr, flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps([line.json() for line in lines], indent=1), encoding="utf-8")
    print(report.tables(lines, options.clock))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    description = (__doc__ or "").partition(": ")[2]
    parser = argparse.ArgumentParser("python -m benchmarks", usage="%(prog)s [OPTIONS]", description=description)
    add = parser.add_argument
    add("--schedules", type=_numbers, default="1000,10000,100000", metavar="N,N", help="sizes of the sources")
    add("--per-file", type=_numbers, default="100,1", metavar="N,N", help="schedules per file")
    add("--databases", type=_names(databases.NAMES), default=",".join(databases.NAMES), metavar="NAME,NAME")
    add("--only", type=_names(ALL), default=",".join(ALL), metavar="MEASURE,…", help=", ".join(ALL))
    add("--repeat", type=int, default=3, help="runs of each measure; the median is shown")
    add("--timeout", type=float, default=900.0, help="seconds after which a measure is stopped")
    add("--clock", choices=["wall", "cpu"], default="wall", help="the time of the ratios; cpu if the machine is busy")
    add("--directory", help="where files and SQLite databases are created  [a temporary directory]")
    add("--idle-timeout", type=float, default=30.0, help="seconds to wait at most for an idle machine before a measure")
    add("--json", metavar="FILE", help="write every figure to FILE")
    add("--quick", action="store_true", help="100 schedules on SQLite, once: shows that everything runs")
    options = parser.parse_args(arguments)
    if options.quick:
        parser.set_defaults(**QUICK)
        options = parser.parse_args(arguments)
    return options


def _names(choices: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a parser of comma-separated names; it raises argparse.ArgumentTypeError for a name that is not a choice."""

    def names(text: str) -> list[str]:
        words = [word.strip() for word in text.split(",")]
        for word in words:
            if word not in choices:
                raise argparse.ArgumentTypeError(f"unknown name {word!r}; choose from {', '.join(choices)}")
        return words

    return names


def _numbers(text: str) -> list[int]:
    """Return the numbers in a comma-separated text. Raises argparse.ArgumentTypeError."""
    words = [word.strip().replace("_", "") for word in text.split(",")]
    if not all(word.isdecimal() and int(word) for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of positive numbers, such as 1000,10_000")
    return [int(word) for word in words]


def _run_all(options: argparse.Namespace, directory: Path, schedules: int) -> Iterator[report.Line]:
    """Run all measures at one number of schedules."""
    for per_file in options.per_file:
        source = directory / f"{schedules}-{per_file}"
        changed = directory / f"{schedules}-{per_file}-changed"
        sources.write(source, schedules, per_file)
        sources.write(changed, schedules, per_file, changed_files=CHANGED_FILES)
        task = Task("", str(source), str(changed), schedules, idle_timeout=options.idle_timeout, quick=options.quick)
        for name in ALL:
            if name in WITHOUT_DATABASE and (name in options.only or name == UNIT):
                yield report.Line(name, "", schedules, per_file, _median(options, task, name))
        # A database does not see how many schedules a file holds: the first one is enough for the other sizes of files.
        chosen = options.databases if per_file == options.per_file[0] else options.databases[:1]
        for database in chosen:
            yield from _run_on_database(options, directory, task, database, per_file)


def _run_on_database(
    options: argparse.Namespace, directory: Path, task: Task, database: str, per_file: int
) -> Iterator[report.Line]:
    names = [name for name in ALL if name in options.only and name not in WITHOUT_DATABASE]
    if per_file != options.per_file[0]:
        names = [name for name in names if name in MEASURES["syncs"]]
    if not names:
        return
    url = databases.create(database, directory)
    is_synced = False
    try:
        task = replace(task, url=url)
        # `sync-first` is the last of those that empty the tables: the others need the rows that it leaves.
        for name in sorted(names, key=lambda name: (name not in NEEDS_EMPTY_TABLES, name == "sync-first")):
            if name not in NEEDS_EMPTY_TABLES and not is_synced:
                _run(options, task, "sync-first")
            is_synced = is_synced or name == "sync-first" or name not in NEEDS_EMPTY_TABLES
            yield report.Line(name, database, task.schedules, per_file, _median(options, task, name))
    finally:
        databases.drop(database, url)


def _median(options: argparse.Namespace, task: Task, name: str) -> Measurement | None:
    """Return the median of several runs; None if one took too long."""
    measurements: list[Measurement] = []
    for _ in range(1 if name in RUN_ONCE else options.repeat):
        measurement = _run(options, task, name)
        if measurement is None:
            return None
        measurements.append(measurement)
    measurements.sort(key=lambda measurement: measurement.cpu if options.clock == "cpu" else measurement.seconds)
    return measurements[len(measurements) // 2]


def _run(options: argparse.Namespace, task: Task, name: str) -> Measurement | None:
    """Run one measure in a child process. Return None after the timeout; exit if it fails."""
    command = [sys.executable, "-m", "benchmarks.child", replace(task, measure=name).to_json()]
    wait_until_idle(options.idle_timeout)
    try:
        child = subprocess.run(command, stdout=subprocess.PIPE, timeout=options.timeout, check=False, text=True)
    except subprocess.TimeoutExpired:
        print(f"{name}: stopped after {options.timeout:.0f} s", file=sys.stderr)
        return None
    if child.returncode != 0:
        sys.exit(f"{name}: failed; the traceback is above")
    return Measurement.from_values(json.loads(child.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
