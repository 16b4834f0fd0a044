"""BeatSync's own tables in the admin, for reading only. Nothing here shows a secret: no key, no token, and applied values masked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import include, path
from django.utils.html import format_html

from beatsync import models
from beatsync.plan.history import schedule_changes
from beatsync.plan.inventory import applied_fields
from beatsync.plan.jsonform import changes_of_text
from beatsync.plan.mask import masked_fields
from beatsync.plan.model import Cause, FieldChange
from beatsync.report.changes import value_text
from beatsync.report.schedules import schedule_lines
from beatsync.specfile.shapes import mask_text
from beatsync.web.admin.database import is_ready, store
from beatsync.web.admin.wrapping import wrap_all

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = admin.ModelAdmin


def _lines(lines: Sequence[str]) -> Any:
    return format_html("<pre>{}</pre>", "\n".join(lines)) if lines else None


def _masked(row: Any, page: admin.ModelAdmin[Any]) -> Any:
    """Mask the secrets in the texts of a row that `page` only shows; those that it shows by a function stay as they are."""
    excluded, values = page.exclude or (), row.__dict__
    texts = {name: value for name, value in values.items() if isinstance(value, str) and name not in excluded}
    values.update({name: mask_text(value) for name, value in texts.items()})
    return row


class _MaskedResults:
    """A mixin for a change list."""

    result_list: Any
    model_admin: Any

    def get_results(self, request: Any) -> None:
        """Read the rows of the page, and mask them."""
        super().get_results(request)  # type: ignore[misc]
        self.result_list = [_masked(row, self.model_admin) for row in self.result_list]


class ReadOnlyAdmin(_Base):
    """Pages that show a table."""

    show_full_result_count = False
    list_per_page = 50
    actions = None

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        """Return a row whose texts are masked: most are masked before they are stored, but names, paths and origins are not."""
        row = super().get_object(request, object_id, from_field)
        return None if row is None else _masked(row, self)

    def get_changelist(self, request: Any, **kwargs: Any) -> Any:
        """Return the class of the list, whose rows are masked."""
        base = super().get_changelist(request, **kwargs)
        return type(base.__name__, (_MaskedResults, base), {})

    def get_queryset(self, request: Any) -> Any:
        """Return the rows of the database that the store uses."""
        return super().get_queryset(request).using(store().alias)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        """Return whether the user may see the table, and it is there."""
        return super().has_view_permission(request, obj) and is_ready()

    def has_module_permission(self, request: Any) -> bool:
        """Return whether the table is in the list of all tables."""
        return super().has_module_permission(request) and is_ready()

    def has_add_permission(self, request: Any) -> bool:  # noqa: ARG002  Django's signature
        """Return False."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False."""
        return False


class SourceAdmin(ReadOnlyAdmin):
    """The sources."""

    list_display = ("name", "kind_in_words", "origin", "revision_git", "environment", "synced_at", "outcome")
    search_fields = ("name", "origin")
    exclude = ("checksum", "kind", "message", "suspended_for")
    readonly_fields = ("kind_in_words", "last_message", "suspension_reason")

    def get_urls(self) -> Any:
        """Add the dashboard; and wrap what was registered since, before the URLs of the other admins are built."""
        from beatsync.web.dashboard import staff

        wrap_all()
        return [path("dashboard/", include(staff.urls(self.admin_site, store))), *super().get_urls()]

    @admin.display(description="kind", ordering="kind")
    def kind_in_words(self, obj: Any) -> str:
        """Return what the source is."""
        return obj.kind or "files"

    @admin.display(description="message", empty_value="—")
    def last_message(self, obj: Any) -> str:
        """Return the message of the last sync."""
        return mask_text(obj.message)

    @admin.display(description="suspended for", empty_value="—")
    def suspension_reason(self, obj: Any) -> str:
        """Return why the source is suspended."""
        return mask_text(obj.suspended_for)


