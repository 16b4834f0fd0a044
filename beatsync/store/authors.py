"""Who changed a row, according to the Django admin's own log (`django.contrib.admin.models.LogEntry`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db import router

MAX_ROWS = 1_000
"""How many rows the log is searched for: nobody reads more."""


def admin_log(row_ids: Collection[int]) -> dict[int, str]:
    """Return for each row who last changed it in the Django admin, and when, as text; rows without an entry are left out."""
    if not row_ids or not apps.is_installed("django.contrib.admin"):
        return {}
    model: Any = apps.get_app_config("admin").get_model("LogEntry")
    of_tasks = {"content_type__app_label": "django_celery_beat", "content_type__model": "periodictask"}
    entries = (
        model.objects.using(router.db_for_read(model))
        .filter(**of_tasks, object_id__in=[str(row_id) for row_id in sorted(row_ids)[:MAX_ROWS]])
        .select_related("user")
        .order_by("action_time", "pk")
    )
    authors: dict[int, str] = {}
    for entry in entries:
        verb = "deleted" if entry.is_deletion() else "added" if entry.is_addition() else "changed"
        time = f"{entry.action_time:%Y-%m-%d %H:%M} UTC"
        authors[int(entry.object_id)] = f"{verb} in the Django admin by {entry.user.get_username()}, {time}"
    return authors
