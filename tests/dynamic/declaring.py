"""Sets of schedules as the tests of `beatsync.dynamic` declare them, and what the database holds then."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from beatsync.dynamic import Schedules, schedules
from beatsync.models import InventoryEntry, OneOff, PendingWrite, Source, SyncRecord
from tests.conftest import Backend

TASK = "reports.send"
HOURLY: dict[str, Any] = {"task": TASK, "interval": "1h"}


def reports(backend: Backend, name: str = "reports") -> Schedules:
    return schedules(name, using=backend.alias, actor="ann")


def rows(backend: Backend) -> list[str]:
    return sorted(PeriodicTask.objects.using(backend.alias).values_list("name", flat=True))


def row(backend: Backend, name: str) -> PeriodicTask:
    task: PeriodicTask = PeriodicTask.objects.using(backend.alias).get(name=name)
    return task


def stamp(backend: Backend) -> datetime | None:
    """Return the time of the last notice to beat."""
    stamps: list[datetime] = list(PeriodicTasks.objects.using(backend.alias).values_list("last_update", flat=True))
    return stamps[0] if stamps else None


def is_notice_owed(backend: Backend) -> bool:
    return bool(PendingWrite.objects.using(backend.alias).filter(notified=False).exists())


def stored(backend: Backend) -> dict[str, int]:
    """Return how many rows each table has that a write of a set adds rows to."""
    models = (PeriodicTask, InventoryEntry, OneOff, PendingWrite, Source, SyncRecord)
    return {model.__name__: model.objects.using(backend.alias).count() for model in models}


def statements(backend: Backend) -> CaptureQueriesContext:
    connection = connections[backend.alias]
    connection.ensure_connection()
    return CaptureQueriesContext(connection)


def directory(path: Path, **entries: dict[str, Any]) -> Path:
    """Return a source of files with these schedules."""
    path.mkdir()
    (path / "all.yaml").write_text(json.dumps({"schedules": entries}), encoding="utf-8")
    return path
