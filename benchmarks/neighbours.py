"""What a first sync costs others: an operator who saves in the admin meanwhile, and beat, which reloads every row afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from benchmarks.databases import empty, open_store
from benchmarks.task import Measurement, Task, timed

_DUE = 200
"""Due tasks of the `beat-send` measures, half of which are sent."""
_QUICK_DUE = 20
_PAUSE = 0.02
"""Seconds between two saves."""


def admin_save(task: Task) -> Measurement:
    """The longest wait for a save of an unrelated row during a first sync, including retries if the database refuses it."""
    from django.db import OperationalError
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    empty(task)
    schedule = IntervalSchedule.objects.create(every=1, period="hours")
    row = PeriodicTask.objects.create(name="unrelated", task="other", interval=schedule)
    command = [sys.executable, "-m", "benchmarks.child", replace(task, measure="sync-during-saves").to_json()]
    waits: list[float] = []
    refused = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as sync:
        while sync.poll() is None:
            start = time.perf_counter()
            row.description = f"save {len(waits)}"
            while True:
                try:
                    row.save()
                except OperationalError:
                    # SQLite refuses to upgrade a read transaction while another process writes: an operator saves again.
                    refused += 1
                    time.sleep(_PAUSE)
                else:
                    break
            waits.append(time.perf_counter() - start)
            time.sleep(_PAUSE)
    assert sync.returncode == 0
    return Measurement(seconds=max(waits), notes={"saves": len(waits), "refused": refused, "second": sorted(waits)[-2]})


def sync_during_saves(task: Task) -> Measurement:
    """The sync that `admin_save` starts."""
    from beatsync import reconcile
    from benchmarks.syncs import options

    measurement = Measurement()
    with timed(measurement):
        result = reconcile.sync(task.root, open_store(task.url), options())
    assert result.outcome.value == "applied"
    return measurement


def beat_reload_stock(_: Task) -> Measurement:
    """How long beat sends nothing while django-celery-beat's scheduler loads all rows and computes when each is due."""
    from django_celery_beat.schedulers import DatabaseScheduler

    return _reload(DatabaseScheduler)


def beat_reload_thin(_: Task) -> Measurement:
    """The same with `beatsync.schedulers:DatabaseScheduler`."""
    from beatsync.schedulers import DatabaseScheduler

    return _reload(DatabaseScheduler)


def beat_send_stock(task: Task) -> Measurement:
    """What 1,000 due tasks cost beat's loop with django-celery-beat's scheduler and all rows loaded, without the broker."""
    from django_celery_beat.schedulers import DatabaseScheduler

    return _send(DatabaseScheduler, _QUICK_DUE if task.quick else _DUE)


def beat_send_thin(task: Task) -> Measurement:
    """The same with `beatsync.schedulers:DatabaseScheduler`."""
    from beatsync.schedulers import DatabaseScheduler

    return _send(DatabaseScheduler, _QUICK_DUE if task.quick else _DUE)


def _reload(scheduler_class: Any) -> Measurement:
    from celery import Celery
    from django.db import DatabaseError

    scheduler = scheduler_class(app=Celery("bench"), lazy=True)
    measurement = Measurement()
    try:
        with timed(measurement):
            entries = scheduler.schedule
            scheduler.populate_heap()
    except DatabaseError as error:
        # With so many crontabs the stock scheduler's query is too large for any database (docs/facts.md, 24).
        return Measurement(problem=str(error).strip().splitlines()[0])
    measurement.notes["entries"] = len(entries)
    return measurement


def _send(scheduler_class: Any, due: int) -> Measurement:
    from celery import Celery
    from django.db import DatabaseError, connection
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    sent = []

    class RecordingScheduler(scheduler_class):  # type: ignore[misc]
        """Sends nothing and saves nothing."""

        def apply_entry(self, entry: Any, **_: Any) -> None:
            sent.append(entry.name)

        def sync(self) -> None:
            pass

    # As in a well-configured beat; otherwise each turn of the loop opens a new connection.
    connection.settings_dict["CONN_MAX_AGE"] = connection.close_at = None
    interval = IntervalSchedule.objects.create(every=61, period="minutes")
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    rows = [
        PeriodicTask(name=f"due {number}", task="t", interval=interval, last_run_at=yesterday) for number in range(due)
    ]
    PeriodicTask.objects.bulk_create(rows)
    measurement = Measurement(sampled=due)
    try:
        scheduler = RecordingScheduler(app=Celery("bench"), lazy=True)
        scheduler.tick()
        sent.clear()
        with timed(measurement):
            while len(sent) < due // 2:
                scheduler.tick()
    except DatabaseError as error:
        return Measurement(problem=str(error).strip().splitlines()[0])
    finally:
        interval.delete()
    per_thousand = 1000 / len(sent)
    measurement.seconds, measurement.cpu = measurement.seconds * per_thousand, measurement.cpu * per_thousand
    return measurement
