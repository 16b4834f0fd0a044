"""What people use today: a script that loops over tasks, and celery's `beat_schedule`.

Both cost the same per row, so a few hundred rows are measured and the time is extrapolated; `sampled` says from how many. Each row
is written in a separate transaction, as a script or beat does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.databases import counted, empty, open_store
from benchmarks.syncs import options
from benchmarks.task import Measurement, Task, peak_mib, timed

if TYPE_CHECKING:
    from beatsync.values import TaskSpec

_ROWS = 300
"""How many rows are measured."""
_QUICK_ROWS = 20

Writer = Callable[[Measurement, "Sequence[TaskSpec]"], None]
"""Writes the rows of tasks, and measures it."""


def today_first(task: Task) -> Measurement:
    """Create every row with `get_or_create` for the schedule and `update_or_create` for the task.

    No index helps to find a crontab row, so a row costs more the more of them exist: half of the sample are the first rows, half
    the last ones.
    """
    from django_celery_beat.models import PeriodicTask

    empty(task)
    paths, measurement = sorted(task.root.rglob("*.yaml")), Measurement()
    half = _rows(task) // 2
    _measure(task, _specs(paths, half), _loop, measurement)
    empty(task)
    _sync(task)
    last = _specs(paths[::-1], half)
    PeriodicTask.objects.filter(name__in=[spec.name for spec in last]).delete()
    _measure(task, last, _loop, measurement)
    return _extrapolated(task, measurement)


def today_noop(task: Task) -> Measurement:
    """The same loop over rows that exist already."""
    return _over_existing_rows(task, _loop)


def today_beat_schedule(task: Task) -> Measurement:
    """`DatabaseScheduler.update_from_dict`, with which beat writes `beat_schedule` at each start."""
    return _over_existing_rows(task, _beat_schedule)


def _rows(task: Task) -> int:
    return _QUICK_ROWS if task.quick else _ROWS


def _over_existing_rows(task: Task, write: Writer) -> Measurement:
    measurement = Measurement()
    _measure(task, _specs(sorted(task.root.rglob("*.yaml")), _rows(task)), write, measurement)
    _sync(task)
    return _extrapolated(task, measurement)


def _measure(task: Task, specs: Sequence[TaskSpec], write: Writer, total: Measurement) -> None:
    """Add the cost of writing `specs` to `total`."""
    measurement = Measurement()
    with counted(task.url, measurement):
        write(measurement, specs)
    total.seconds += measurement.seconds
    total.cpu += measurement.cpu
    total.statements += measurement.statements
    total.writes += measurement.writes
    total.sampled += len(specs)
    total.peak_mib = total.peak_mib or peak_mib()


def _extrapolated(task: Task, measurement: Measurement) -> Measurement:
    factor = task.schedules / measurement.sampled
    measurement.seconds, measurement.cpu = measurement.seconds * factor, measurement.cpu * factor
    measurement.statements, measurement.writes = (
        round(measurement.statements * factor),
        round(measurement.writes * factor),
    )
    return measurement


def _sync(task: Task) -> None:
    """Make the rows equal to the files for the next measure."""
    from beatsync import reconcile

    reconcile.sync(task.root, open_store(task.url), options())


def _specs(paths: Sequence[Path], number: int) -> list[TaskSpec]:
    """Return the first `number` tasks that these files declare."""
    from beatsync.specfile.parse import ParseOptions, parse_file
    from beatsync.values import SourceFile

    files = (parse_file(SourceFile(path.name, path.read_bytes()), ParseOptions()) for path in paths)
    return list(islice((declared.spec for file in files for declared in file.schedules), number))


def _loop(measurement: Measurement, specs: Sequence[TaskSpec]) -> None:
    from django_celery_beat import models

    with timed(measurement):
        for spec in specs:
            assert spec.schedule is not None
            kind = spec.schedule.kind
            model: Any = getattr(models, f"{kind.capitalize()}Schedule")
            schedule, _ = model.objects.get_or_create(**spec.schedule._asdict())
            models.PeriodicTask.objects.update_or_create(
                name=spec.name,
                defaults={
                    kind: schedule,
                    "task": spec.task,
                    "args": spec.args,
                    "kwargs": spec.kwargs,
                    "queue": spec.queue,
                    "priority": spec.priority,
                    "expire_seconds": spec.expire_seconds,
                    "one_off": spec.one_off,
                    "description": spec.description,
                },
            )


def _beat_schedule(measurement: Measurement, specs: Sequence[TaskSpec]) -> None:
    from celery import Celery
    from django_celery_beat.schedulers import ModelEntry

    app = Celery("bench", set_as_current=False)
    entries = {spec.name: _entry(spec, app) for spec in specs}
    with timed(measurement):
        # `update_from_dict` does this for each entry and reloads all rows, which `beat-reload-stock` measures.
        for name, entry in entries.items():
            ModelEntry.from_entry(name, app=app, **entry)


def _entry(spec: TaskSpec, app: Any) -> dict[str, Any]:
    """Return an entry of `beat_schedule`, which has no clocked kind: those run daily here."""
    import json

    from celery.schedules import crontab, schedule, solar

    from beatsync.values import Crontab, Interval, Solar

    if isinstance(spec.schedule, Crontab):
        fields = spec.schedule._asdict()
        del fields["timezone"]
        when = crontab(**fields, app=app)
    elif isinstance(spec.schedule, Solar):
        when = solar(spec.schedule.event, float(spec.schedule.latitude), float(spec.schedule.longitude), app=app)
    elif isinstance(spec.schedule, Interval):
        when = schedule(timedelta(**{spec.schedule.period: spec.schedule.every}), app=app)
    else:
        when = schedule(timedelta(days=1), app=app)
    return {"task": spec.task, "schedule": when, "kwargs": json.loads(spec.kwargs), "options": {"queue": spec.queue}}
