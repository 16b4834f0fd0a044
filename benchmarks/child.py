"""Runs one measure in a separate process: `python -m benchmarks.child TASK` prints the measurement as one line of JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from benchmarks.task import Measurement, Task, peak_mib

MEASURES: Mapping[str, tuple[str, ...]] = {
    "floors": ("read-hash", "yaml-events", "yaml-load", "select-all", "insert-all"),
    "files": ("validate", "checks", "load", "starts"),
    "syncs": ("sync-first", "sync-noop", "sync-changed", "command-first", "command-noop", "plan"),
    "dashboard": ("dashboard",),
    "admin": ("admin-pages",),
    "dynamic": ("dynamic-first", "dynamic-noop"),
    "moving": ("move-in",),
    "today": ("today-first", "today-noop", "today-beat-schedule"),
    "daemon": ("daemon-one-file", "daemon-memory"),
    "neighbours": (
        "admin-save",
        "sync-during-saves",
        "beat-reload-stock",
        "beat-reload-thin",
        "beat-send-stock",
        "beat-send-thin",
    ),
}
"""The measures of each module. `sync-first` is the function `syncs.sync_first`."""


def measure_function(name: str) -> Callable[[Task], Measurement]:
    """Return the function of a measure."""
    module = next(module for module, names in MEASURES.items() if name in names)
    function: Callable[[Task], Measurement] = getattr(import_module(f"benchmarks.{module}"), name.replace("-", "_"))
    return function


def main(argument: str) -> None:
    """Run the measure of a task and print its measurement."""
    task = Task.from_json(argument)
    if task.url and task.measure not in MEASURES["admin"]:  # which has its own project
        from benchmarks.databases import open_store

        open_store(task.url)  # Django's start and the connection are not measured
    measurement = measure_function(task.measure)(task)
    measurement.peak_mib = measurement.peak_mib or peak_mib()
    measurement.sampled = measurement.sampled or task.schedules
    print(measurement.to_json())


if __name__ == "__main__":
    main(sys.argv[1])
