"""A deliberate edit of a managed row: the lock of its source around the request, and the record of what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import unquote

from beatsync.plan.history import EDITED, Event
from beatsync.plan.managed import ManagedRow, changed_fields, operator_fields
from beatsync.values import Actor
from beatsync.web.admin import forms
from beatsync.web.admin.database import is_ready, now, store

if TYPE_CHECKING:
    from beatsync.store.editing import Edit

PARAMETER = "beatsync_edit"
"""In the URL of a form: the fields of a managed row are unlocked, and a reason is required."""
_ATTRIBUTE = "_beatsync_edit"


def edited_row(request: Any, object_id: Any) -> ManagedRow | None:
    """Return the managed row that a request saves deliberately; None for any other request."""
    if request.method != "POST" or request.GET.get(PARAMETER) != "1" or object_id is None or not is_ready():
        return None
    try:
        key = int(unquote(object_id))
    except ValueError:
        return None
    return store().managed_rows([key], now()).get(key)


@contextmanager
def locked(request: Any, managed: ManagedRow) -> Iterator[None]:
    """Run the body, which answers the request, in one transaction under the lock of the row's source. Raises LockHeld.

    The lock comes before Django reads the row: its save writes all columns, and would undo a sync in between. The request carries the
    edit to `save`, because Django offers no other way from the view to `save_model`: all requests share the admin.
    """
    with store().editing(managed.source) as edit:
        setattr(request, _ATTRIBUTE, edit)
        try:
            yield
        finally:
            delattr(request, _ATTRIBUTE)


def is_locked(request: Any) -> bool:
    """Return whether the request is answered inside `locked`."""
    return hasattr(request, _ATTRIBUTE)


def save(request: Any, managed: ManagedRow, row_id: int, form: Any, write: Callable[[], None]) -> None:
    """Call `write`, which saves the row, inside `locked`; record what it changed, with the reason in `form`."""
    edit: Edit = getattr(request, _ATTRIBUTE)
    before = edit.read(row_id)
    write()
    after = edit.read(row_id)
    if before is None or after is None:
        return
    changed = {field.field for field in changed_fields(before, after)}
    kept = operator_fields(managed.entry, changed, keep=form.cleaned_data[forms.LEAVE])
    event = Event(Actor(request.user.get_username()), EDITED, forms.reason_of(form))
    edit.record(managed, before, after, kept, event, now())
