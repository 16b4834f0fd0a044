"""A project with the Django admin; `pages.py`, `details.py` and `staff.py` run in a process of their own, with the settings `tests.web.site`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.core.management import call_command

if TYPE_CHECKING:
    from django.test import Client
    from django_celery_beat.models import PeriodicTask

SPEC = """\
schedules:
  nightly:
    task: shop.bill
    crontab: "30 2 * * *"
    queue: slow
    kwargs: {password: hunter2}
  hourly: {task: shop.tidy, interval: 1h, enabled: true}
"""


@pytest.fixture(scope="session")
def project() -> None:
    """Create the tables."""
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0, run_syncdb=True)


@pytest.fixture
def client(project: None) -> Client:  # noqa: ARG001  the tables
    """A superuser, `alice`, who is logged in; the database is empty otherwise."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    call_command("flush", verbosity=0, interactive=False)
    users: Any = get_user_model()._default_manager
    client = Client()
    client.force_login(users.create_superuser("alice", "alice@example.org", "secret"))
    return client


@pytest.fixture
def sync(client: Client, tmp_path: Path) -> Callable[[str], None]:  # noqa: ARG001  the empty database
    """Return a function that syncs a file."""

    def run(spec: str) -> None:
        (tmp_path / "a.yaml").write_text(spec, encoding="utf-8")
        call_command("beatsync", "sync", str(tmp_path), verbosity=0)

    return run


def task(name: str) -> PeriodicTask:
    """Return the row of this name."""
    found: PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")._default_manager.get(name=name)
    return found


def page(kind: str = "", row: Any = None, query: str = "") -> str:
    """Return the URL of a page about tasks."""
    place = f"{row.pk}/{kind}/" if row is not None else ""
    return f"/admin/django_celery_beat/periodictask/{place}{query}"


def form_data(response: Any, **changes: Any) -> dict[str, Any]:
    """Return what a browser posts from the form of a page, with changes."""
    form = response.context["adminform"].form
    data: dict[str, Any] = {}
    for name, field in form.fields.items():
        value = form[name].value()
        parts = field.widget.decompress(value) if hasattr(field.widget, "decompress") else None
        if parts is not None:
            data |= {f"{name}_{number}": part for number, part in enumerate(parts) if part is not None}
        elif value is not None and value is not False:
            data[name] = value
    return {**data, "regtask": "", "_save": "Save", **changes}
