"""What a sync reads from Django itself: the project's settings, its celery application, its admin log and the release of beat."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import router
from django.utils.timezone import get_default_timezone, is_aware, make_aware

from beatsync.store.errors import StoreError
from beatsync.values import minute_text

MAX_LOG_ROWS = 1_000
"""How many rows the admin log is searched for: a report with more authors is too long to read."""
_NOTHING = "[]"
"""The message of an entry about a form that was saved unchanged."""
_FAULTY_RELEASES = {
    "2.8.0": "django-celery-beat 2.8.0 does not run crontabs that carry another time zone than beat's own, and never makes good"
    " a missed notice of a change: update beat to 2.8.1 or newer, or stay on 2.7",
}
_ZONES_IGNORED = (
    "DJANGO_CELERY_BEAT_TZ_AWARE is False in the Django settings: beat runs every crontab in its own zone, whatever zone the"
    " specs and the rows name"
)


def beatsync_settings() -> Mapping[str, Any]:
    """Return `BEATSYNC` of the project's settings. Raises StoreError if it is not a mapping."""
    values = getattr(settings, "BEATSYNC", None) or {}
    if not isinstance(values, Mapping):
        raise StoreError(f"BEATSYNC in the Django settings must be a dict, not {type(values).__name__}")
    return values


def celery_timezone() -> str | None:
    """Return the zone that django-celery-beat takes for the project's; None if none is set.

    As its `crontab_schedule_celery_timezone` does: `CELERY_TIMEZONE`, or the same under the application's namespace.
    """
    from celery import current_app

    for name in (f"{current_app.namespace}_TIMEZONE" if current_app.namespace else None, "CELERY_TIMEZONE"):
        zone = getattr(settings, name, None) if name else None
        if zone:
            return str(zone)
    return None


def beat_schedule_names() -> frozenset[str]:
    """Return the names in the application's `beat_schedule` and in the project's settings, as far as they can be read."""
    from celery import current_app

    names: set[str] = set()
    for setting in (f"{current_app.namespace or 'CELERY'}_BEAT_SCHEDULE", "CELERY_BEAT_SCHEDULE"):
        names.update(getattr(settings, setting, None) or ())
    # If the application's configuration cannot be imported here, its names are unknown.
    with suppress(ImportError):
        names.update(current_app.conf.beat_schedule or ())
    return frozenset(names)


def on_delete(table: str, column: str) -> str | None:
    """Return Django's `on_delete` of a column that refers to `PeriodicTask`, such as `SET_NULL`; None if no model has the column."""
    task: Any = apps.get_model("django_celery_beat", "PeriodicTask")
    for relation in task._meta.related_objects:  # noqa: SLF001  Django documents `_meta` as public
        model = relation.related_model._meta  # noqa: SLF001
        if model.db_table == table and relation.field.column == column:
            return str(getattr(relation.on_delete, "__name__", relation.on_delete))
    return None


def warnings() -> tuple[str, ...]:
    """Return what is wrong with the installed django-celery-beat, and with how this project sets it."""
    texts = []
    with suppress(PackageNotFoundError):
        texts.append(_FAULTY_RELEASES.get(version("django-celery-beat")))
    if not getattr(settings, "DJANGO_CELERY_BEAT_TZ_AWARE", True):
        texts.append(_ZONES_IGNORED)
    return tuple(text for text in texts if text)


def utc_text(value: datetime) -> str:
    """Return a time of the admin's log in UTC. Without USE_TZ the log holds local times of the project."""
    aware = value if is_aware(value) else make_aware(value, get_default_timezone())
    return minute_text(aware)


def admin_log(row_ids: Collection[int], *, additions: bool = False) -> dict[int, str]:
    """Return for each row who last changed it in the Django admin, and when, as text; rows without an entry are left out.

    With `additions`, who added it.
    """
    if not row_ids or not apps.is_installed("django.contrib.admin"):
        return {}
    model: Any = apps.get_app_config("admin").get_model("LogEntry")
    of_tasks = {"content_type__app_label": "django_celery_beat", "content_type__model": "periodictask"}
    entries = (
        model.objects.using(router.db_for_read(model))
        .filter(**of_tasks, object_id__in=[str(row_id) for row_id in sorted(row_ids)[:MAX_LOG_ROWS]])
        .select_related("user")
        .order_by("action_time", "pk")
    )
    authors: dict[int, str] = {}
    for entry in entries:
        if (additions and not entry.is_addition()) or entry.change_message == _NOTHING:
            continue
        verb = "deleted" if entry.is_deletion() else "added" if entry.is_addition() else "changed"
        authors[int(entry.object_id)] = (
            f"{verb} in the Django admin by {entry.user.get_username()}, {utc_text(entry.action_time)}"
        )
    return authors
