"""What a sync reads from the project's settings and its celery application."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings

from beatsync.store.errors import StoreError


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
