"""The mixin for the admin of `PeriodicTask`. It changes no behaviour of the class that it is put in front of for rows without a source."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpResponseRedirect
from django.urls import NoReverseMatch, path, reverse

from beatsync.plan.managed import ManagedRow
from beatsync.store.errors import LockHeld, RetryableError
from beatsync.web.admin import actions, edits, forms, history, pauses
from beatsync.web.admin.changelist import SourceFilter, managed_changelist, managed_of, source_link
from beatsync.web.admin.database import is_ready, now, source_url_template, store
from beatsync.web.admin.deletion import with_managed_rows
from beatsync.web.admin.fieldsets import with_fields_first
from beatsync.web.admin.notice import notice
from beatsync.web.admin.words import badges

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object

NOTICE = "beatsync_notice"
_OWN_FIELDS = (NOTICE, *forms.EDIT_FIELDS)


@dataclass(frozen=True, slots=True)
class _Opened:
    """The form of a managed row that is open."""

    managed: ManagedRow
    is_edit: bool
    edit_url: str
    """Opens the form for a deliberate edit, or leaves that; empty if the user may not change the row."""


class ManagedAdminMixin(_Base):
    """Shows which rows BeatSync manages, and locks what a sync would restore. It comes first among the bases of an admin."""

    # The list.

    def get_changelist(self, request: Any, **kwargs: Any) -> Any:
        """Return the class of the list, which reads who manages the rows of a page at once."""
        return managed_changelist(super().get_changelist(request, **kwargs))

    def get_list_display(self, request: Any) -> Any:
        """Add the columns after the first one, unless the class has placed them itself."""
        columns = [*super().get_list_display(request)]
        own = ("beatsync_managed_by", "beatsync_state") if is_ready() else ()
        return [*columns[:1], *(column for column in own if column not in columns), *columns[1:]]

    def get_list_filter(self, request: Any) -> Any:
        """Add the filter by source."""
        return [SourceFilter, *super().get_list_filter(request)]

    @admin.display(description="managed by", empty_value="—")
    def beatsync_managed_by(self, obj: Any) -> Any:
        """Return the source of a row, with a link to the dashboard."""
        managed = managed_of(obj)
        return None if managed is None else source_link(managed, self.admin_site.name)

    @admin.display(description="state", empty_value="—")
    def beatsync_state(self, obj: Any) -> Any:
        """Return the drift and the pause of a row."""
        managed = managed_of(obj)
        return None if managed is None else badges(managed)

    def get_changelist_form(self, request: Any, **kwargs: Any) -> Any:
        """Return the form of a row of the list (`list_editable`), which keeps the locked fields."""
        form = super().get_changelist_form(request, **kwargs)

        class PageForm(forms.LockedForm, form):  # type: ignore[misc, valid-type]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                managed = managed_of(kwargs["instance"]) if kwargs.get("instance") is not None else None
                self.beatsync_locked = frozenset() if managed is None else forms.form_fields(managed.locked_fields)
                super().__init__(*args, **kwargs)

        return PageForm

    # The form.

    def _beatsync_form(self, request: Any, obj: Any) -> _Opened | None:
        """Return the form of a managed row; None for another row. It is kept with the object: Django asks for its parts one by one."""
        if obj is None or obj.pk is None:
            return None
        if "_beatsync_opened" not in obj.__dict__:
            managed = managed_of(obj)
            obj._beatsync_opened = None if managed is None else self._beatsync_open(request, obj, managed)  # noqa: SLF001
        opened: _Opened | None = obj._beatsync_opened  # noqa: SLF001
        return opened

    def _beatsync_open(self, request: Any, obj: Any, managed: ManagedRow) -> _Opened:
        may_change = self.has_change_permission(request, obj)
        is_edit = may_change and request.GET.get(edits.PARAMETER) == "1"
        if request.method == "POST":
            is_edit = is_edit and edits.is_locked(request)  # else nothing would record it
        query = request.GET.copy()
        query.pop(edits.PARAMETER, None)
        if not is_edit:
            query[edits.PARAMETER] = "1"
        return _Opened(managed, is_edit, f"?{query.urlencode()}" if may_change else "")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Add the notice."""
        fields = super().get_readonly_fields(request, obj)
        return fields if self._beatsync_form(request, obj) is None or NOTICE in fields else [*fields, NOTICE]

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        """Put the notice, and the fields of an edit, first."""
        fieldsets = super().get_fieldsets(request, obj)
        opened = self._beatsync_form(request, obj)
        if opened is None:
            return fieldsets
        return with_fields_first("BeatSync", _OWN_FIELDS if opened.is_edit else (NOTICE,), fieldsets, _OWN_FIELDS)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form; that of a managed row has locked fields."""
        opened = self._beatsync_form(request, obj)
        if opened is None:
            return super().get_form(request, obj, change=change, **kwargs)
        if "fields" not in kwargs:
            kwargs["fields"] = flatten_fieldsets(self.get_fieldsets(request, obj))
        if kwargs["fields"] is not None:
            kwargs["fields"] = [name for name in kwargs["fields"] if name not in forms.EDIT_FIELDS]
        form = super().get_form(request, obj, change=change, **kwargs)
        managed = opened.managed
        if not opened.is_edit:
            return forms.locked_form(form, forms.form_fields(managed.locked_fields))
        # The files know a row by its name, so it is not for the operator.
        return forms.edit_form(form, ("name",), managed)

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the page of the form. Django sends the form to a URL with the filters of the list alone; a deliberate edit stays one."""
        opened = self._beatsync_form(request, kwargs.get("obj"))
        if opened is not None and opened.is_edit:
            kwargs["form_url"] = kwargs.get("form_url") or f"?{request.GET.urlencode()}"
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Managed by BeatSync")
    def beatsync_notice(self, obj: Any) -> Any:
        """Return the notice in the form of a managed row."""
        from beatsync.shown import shown_schedule  # every process of the project imports this module

        opened: _Opened | None = obj.__dict__.get("_beatsync_opened")
        shown = None
        if opened is not None:
            shown = shown_schedule(store(), opened.managed.entry.name, now(), source_url_template())
        if opened is None or shown is None:
            return "—"
        link = source_link(opened.managed, self.admin_site.name)
        pause_url = self._beatsync_pause_url(obj) if opened.edit_url else ""
        return notice(opened.managed, shown, link, opened.edit_url, pause_url, is_edit=opened.is_edit)

    # A deliberate edit.

    def changeform_view(
        self, request: Any, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show or save the form. A deliberate edit is saved under the lock of the source."""
        view = partial(super().changeform_view, request, object_id, form_url, extra_context)
        managed = edits.edited_row(request, object_id)

        def edit_view(managed: ManagedRow) -> Any:
            with edits.locked(request, managed):
                return view()

        return _unless_it_gave_way(request, view if managed is None else partial(edit_view, managed))

    def delete_view(self, request: Any, object_id: str, extra_context: Any = None) -> Any:
        """Delete a row, or ask first."""
        return _unless_it_gave_way(request, partial(super().delete_view, request, object_id, extra_context))

    def save_model(self, request: Any, obj: Any, form: Any, change: Any) -> None:
        """Save a row; record a deliberate edit, and keep the locked fields of another managed row."""
        write = partial(super().save_model, request, obj, form, change)
        opened = self._beatsync_form(request, obj) if change else None
        if opened is not None and opened.is_edit:
            edits.save(request, opened.managed, obj.pk, form, write)
            return
        if opened is not None:
            forms.keep_locked(obj, forms.form_fields(opened.managed.locked_fields))
        write()

    def construct_change_message(self, request: Any, form: Any, formsets: Any, add: Any = False) -> Any:
        """Return the message for the admin's log, with the reason of a deliberate edit."""
        message = super().construct_change_message(request, form, formsets, add)
        if forms.REASON not in form.fields:
            return message
        from django.contrib.admin.models import LogEntry

        # As text: Django shows nothing else of a structured message.
        text = message if isinstance(message, str) else json.dumps(message)
        words = LogEntry(change_message=text).get_change_message()
        return f"{words} Edited although BeatSync manages the row: {forms.reason_of(form)}"

    # Pauses.

    def get_urls(self) -> Any:
        """Add the page that pauses one row."""
        view = self.admin_site.admin_view(self._beatsync_pause_view)
        return [path("<path:object_id>/beatsync-pause/", view, name=self._beatsync_pause_name), *super().get_urls()]

    @property
    def _beatsync_pause_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{pauses.PAUSE}"

    def _beatsync_pause_url(self, obj: Any) -> str:
        """Return the URL of the page that pauses a row; empty if the URLs were built before the admin was wrapped."""
        try:
            return reverse(f"admin:{self._beatsync_pause_name}", args=[obj.pk], current_app=self.admin_site.name)
        except NoReverseMatch:
            return ""

    def _beatsync_pause_view(self, request: Any, object_id: str) -> Any:
        """Ask for a reason, and pause the schedule of one row."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return pauses.respond(self, request, [obj], reverse(name, args=[obj.pk], current_app=self.admin_site.name))

    # Deletion, actions and history.

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """Say on the page that asks before a deletion which of the rows come back."""
        return with_managed_rows(super().get_deleted_objects(objs, request), objs)

    def get_actions(self, request: Any) -> Any:
        """Ask before an action that changes managed rows; add those that pause them, unless the class has no actions."""
        own = actions.asking_first(super().get_actions(request))
        return pauses.with_pauses(own) if own and is_ready() and self.has_change_permission(request) else own

    def get_paginator(self, request: Any, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """Add BeatSync's writes to the admin's log in the history of a row: that is where Django pages it."""
        return super().get_paginator(request, history.with_own_writes(request, queryset, self.model), *args, **kwargs)


def _unless_it_gave_way(request: Any, view: Callable[[], Any]) -> Any:
    """Return the response of a view; an error and the same page again if the database rolled it back for another transaction.

    django-celery-beat notifies beat before it saves a task, and a sync afterwards, so each can wait for a row that the other has locked.
    """
    try:
        return view()
    except (LockHeld, RetryableError) as error:
        reason = str(error)
    except DatabaseError as error:
        if request.method != "POST" or not store().gave_way(error):
            raise
        reason = "another transaction, such as a sync, wrote at the same time. Try again"
    messages.error(request, f"Nothing was saved: {reason}")
    return HttpResponseRedirect(request.get_full_path())
