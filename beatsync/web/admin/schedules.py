"""The mixin for the admins of crontabs and the other schedule rows: rows that managed tasks share are locked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html

from beatsync.store.managed import ManagedUsers
from beatsync.web.admin.database import is_ready, store
from beatsync.web.admin.fieldsets import with_fields_first
from beatsync.web.admin.forms import locked_form

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object

NOTICE = "beatsync_notice"


class SharedScheduleAdminMixin(_Base):
    """Locks a schedule row that managed tasks use. It comes first among the bases of an admin."""

    beatsync_kinds: ClassVar[dict[str, str]] = {
        "IntervalSchedule": "interval",
        "CrontabSchedule": "crontab",
        "SolarSchedule": "solar",
        "ClockedSchedule": "clocked",
    }
    """The kind of schedule by the name of its model."""

    def _beatsync_shared_by(self, obj: Any) -> ManagedUsers | None:
        """Return the managed tasks that use a row; None if there are none."""
        if obj is None or obj.pk is None or not is_ready():
            return None
        if "_beatsync_users" not in obj.__dict__:
            kind = self.beatsync_kinds[self.model.__name__]
            obj._beatsync_users = store().schedule_users(kind, [obj.pk]).get(obj.pk)  # noqa: SLF001
        users: ManagedUsers | None = obj._beatsync_users  # noqa: SLF001
        return users

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Add the notice."""
        fields = super().get_readonly_fields(request, obj)
        return fields if self._beatsync_shared_by(obj) is None or NOTICE in fields else [*fields, NOTICE]

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """Put the notice first."""
        fieldsets = super().get_fieldsets(request, obj)
        return (
            fieldsets
            if self._beatsync_shared_by(obj) is None
            else with_fields_first("BeatSync", (NOTICE,), fieldsets, (NOTICE,))
        )

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, with all fields locked if managed tasks use the row."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return form if self._beatsync_shared_by(obj) is None else locked_form(form, form.base_fields)

    @admin.display(description="Managed by BeatSync")
    def beatsync_notice(self, obj: Any) -> Any:
        """Return why the row is locked."""
        users = self._beatsync_shared_by(obj)
        return (
            "—" if users is None else format_html('<div class="beatsync-notice"><p>{}</p></div>', _lock_reason(users))
        )

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Return whether a row may be deleted: not if that would delete managed tasks."""
        return self._beatsync_shared_by(obj) is None and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """Return what a deletion would delete; rows that managed tasks use are protected."""
        objs = list(objs)
        objects, counts, permissions, protected = super().get_deleted_objects(objs, request)
        if is_ready():
            users = store().schedule_users(self.beatsync_kinds[self.model.__name__], [obj.pk for obj in objs])
            if users and super().has_delete_permission(request):
                permissions = permissions - {self.opts.verbose_name}  # what is missing is not a permission
            protected = [*protected, *(f"{obj}: {_lock_reason(users[obj.pk])}" for obj in objs if obj.pk in users)]
        return objects, counts, permissions, protected


def _lock_reason(users: ManagedUsers) -> str:
    """Return why a schedule row is locked."""
    others = f" and {users.number - 1:,} more" if users.number > 1 else ""
    return (
        f"tasks that BeatSync manages use this row: {users.example}{others}. It is shared, so it is neither edited nor"
        " deleted; change the schedule where it is declared"
    )
