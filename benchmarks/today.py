"""What people do today, in django-celery-beat's own ways: a loop over tasks, and beat's own `beat_schedule`.

Both cost the same for every row, so a few hundred rows are measured and the time is scaled up to all of them; `counted` says how
many. Each row is a transaction of its own, as in a script or in beat.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.databases import counted, empty, open_store
from benchmarks.syncs import options
from benchmarks.task import Answer, Task, clocked, peak

ROWS = 300


def today_first(task: Task) -> Answer:
    """`get_or_create` of the schedule and `update_or_create` of the task, for each, as the documentation shows; no row is there.

    Nothing helps to find a crontab by what it says, so a row costs the more the more of them there are. Half of what is measured
    are the first rows, and half the last ones.
    """
    from django_celery_beat.models import PeriodicTask

    empty(task)
    paths, answer = sorted(task.root.rglob("*.yaml")), Answer()
    _run(task, _specs(paths, ROWS // 2), _loop, answer)
    empty(task)
    _heal(task)
    last = _specs(paths[::-1], ROWS // 2)
    PeriodicTask.objects.filter(name__in=[spec.name for spec in last]).delete()
    _run(task, last, _loop, answer)
    return _scaled(task, answer)


def today_noop(task: Task) -> Answer:
    """The same loop where all rows are there already."""
    return _again(task, _loop)


def today_beat_schedule(task: Task) -> Answer:
    """Django-celery-beat's `DatabaseScheduler.update_from_dict`, by which beat writes `beat_schedule` at each start."""
    return _again(task, _beat_schedule)


def _again(task: Task, run: Any) -> Answer:
    answer = Answer()
    _run(task, _specs(sorted(task.root.rglob("*.yaml")), ROWS), run, answer)
    _heal(task)
    return _scaled(task, answer)


def _run(task: Task, specs: list[Any], run: Any, answer: Answer) -> None:
    """Add what the loop over `specs` costs."""
    one = Answer()
    with counted(task.url, one):
        run(one, specs)
    for name in ("seconds", "cpu", "statements", "writes"):
        setattr(answer, name, getattr(answer, name) + getattr(one, name))
    answer.counted += len(specs)
    answer.peak = answer.peak or peak()


def _scaled(task: Task, answer: Answer) -> Answer:
    factor = task.schedules / answer.counted
    answer.seconds, answer.cpu = answer.seconds * factor, answer.cpu * factor
    answer.statements, answer.writes = round(answer.statements * factor), round(answer.writes * factor)
    return answer


def _heal(task: Task) -> None:
    """Leave the rows as the files say, for what is measured next."""
    from beatsync import reconcile

    reconcile.sync(task.root, open_store(task.url), options())


def _specs(paths: list[Path], number: int) -> list[Any]:
    """Return what the first schedules in these files are to be."""
    from beatsync.specfile import ParseOptions, parse_file
    from beatsync.values import SourceFile

    files = (parse_file(SourceFile(path.name, path.read_bytes()), ParseOptions()) for path in paths)
    return list(islice((declared.spec for file in files for declared in file.schedules), number))


def _schedule(spec: Any) -> tuple[str, Any]:
    """Return the schedule's row by its own model's `get_or_create`."""
    from django_celery_beat import models

    from beatsync.store.schedules import columns_of

    one, kind = spec.schedule, spec.schedule.kind
    model: Any = getattr(models, f"{kind.capitalize()}Schedule")
    values = {"clocked_time": one.clocked_time} if kind == "clocked" else columns_of(one, timezone.utc)
    return kind, model.objects.get_or_create(**values)[0]


def _loop(answer: Answer, specs: list[Any]) -> None:
    from django_celery_beat.models import PeriodicTask

    with clocked(answer):
        for spec in specs:
            kind, schedule = _schedule(spec)
            PeriodicTask.objects.update_or_create(
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


def _beat_schedule(answer: Answer, specs: list[Any]) -> None:
    from celery import Celery
    from django_celery_beat.schedulers import ModelEntry

    app = Celery("bench", set_as_current=False)
    entries = {spec.name: _entry(spec, app) for spec in specs}
    with clocked(answer):
        # `update_from_dict` is this for each entry, and a reload of all rows, which the neighbours measure.
        for name, entry in entries.items():
            ModelEntry.from_entry(name, app=app, **entry)


def _entry(spec: Any, app: Any) -> dict[str, Any]:
    import json

    from celery.schedules import crontab, schedule, solar

    one, when = spec.schedule, None
    if one.kind == "crontab":
        fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        when = crontab(**{name: getattr(one, name) for name in fields}, app=app)
    elif one.kind == "solar":
        when = solar(one.event, float(one.latitude), float(one.longitude), app=app)
    else:  # `beat_schedule` has no clocked kind
        when = schedule(timedelta(**{one.period: one.every}) if one.kind == "interval" else timedelta(days=1), app=app)
    return {"task": spec.task, "schedule": when, "kwargs": json.loads(spec.kwargs), "options": {"queue": spec.queue}}
