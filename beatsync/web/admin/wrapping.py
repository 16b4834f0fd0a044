"""Wraps the registered admins of django-celery-beat's models in place, whichever classes they have.

The class of the registered instance is replaced by one with a mixin in front, so that URLs that refer to the instance go on to work.
That is tried when BeatSync's admin is loaded, when the admin's URLs are built, and around the first request: a later app, a skin or
`urls.py` may register another class.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.core import checks, signals

from beatsync.store.errors import StoreError
from beatsync.store.project import beatsync_settings

_LOCK = threading.Lock()
_UID = "beatsync.admin"
CHECK_ID = "beatsync.W001"


def is_enabled() -> bool:
    """Return whether the project has an admin in which BeatSync may show something (`BEATSYNC["ADMIN"]`)."""
    if not (apps.is_installed("django.contrib.admin") and apps.is_installed("django_celery_beat")):
        return False
    try:
        return beatsync_settings().get("ADMIN", True) is not False
    except StoreError:
        return False  # the settings are invalid, and every command says so


def install() -> None:
    """Wrap what is registered by now, and again around the first request; register the system check."""
    checks.register(check_wrapped)
    signals.request_started.connect(_wrap_at_start, dispatch_uid=_UID)
    signals.request_finished.connect(_wrap_at_end, dispatch_uid=_UID)
    wrap_all()


def _wrap_at_start(**_: object) -> None:
    signals.request_started.disconnect(dispatch_uid=_UID)
    wrap_all()


def _wrap_at_end(**_: object) -> None:
    # The first request imports the project's `urls.py`.
    signals.request_finished.disconnect(dispatch_uid=_UID)
    wrap_all()


def wrap_all() -> None:
    """Wrap the admins of all sites; those that are wrapped already stay as they are."""
    if not is_enabled():
        return
    with _LOCK:
        for model_admin, mixin in _unwrapped():
            # A class may refuse subclasses, or a base of it; the system check reports it.
            with suppress(TypeError):
                model_admin.__class__ = _wrapped(type(model_admin), mixin)


def _wrapped(base: type, mixin: type) -> type:
    """Return a class that differs from `base` in what `mixin` does."""
    wrapped: type = type(base)(base.__name__, (mixin, base), {"__module__": base.__module__, "__doc__": base.__doc__})
    return wrapped


def check_wrapped(**_: Any) -> list[checks.CheckMessage]:
    """Return a warning for each admin of a task or a schedule that is not wrapped."""
    if not is_enabled():
        return []
    wrap_all()
    return [
        checks.Warning(
            f"{type(model_admin).__name__}, the admin of {model_admin.model.__name__} in the site"
            f" {model_admin.admin_site.name!r}, does not show which rows BeatSync manages, and does not lock them",
            hint=f"Put beatsync.web.admin.{mixin.__name__} first among its bases, or set BEATSYNC['ADMIN'] = False",
            obj=type(model_admin),
            id=CHECK_ID,
        )
        for model_admin, mixin in _unwrapped()
    ]


def _unwrapped() -> list[tuple[Any, type]]:
    """Return the registered admins that lack their mixin."""
    return [(model_admin, mixin) for model_admin, mixin in _registered() if not isinstance(model_admin, mixin)]


def _registered() -> Iterator[tuple[Any, type]]:
    """Yield each registered admin of a task or a schedule, and the mixin for it."""
    from django.contrib.admin.sites import all_sites

    from beatsync.web.admin.schedules import SharedScheduleAdminMixin
    from beatsync.web.admin.tasks import ManagedAdminMixin

    for site in list(all_sites):
        for model, model_admin in list(site._registry.items()):  # noqa: SLF001  `is_registered` does not return the instance
            if model._meta.app_label != "django_celery_beat":  # noqa: SLF001  documented
                continue
            if model.__name__ == "PeriodicTask":
                yield model_admin, ManagedAdminMixin
            elif model.__name__ in SharedScheduleAdminMixin.beatsync_kinds:
                yield model_admin, SharedScheduleAdminMixin
