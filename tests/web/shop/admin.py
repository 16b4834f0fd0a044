"""Registers the admin of `PeriodicTask` with the classes of the package under test."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from tests.web.site import IS_LATE, SKIN


def _base() -> Any:
    if SKIN == "unfold":
        from unfold.admin import ModelAdmin

        return ModelAdmin
    if SKIN == "import_export":
        from import_export.admin import ImportExportModelAdmin

        return ImportExportModelAdmin
    if SKIN == "simple_history":
        from simple_history.admin import SimpleHistoryAdmin

        return SimpleHistoryAdmin
    return None


def register() -> None:
    """Replace the admin of django-celery-beat."""
    if (base := _base()) is not None:
        admin.site.unregister(PeriodicTask)
        admin.site.register(PeriodicTask, type("ShopTaskAdmin", (PeriodicTaskAdmin, base), {}))


if not IS_LATE:
    register()