class InventoryEntryAdmin(ReadOnlyAdmin):
    """The rows that sources own."""

    list_display = ("name", "source", "path", "row_id", "on_remove", "retired", "frozen", "operator_fields")
    list_select_related = ("source",)
    list_filter = ("source", "on_remove", "retired", "frozen")
    search_fields = ("name", "path")
    exclude = ("applied",)
    readonly_fields = ("applied_values",)

    @admin.display(description="last applied")
    def applied_values(self, obj: Any) -> Any:
        """Return the values that were last applied, masked."""
        values = applied_fields(obj.applied)
        if values is None:
            return "damaged"
        try:
            sensitive = [str(path) for path in json.loads(obj.sensitive)]
        except (ValueError, TypeError):
            return "damaged"
        fields = [FieldChange(name, value, value, Cause.SPEC) for name, value in values.items() if value is not None]
        return _lines(
            [f"{field.field}: {value_text(field.field, field.after)}" for field in masked_fields(fields, sensitive)]
        )


class FileRecordAdmin(ReadOnlyAdmin):
    """The files that syncs have read."""

    list_display = ("path", "source")
    list_select_related = ("source",)
    list_filter = ("source",)
    search_fields = ("path",)
    exclude = ("facts", "row_digests")

    def get_queryset(self, request: Any) -> Any:
        """Leave out the columns that may be long."""
        return super().get_queryset(request).defer("facts", "row_digests")


class SyncRecordAdmin(ReadOnlyAdmin):
    """The history."""

    list_display = ("started_at", "source", "outcome", "actor", "revision_git", "environment", "repeats")
    list_select_related = ("source",)
    list_filter = ("source", "outcome")
    search_fields = ("actor", "revision_git", "message")
    ordering = ("-id",)
    exclude = ("changes", "summary")
    readonly_fields = ("what_changed",)

    def get_queryset(self, request: Any) -> Any:
        """Leave out the column that may be long."""
        return super().get_queryset(request).defer("changes")

    @admin.display(description="changes", empty_value="—")
    def what_changed(self, obj: Any) -> Any:
        """Return the changes, as `history` shows them."""
        schedules = schedule_changes(changes_of_text(obj.changes))
        return _lines([line for schedule in schedules for line in schedule_lines(schedule, with_rows=True)])


class PauseAdmin(ReadOnlyAdmin):
    """The pauses."""

    list_display = ("name", "source", "paused_by", "paused_at", "paused_until", "masked_reason")
    list_select_related = ("source",)
    list_filter = ("source",)
    search_fields = ("name", "paused_by")
    exclude = ("reason",)
    readonly_fields = ("masked_reason",)

    @admin.display(description="reason")
    def masked_reason(self, obj: Any) -> str:
        """Return the reason."""
        return mask_text(obj.reason)


class TombstoneAdmin(ReadOnlyAdmin):
    """The rows that syncs deleted in the last week."""

    list_display = ("name", "source", "row_id", "deleted_at")
    list_select_related = ("source",)
    search_fields = ("name",)


class LeaseAdmin(ReadOnlyAdmin):
    """The daemons that lead sources."""

    list_display = ("source", "holder")
    exclude = ("token",)


class PendingWriteAdmin(ReadOnlyAdmin):
    """Writes of applications whose notice to beat, or whose verification, is due."""

    list_display = ("written_at", "source", "notified")
    list_select_related = ("source",)


class OneOffAdmin(ReadOnlyAdmin):
    """One-offs of applications."""

    list_display = ("name", "source", "remove_at")
    list_select_related = ("source",)
    search_fields = ("name",)


_PAGES = {
    models.Source: SourceAdmin,
    models.InventoryEntry: InventoryEntryAdmin,
    models.FileRecord: FileRecordAdmin,
    models.SyncRecord: SyncRecordAdmin,
    models.Pause: PauseAdmin,
    models.Tombstone: TombstoneAdmin,
    models.Lease: LeaseAdmin,
    models.PendingWrite: PendingWriteAdmin,
    models.OneOff: OneOffAdmin,
}
"""The key of checksums has no page: it is a secret."""


def register() -> None:
    """Register the pages with the project's admin site."""
    for model, page in _PAGES.items():
        if not admin.site.is_registered(model):
            admin.site.register(model, page)
