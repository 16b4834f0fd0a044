"""BeatSync in the Django admin: who manages a row, where it is declared, and locks on the fields that a sync would restore.

The registered admins of django-celery-beat are wrapped in place (`wrapping`). A project that writes its own can use the mixins:

    from beatsync.web.admin import ManagedAdminMixin

    @admin.register(PeriodicTask)
    class TaskAdmin(ManagedAdminMixin, PeriodicTaskAdmin): ...

Importing the package imports no Django.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beatsync.web.admin.schedules import SharedScheduleAdminMixin
    from beatsync.web.admin.tasks import ManagedAdminMixin

__all__ = ["ManagedAdminMixin", "SharedScheduleAdminMixin"]

_MODULES = {"ManagedAdminMixin": "tasks", "SharedScheduleAdminMixin": "schedules"}


def __getattr__(name: str) -> object:
    """Import the mixins when they are first used: they need Django's admin."""
    if name in _MODULES:
        return getattr(import_module(f"beatsync.web.admin.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
