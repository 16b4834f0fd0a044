"""`beatsync.dynamic`: one `put_many` of all schedules, from keyword arguments to the notice after the commit."""

from __future__ import annotations

from typing import Any

from benchmarks.databases import counted, empty, open_store
from benchmarks.task import Measurement, Task, timed


def dynamic_first(task: Task) -> Measurement:
    """Declare every schedule in empty tables."""
    empty(task)
    measurement = _put_many(task)
    assert measurement.writes
    return measurement


def dynamic_noop(task: Task) -> Measurement:
    """Declare every schedule again, with equal values."""
    empty(task)
    _put_many(task)
    return _put_many(task)


def _put_many(task: Task) -> Measurement:
    from beatsync.dynamic import schedules

    arguments, measurement = _arguments(task), Measurement()
    declared = schedules("benchmark", using=open_store(task.url).alias)
    with counted(task.url, measurement), timed(measurement):
        declared.put_many(arguments)
    return measurement


def _arguments(task: Task) -> dict[str, dict[str, Any]]:
    """Return the keyword arguments of each schedule of the source."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    arguments: dict[str, dict[str, Any]] = {}
    for path in sorted(task.root.rglob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), loader)
        for name, body in document["schedules"].items():
            arguments[name] = {**document["defaults"], **body}
            arguments[name].pop("sync", None)  # what protects a schedule against a change of files
    return arguments
