"""Datetimes are read as they were written, whatever the project's zone and USE_TZ, and as Django's own ORM writes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connections

from beatsync.store import Store, times
from tests.conftest import Backend
from tests.store.storing import create_all
from tests.store.test_store_apply import hourly

ROOT = Path(__file__).parents[2]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        ("2026-07-01 12:00:00", BERLIN, datetime(2026, 7, 1, 10, tzinfo=timezone.utc)),
        ("2026-07-01 12:00:00.5", timezone.utc, datetime(2026, 7, 1, 12, 0, 0, 500_000, tzinfo=timezone.utc)),
        ("2026-07-01T12:00:00+03:00", BERLIN, datetime(2026, 7, 1, 9, tzinfo=timezone.utc)),
        ("0000-00-00 00:00:00", timezone.utc, None),
        ("0001-01-01 00:00:00", BERLIN, None),
        ("infinity", timezone.utc, None),
        ("2026-13-01 00:00:00", timezone.utc, None),
        ("", timezone.utc, None),
        (None, timezone.utc, None),
    ],
)
def test_read(text: str | None, zone: timezone | ZoneInfo, instant: datetime | None) -> None:
    assert times.read(text, zone) == instant


def test_write() -> None:
    instant = datetime(2026, 7, 1, 10, 0, 0, 7, tzinfo=timezone.utc)
    assert times.write(instant, timezone.utc) == "2026-07-01 10:00:00.000007+00:00"
    assert times.write(instant, BERLIN) == "2026-07-01 12:00:00.000007"
    assert times.write(None, BERLIN) is None


def test_the_orm_reads_what_the_store_wrote(store: Store) -> None:
    from django_celery_beat.models import PeriodicTask

    instant = datetime(2026, 7, 1, 10, 0, 0, 7, tzinfo=timezone.utc)
    create_all(store, hourly(start_time=instant, expires=instant + timedelta(days=1)), now=instant)
    task = PeriodicTask.objects.using(store.alias).get()
    assert (task.start_time, task.expires, task.date_changed) == (instant, instant + timedelta(days=1), instant)


def test_a_connection_with_a_zone_of_its_own(store: Store) -> None:
    """DATABASES' TIME_ZONE says what the wall clock in the rows means where the database knows no zones."""
    from django_celery_beat.models import PeriodicTask

    connection = connections[store.alias]
    connection.close()
    connection.settings_dict["TIME_ZONE"] = "Asia/Tokyo"
    for cached in ("timezone", "timezone_name"):
        vars(connection).pop(cached, None)
    try:
        instant = datetime(2026, 7, 1, 10, tzinfo=timezone.utc)
        after = create_all(store, hourly(start_time=instant), now=instant)
        assert after.rows["hourly"].spec.start_time == instant
        assert PeriodicTask.objects.using(store.alias).get().start_time == instant
    finally:
        connection.close()
        connection.settings_dict["TIME_ZONE"] = None
        for cached in ("timezone", "timezone_name"):
            vars(connection).pop(cached, None)


WITHOUT_ZONES = """
import json
from datetime import datetime, timezone
import django
from django.conf import settings
from beatsync.store.connect import database_settings
settings.configure(
    DATABASES={"default": database_settings(URL)}, INSTALLED_APPS=["django_celery_beat", "beatsync"], USE_TZ=False,
    TIME_ZONE="America/New_York", DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()
from django_celery_beat.models import PeriodicTask, PeriodicTasks
from beatsync.store import Store
from tests.store.storing import create_all
from tests.store.test_store_apply import hourly
instant = datetime(2026, 7, 1, 10, 0, 0, 7, tzinfo=timezone.utc)
store = Store("default")
row = create_all(store, hourly(start_time=instant, enabled=True), now=instant).rows["hourly"]
task = PeriodicTask.objects.get()
(entry,) = store.history("shop", 1)
print(json.dumps([
    row.spec.start_time.isoformat(), row.date_changed.isoformat(), task.start_time.isoformat(),
    PeriodicTasks.last_change().isoformat(), entry.started_at.isoformat(), store.sources()[0].synced_at.isoformat(),
]))
"""


def test_a_project_without_zones(backend: Backend) -> None:
    """With USE_TZ off, Django and beat read the wall clock of the project's zone."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    code = WITHOUT_ZONES.replace("URL", repr(backend.url))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    instant, clock = "2026-07-01T10:00:00.000007+00:00", "2026-07-01T06:00:00.000007"
    assert json.loads(done.stdout) == [instant, instant, clock, clock, instant, instant]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime.fromisoformat("2026-06-01T12:30"), "2026-06-01 10:30 UTC"),
        (datetime(2026, 6, 1, 12, 30, tzinfo=timezone(timedelta(hours=14))), "2026-05-31 22:30 UTC"),
    ],
    ids=["without USE_TZ", "with USE_TZ"],
)
def test_a_time_of_the_admins_log_is_shown_in_utc(monkeypatch: pytest.MonkeyPatch, value: datetime, shown: str) -> None:
    from beatsync.store import project

    monkeypatch.setattr(project, "get_default_timezone", lambda: ZoneInfo("Europe/Berlin"))
    assert project.utc_text(value) == shown
