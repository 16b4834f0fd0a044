"""Read the dashboard in the Django admin as several users; print the status codes as JSON. The pages are those of `staff.urls`."""

from __future__ import annotations

import json
from typing import Any

import django

django.setup()

from django.contrib import admin  # noqa: E402  needs Django to be set up
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Permission  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path, reverse  # noqa: E402

from beatsync.web.dashboard.routes import ROUTES  # noqa: E402
from beatsync.web.dashboard.staff import urls  # noqa: E402

original = admin.site.get_urls
admin.site.get_urls = lambda: [  # type: ignore[method-assign]
    *[path(f"beatsync/source/dashboard/{each.pattern}", each.callback, name=each.name) for each in urls(admin.site)],
    *original(),
]


def client(name: str, permission: str | None = None, **fields: Any) -> Client:
    users: Any = get_user_model()._default_manager
    user = users.create_user(name, **fields)
    if permission is not None:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    browser = Client()
    browser.force_login(user)
    return browser


def main() -> None:
    start = reverse("admin:beatsync_dashboard")
    viewer = client("viewer", "view_periodictask", is_staff=True)
    while viewer.get(start).has_header("Refresh"):
        pass
    statuses: dict[str, Any] = {
        "start": start,
        "schedule": reverse("admin:beatsync_dashboard_schedule"),
        "nobody": Client().get(start).status_code,
        "no staff": client("user", "view_periodictask").get(start).status_code,
        "no permission": client("staff", is_staff=True).get(start).status_code,
        "post": viewer.post(start).status_code,
        "head": viewer.head(start).status_code,
        "superuser": client("root", is_staff=True, is_superuser=True).get(start).status_code,
        "pages": [
            viewer.get(start if page == "overview" else f"{start}{page}/", {"name": "report"}).status_code
            for page in ROUTES
        ],
    }
    page = viewer.get(start)
    statuses["policy"] = page["Content-Security-Policy"].partition(";")[0]
    statuses["links"] = f'href="{start}drift/"' in page.content.decode()
    statuses["home"] = 'href="/admin/"' in page.content.decode()
    print(json.dumps(statuses))


main()
