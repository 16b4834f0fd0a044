"""What one first sync does to others: an admin who saves meanwhile, and beat, which reads everything again afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from benchmarks.databases import empty, open_store
from benchmarks.task import Answer, Task, clocked

SENT = 200
PRESSED = 0.02
"""Seconds between one save and the next."""


def admin_save(task: Task) -> Answer:
    """The longest that the save of an unrelated row waits while all rows are first synced, until it is done and not refused."""
    from django.db import OperationalError
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    empty(task)
    schedule = IntervalSchedule.objects.create(every=1, period="hours")
    row = PeriodicTask.objects.create(name="by hand", task="other", interval=schedule)
    command = [sys.executable, "-m", "benchmarks.child", replace(task, measure="sync-beside").text()]
    waits: list[float] = []
    refused = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as syncing:
        while syncing.poll() is None:
            begun = time.perf_counter()
            row.description = f"save {len(waits)}"
            while True:
                try:
                    row.save()
                except OperationalError:
                    # SQLite lets nobody begin to write who has read while another writes: a person presses save again, and waits on.
                    refused += 1
                    time.sleep(PRESSED)
                else:
                    break
            waits.append(time.perf_counter() - begun)
            time.sleep(PRESSED)
    assert syncing.returncode == 0
    return Answer(seconds=max(waits), notes={"saves": len(waits), "refused": refused, "second": sorted(waits)[-2]})


def sync_beside(task: Task) -> Answer:
    """The sync that `admin_save` looks at."""
    from beatsync import reconcile
    from benchmarks.syncs import options

    answer = Answer()
    with clocked(answer):
        result = reconcile.sync(task.root, open_store(task.url), options())
    assert result.outcome.value == "applied"
    return answer


def beat_reload_stock(_: Task) -> Answer:
    """How long beat sends nothing while it reads all rows and asks each when it is due, with django-celery-beat's own scheduler."""
    from django_celery_beat.schedulers import DatabaseScheduler

    return _reload(DatabaseScheduler)


def beat_reload_thin(_: Task) -> Answer:
    """The same with `beatsync.schedulers:DatabaseScheduler`."""
    from beatsync.schedulers import DatabaseScheduler

    return _reload(DatabaseScheduler)


def beat_send_stock(_: Task) -> Answer:
    """What a thousand due tasks cost beat's loop while all rows are loaded, with django-celery-beat's own; broker not counted."""
    from django_celery_beat.schedulers import DatabaseScheduler

    return _send(DatabaseScheduler)


def beat_send_thin(_: Task) -> Answer:
    """The same with `beatsync.schedulers:DatabaseScheduler`."""
    from beatsync.schedulers import DatabaseScheduler

    return _send(DatabaseScheduler)


def _reload(scheduler: Any) -> Answer:
    from celery import Celery
    from django.db import DatabaseError

    one = scheduler(app=Celery("bench"), lazy=True)
    answer = Answer()
    try:
        with clocked(answer):
            entries = one.schedule
            one.populate_heap()
    except DatabaseError as error:
        # Of so many crontabs stock beat makes a query that no database answers (FACTS 24).
        return Answer(problem=str(error).strip().splitlines()[0])
    answer.notes["entries"] = len(entries)
    return answer


def _send(scheduler: Any) -> Answer:
    from celery import Celery
    from django.db import DatabaseError, connection
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    sent = []

    class Silent(scheduler):  # type: ignore[misc]
        def apply_entry(self, entry: Any, **_: Any) -> None:
            sent.append(entry.name)

        def sync(self) -> None:
            """Write nothing of what it did not run."""

    # As for a beat that is set up well; else each turn opens a connection anew.
    connection.settings_dict["CONN_MAX_AGE"] = connection.close_at = None
    hourly = IntervalSchedule.objects.create(every=61, period="minutes")
    due = datetime.now(timezone.utc) - timedelta(days=1)
    rows = [PeriodicTask(name=f"due {number}", task="t", interval=hourly, last_run_at=due) for number in range(SENT)]
    PeriodicTask.objects.bulk_create(rows)
    answer = Answer(counted=SENT)
    try:
        one = Silent(app=Celery("bench"), lazy=True)
        one.tick()
        del sent[:]
        with clocked(answer):
            while len(sent) < SENT // 2:
                one.tick()
    except DatabaseError as error:
        return Answer(problem=str(error).strip().splitlines()[0])
    finally:
        hourly.delete()
    answer.seconds, answer.cpu = answer.seconds * 1000 / len(sent), answer.cpu * 1000 / len(sent)
    return answer
