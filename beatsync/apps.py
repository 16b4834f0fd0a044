"""BeatSync as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class BeatSyncConfig(AppConfig):
    """The app that `INSTALLED_APPS` names as `beatsync`."""

    name = "beatsync"
    label = "beatsync"
    verbose_name = "BeatSync"
    default_auto_field = "django.db.models.BigAutoField"
