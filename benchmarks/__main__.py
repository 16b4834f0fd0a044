"""`python -m benchmarks`: makes sources and databases, measures each thing in a child process, prints tables of ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import databases, report, sources
from benchmarks.child import ROOMS
from benchmarks.task import Answer, Task, rest

ALL = tuple(name for names in ROOMS.values() for name in names if name != "sync-beside")
FILES_ONLY = frozenset({"read-hash", "yaml-events", "yaml-load", *ROOMS["files"]})
ONCE = frozenset({*ROOMS["today"], *ROOMS["daemon"], *ROOMS["neighbours"]})
"""What is a median or a maximum of many in itself, or long."""
EMPTIES = frozenset({"sync-first", "command-first", "today-first", "admin-save"})
"""What begins with empty tables."""
PER_FILE = (100, 1)
QUICK = {"schedules": "60,120", "databases": "sqlite", "per_file": "100", "repeat": 1, "rest": 0.0}


def main(words: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    asked = _arguments(words)
    for name in asked.only:
        if name not in ALL:
            sys.exit(f"there is no measure {name!r}; there are: {', '.join(ALL)}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
    found: list[report.Line] = []
    with tempfile.TemporaryDirectory(prefix="beatsync-bench-", dir=asked.directory) as folder:
        for schedules in asked.schedules:
            for line in _measured(asked, Path(folder), schedules):
                found.append(line)
                print(report.progress(line), file=sys.stderr, flush=True)
    if asked.json:
        Path(asked.json).write_text(json.dumps([line.json() for line in found], indent=1), encoding="utf-8")
    print(report.tables(found, asked.clock))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    def names(text: str) -> list[str]:
        return [word.strip() for word in text.split(",") if word.strip()]

    def numbers(text: str) -> list[int]:
        return [int(word.replace("_", "")) for word in names(text)]

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--schedules", type=numbers, default="1000,10000,100000", metavar="N,N")
    parser.add_argument("--databases", type=names, default="sqlite,postgres,mariadb", metavar="NAME,NAME")
    parser.add_argument("--only", type=names, default=",".join(ALL), metavar="MEASURE,…", help=", ".join(ALL))
    parser.add_argument("--per-file", type=numbers, default=",".join(map(str, PER_FILE)), metavar="N,N")
    parser.add_argument("--repeat", type=int, default=3, help="of each measure; the median is shown")
    parser.add_argument(
        "--timeout", type=float, default=900.0, help="seconds for one measure; what takes longer is shown so"
    )
    parser.add_argument(
        "--clock", choices=["wall", "cpu"], default="wall", help="what ratios are of; cpu where others load the machine"
    )
    parser.add_argument("--directory", help="where sources and SQLite's files are made; a temporary one")
    parser.add_argument(
        "--rest",
        type=float,
        default=30.0,
        help="seconds to wait at most, before each measure, until nothing else is at work",
    )
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument(
        "--quick", action="store_true", help="a few hundred schedules on SQLite, once: shows that it runs"
    )
    asked = parser.parse_args(words)
    if asked.quick:
        parser.set_defaults(**QUICK)
        asked = parser.parse_args(words)
    return asked


def _measured(asked: argparse.Namespace, folder: Path, schedules: int) -> Iterator[report.Line]:
    """Measure everything at one number of schedules."""
    for per_file in asked.per_file:
        place, other = folder / f"{schedules}-{per_file}", folder / f"{schedules}-{per_file}-changed"
        sources.write(place, schedules, per_file)
        sources.write(other, schedules, per_file, changed=0.01)
        task = Task("", str(place), str(other), schedules, rest=asked.rest)
        for name in (name for name in asked.only if name in FILES_ONLY):
            yield report.Line(name, "", schedules, per_file, _median(asked, task, name))
        # How many schedules a file holds is nothing to the database: one of them is enough for many files.
        chosen = asked.databases if per_file == asked.per_file[0] else asked.databases[:1]
        for database in chosen:
            yield from _on_database(asked, folder, task, database, per_file)


def _on_database(
    asked: argparse.Namespace, folder: Path, task: Task, database: str, per_file: int
) -> Iterator[report.Line]:
    url = databases.create(database, folder)
    try:
        task = replace(task, url=url)
        wanted = [name for name in ALL if name in asked.only and name not in FILES_ONLY]
        if per_file != asked.per_file[0]:
            wanted = [name for name in wanted if name in ROOMS["syncs"]]
        for name in sorted(wanted, key=lambda name: (name not in EMPTIES, name == "sync-first")):
            if name not in EMPTIES and "sync-first" not in wanted:
                _once(asked, task, "sync-first")
                wanted.append("sync-first")
            yield report.Line(name, database, task.schedules, per_file, _median(asked, task, name))
    finally:
        databases.drop(database, url)


def _median(asked: argparse.Namespace, task: Task, name: str) -> Answer | None:
    """Return the median of several children; None where it took too long or failed, which is told."""
    found: list[Answer] = []
    for _ in range(1 if name in ONCE else asked.repeat):
        answer = _once(asked, task, name)
        if answer is None:
            return None
        found.append(answer)
    return sorted(found, key=lambda one: getattr(one, "cpu" if asked.clock == "cpu" else "seconds"))[len(found) // 2]


def _once(asked: argparse.Namespace, task: Task, name: str) -> Answer | None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.child",
        replace(task, measure=name).text(),
    ]
    rest(asked.rest)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=asked.timeout, check=False, text=True)
    except subprocess.TimeoutExpired:
        print(f"{name}: no answer in {asked.timeout:.0f} s", file=sys.stderr)
        return None
    if done.returncode != 0:
        print(f"{name}: failed", file=sys.stderr)
        sys.exit(1)
    return Answer.read(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
