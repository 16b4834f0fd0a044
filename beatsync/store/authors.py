"""Who changed a row, as far as the Django admin's own log tells (`django.contrib.admin.models.LogEntry`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db import router

MOST = 1_000
"""Rows that are asked about at most: nobody reads more."""


def admin_log(row_ids: Collection[int]) -> dict[int, str]:
    """Return for each row who last changed it in the Django admin, and when, in words; rows without an entry are left out."""
    if not row_ids or not apps.is_installed("django.contrib.admin"):
        return {}
    model: Any = apps.get_app_config("admin").get_model("LogEntry")
    alias = router.db_for_read(model)
    about = {"content_type__app_label": "django_celery_beat", "content_type__model": "periodictask"}
    entries = (
        model.objects.using(alias)
        .filter(**about, object_id__in=[str(row_id) for row_id in sorted(row_ids)[:MOST]])
        .select_related("user")
        .order_by("action_time", "pk")
    )
    said: dict[int, str] = {}
    for entry in entries:
        verb = "deleted" if entry.is_deletion() else "added" if entry.is_addition() else "changed"
        when = f"{entry.action_time:%Y-%m-%d %H:%M} UTC"
        said[int(entry.object_id)] = f"{verb} in the Django admin by {entry.user.get_username()}, {when}"
    return said
