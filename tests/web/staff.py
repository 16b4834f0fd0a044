"""The dashboard in the Django admin: only staff who may view tasks read it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from beatsync.web.dashboard.routes import ROUTES
from tests.processes import until
from tests.web.conftest import SPEC

if TYPE_CHECKING:
    Sync = Callable[[str], None]


def user(name: str, permission: str | None = None, **fields: Any) -> Client:
    """Return the browser of a user with this permission."""
    users: Any = get_user_model()._default_manager
    created = users.create_user(name, **fields)
    if permission is not None:
        created.user_permissions.add(Permission.objects.get(codename=permission))
    browser = Client()
    browser.force_login(created)
    return browser


def is_ready(browser: Client, address: str) -> bool:
    """Return whether the values of a page were read."""
    return not browser.get(address).has_header("Refresh")


def test_staff_who_may_view_or_change_tasks_read_the_pages(client: Client, sync: Sync) -> None:
    sync(SPEC)
    start = reverse("admin:beatsync_dashboard")
    assert start == "/admin/beatsync/source/dashboard/"
    assert reverse("admin:beatsync_dashboard_schedule") == f"{start}schedule/"
    viewer = user("viewer", "view_periodictask", is_staff=True)
    for page in ROUTES:
        address = start if page == "overview" else f"{start}{page}/"
        until(partial(is_ready, viewer, address))
        assert viewer.get(address, {"name": "nightly"}).status_code == 200, page
    read = viewer.get(start)
    assert read["Content-Security-Policy"].startswith("default-src 'none'")
    assert f'href="{start}drift/"' in read.content.decode()
    assert 'href="/admin/"' in read.content.decode()
    assert client.get(start).status_code == 200  # a superuser
    assert user("editor", "change_periodictask", is_staff=True).get(start).status_code == 200
    assert Client().get(start).status_code == 302
    assert user("customer", "view_periodictask").get(start).status_code == 302
    assert user("clerk", is_staff=True).get(start).status_code == 403
    assert viewer.post(start).status_code == 405
    assert viewer.head(start).status_code == 200
