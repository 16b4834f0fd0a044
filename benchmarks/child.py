"""One measure, in a process of its own: `python -m benchmarks.child TASK` answers one line of JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from benchmarks.task import Answer, Task, peak

ROOMS: Mapping[str, tuple[str, ...]] = {
    "floors": ("read-hash", "yaml-events", "yaml-load", "select-all", "insert-all"),
    "files": ("read-parse", "read-parse-alone", "starts"),
    "syncs": (
        "sync-first", "sync-noop", "sync-noop-alone", "sync-changed", "command-first", "command-noop", "plan", "compare",
    ),
    "today": ("today-first", "today-noop", "today-beat-schedule"),
    "daemon": ("daemon-one-file", "daemon-resync", "daemon-memory"),
    "neighbours": (
        "admin-save",
        "sync-beside",
        "beat-reload-stock",
        "beat-reload-thin",
        "beat-send-stock",
        "beat-send-thin",
    ),
}  # fmt: skip
"""Which module measures what."""


def measure(name: str) -> Callable[[Task], Answer]:
    """Return the function that measures it."""
    room = next(room for room, names in ROOMS.items() if name in names)
    found: Callable[[Task], Answer] = getattr(import_module(f"benchmarks.{room}"), name.replace("-", "_"))
    return found


def main(text: str) -> None:
    """Measure and answer."""
    task = Task.read(text)
    if task.url:
        from benchmarks.databases import open_store

        open_store(task.url)  # what is measured begins with Django set up and connected
    answer = measure(task.measure)(task)
    answer.peak = answer.peak or peak()
    answer.counted = answer.counted or task.schedules
    print(answer.text())


if __name__ == "__main__":
    main(sys.argv[1])
