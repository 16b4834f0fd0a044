"""Pages of the Django admin of a project with BeatSync, that of the example shop, on the benchmark's database."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.task import Measurement, Task, timed

_SHOP = Path(__file__).parents[1] / "examples" / "shop"
_REPEAT = 5


def admin_pages(task: Task) -> Measurement:
    """A page of the list of tasks, warm, and its queries. The notes have the list of one source, and the form of a managed row."""
    client = _client(task.url)
    from django_celery_beat.models import PeriodicTask

    managed = PeriodicTask.objects.order_by("name")[task.schedules // 2]
    tasks = "/admin/django_celery_beat/periodictask/"
    pages = {"list": "", "list of a source": "?beatsync_source=in:default", "form": f"{managed.pk}/change/"}
    measurement = Measurement()
    for name, query in pages.items():
        page = min((_page(client, tasks + query) for _ in range(_REPEAT)), key=lambda each: each.seconds)
        measurement.notes |= {f"{name}, seconds": page.seconds, f"{name}, queries": page.statements}
        if name == "list":
            measurement.seconds, measurement.cpu, measurement.statements = page.seconds, page.cpu, page.statements
    return measurement


def _client(url: str) -> Any:
    """Return a client of the project that is logged in; the project's own tables are created."""
    if url.startswith("mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
    sys.path.insert(0, str(_SHOP))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "SHOP_DATABASE_URL": url}
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.filter(username="admin").first() or User.objects.create_superuser("admin"))
    return client


def _page(client: Any, address: str) -> Measurement:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    measurement = Measurement()
    with CaptureQueriesContext(connection) as queries, timed(measurement):
        response = client.get(address)
    assert response.status_code == 200, response
    measurement.statements = len(queries)
    return measurement
