"""The form of a managed row: locked fields, and the fields of a deliberate edit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget

from beatsync.plan.managed import ManagedRow
from beatsync.specfile.shapes import mask_text
from beatsync.values import SCHEDULE_FIELDS
from beatsync.web.admin.words import declared_by, restored_by

REASON, LEAVE = "beatsync_reason", "beatsync_leave"
EDIT_FIELDS = (REASON, LEAVE)
_MAX_REASON = 1_000
_SCHEDULE_COLUMNS = ("interval", "crontab", "solar", "clocked")


def form_fields(names: Iterable[str]) -> frozenset[str]:
    """Return the fields of dcb's form that set these fields, which are names of `FIELDS`."""
    fields: set[str] = set()
    for name in names:
        fields.update(_SCHEDULE_COLUMNS if name in SCHEDULE_FIELDS else (name,))
    return frozenset(fields | {"regtask"} if "task" in fields else fields)


class LockedForm:
    """A mixin for a model form: the fields in `beatsync_locked` are disabled, and the instance keeps their values."""

    beatsync_locked: frozenset[str] = frozenset()
    fields: dict[str, forms.Field]
    cleaned_data: dict[str, Any]
    instance: Any
    _errors: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.beatsync_locked & self.fields.keys():
            self.fields[name].disabled = True

    def _post_clean(self) -> None:
        # A widget does not show every value as it is: a `start_time` loses its microseconds. A locked one stays as the row has it.
        cleaned = self.cleaned_data
        locked = self.beatsync_locked & self.fields.keys()
        for name in locked:
            self._errors.pop(name, None)
        self.cleaned_data = {name: value for name, value in cleaned.items() if name not in locked}
        super()._post_clean()  # type: ignore[misc]
        kept = {name: getattr(self.instance, name, cleaned.get(name)) for name in locked}
        self.cleaned_data = {**kept, **self.cleaned_data}


class EditForm:
    """A mixin for a model form: `changed_data` does not name the fields of the edit itself."""

    @property
    def changed_data(self) -> list[str]:
        """Return the names of the changed fields of the row."""
        return [name for name in super().changed_data if name not in EDIT_FIELDS]  # type: ignore[misc]


def locked_form(form: Any, locked: Collection[str]) -> Any:
    """Return a class of `form` whose fields `locked` keep the values of the instance."""
    return type(form)(form.__name__, (LockedForm, form), {"beatsync_locked": frozenset(locked)})


def edit_form(form: Any, locked: Collection[str], managed: ManagedRow) -> Any:
    """Return a class of `form` for a deliberate edit of a managed row. Only the fields `locked` stay locked."""
    attributes: Mapping[str, Any] = {
        "beatsync_locked": frozenset(locked),
        REASON: forms.CharField(
            label="Reason",
            max_length=_MAX_REASON,
            widget=AdminTextareaWidget(attrs={"rows": 2}),
            help_text="It goes to the log of the admin and to BeatSync's history.",
        ),
        LEAVE: forms.BooleanField(
            label=f"Leave these fields to the operator until {declared_by(managed)} changes them",
            required=False,
            initial=bool(managed.entry.operator_fields),
            help_text=f"If this is not checked, {restored_by(managed)} restores what is declared, also in fields that were left earlier.",
        ),
    }
    return type(form)(form.__name__, (EditForm, LockedForm, form), dict(attributes))


def keep_locked(row: Any, locked: Collection[str]) -> None:
    """Set the locked fields of `row`, which will be saved, to what the table has: another package may put an old version into a form."""
    stored = type(row)._default_manager.filter(pk=row.pk).first()  # noqa: SLF001  documented
    if stored is None:
        return
    for field in row._meta.concrete_fields:  # noqa: SLF001
        if field.name in locked:
            setattr(row, field.attname, getattr(stored, field.attname))


def reason_of(form: Any) -> str:
    """Return the reason of an edit on one line, secrets masked."""
    return mask_text(" ".join(form.cleaned_data[REASON].split()))
