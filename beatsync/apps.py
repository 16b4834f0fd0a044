"""BeatSync as a Django app."""

from __future__ import annotations

from django.apps import AppConfig, apps


class BeatSyncConfig(AppConfig):
    """The app that `INSTALLED_APPS` names as `beatsync`."""

    name = "beatsync"
    label = "beatsync"
    verbose_name = "BeatSync"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Wrap the admins of django-celery-beat, if the project has the Django admin."""
        if apps.is_installed("django.contrib.admin"):
            from beatsync.web.admin.wrapping import install

            install()
