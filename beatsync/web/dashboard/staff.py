"""The pages in the Django admin, for staff who may view periodic tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, path, reverse

from beatsync.store import Store
from beatsync.web.dashboard.pages import Dashboard
from beatsync.web.dashboard.routes import ROUTES

PERMISSIONS = ("django_celery_beat.view_periodictask", "django_celery_beat.change_periodictask")
"""Either of them is enough, as for the list of tasks in the admin."""
START = "beatsync_dashboard"
"""The name of the first page's URL; that of another page is `beatsync_dashboard_<page>`."""


@cache
def _dashboard(store: Store) -> Dashboard:
    """Return the dashboard over a database; this process has one."""
    template, zone = (store.project_settings().get(key) for key in ("SOURCE_URL", "TIMEZONE"))
    return Dashboard(store, template and str(template), zone and str(zone))


def urls(admin_site: Any, store: Callable[[], Store]) -> list[URLPattern]:
    """Return the patterns of all pages, relative to the first one, for `get_urls` of a `ModelAdmin`.

    `store` returns the database that the other pages of the admin read.
    """
    return [
        path("" if page == "overview" else f"{page}/", _view(admin_site, store, page), name=_name(page))
        for page in ROUTES
    ]


def _name(page: str) -> str:
    return START if page == "overview" else f"{START}_{page}"


def _view(admin_site: Any, store: Callable[[], Store], page: str) -> Any:
    def view(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        user: Any = request.user
        if not any(map(user.has_perm, PERMISSIONS)):
            raise PermissionDenied
        base, home = (reverse(f"admin:{name}", current_app=admin_site.name) for name in (START, "index"))
        response = _dashboard(store()).respond(base, page, request.GET.dict(), home)
        return HttpResponse(response.body, status=response.status, headers=dict(response.headers))

    return admin_site.admin_view(view)
