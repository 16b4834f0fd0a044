"""Pauses in the admin: the page that asks for a reason and an end, for the list's actions and for one row.

What a pause needs is imported when one starts or ends: it imports the parser, and every process of the project imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from beatsync.plan.managed import ManagedRow
from beatsync.plan.observed import Pause, until_text
from beatsync.specfile.shapes import mask_text
from beatsync.store.errors import StoreError
from beatsync.values import Actor
from beatsync.web.admin.database import now, store
from beatsync.web.admin.deletion import SHOWN, managed_among
from beatsync.web.admin.words import declared_in

if TYPE_CHECKING:
    from beatsync.plan.model import Plan
    from beatsync.sync_types import SyncOptions

PAUSE, UNPAUSE = "beatsync_pause", "beatsync_unpause"
"""The actions of the list; in a POST of the page, the buttons."""
_MAX_REASON = 1_000
_MAX_MESSAGES = 10
_UNOWNED = "Nothing was changed: no source owns these rows. Disable or enable them."


class PauseForm(forms.Form):
    """Why, and for how long."""

    reason = forms.CharField(
        max_length=_MAX_REASON,
        widget=AdminTextareaWidget(attrs={"rows": 2}),
        help_text="It is shown wherever the schedule is.",
    )
    duration = forms.CharField(
        label="For how long",
        required=False,
        max_length=100,
        widget=AdminTextInputWidget(),
        help_text="Such as 2h or 3d. If it is empty, the pause lasts until an operator ends it.",
    )

    def clean_reason(self) -> str:
        """Return the reason on one line."""
        return " ".join(self.cleaned_data["reason"].split())

    def clean_duration(self) -> timedelta | None:
        """Return the duration; None for no end."""
        text = self.cleaned_data["duration"]
        if not text:
            return None
        from beatsync.specfile.interval import seconds_from_text
        from beatsync.specfile.problems import SpecError

        try:
            return timedelta(seconds=seconds_from_text(text))
        except SpecError as error:
            raise forms.ValidationError("; ".join(filter(None, (error.message, error.hint)))) from None


def action_pause(model_admin: Any, request: Any, queryset: Any) -> HttpResponse | None:
    """Ask for a reason, then pause the selected schedules."""
    return respond(model_admin, request, queryset)


def action_unpause(model_admin: Any, request: Any, queryset: Any) -> None:  # noqa: ARG001  Django's signature
    """End the pauses of the selected schedules."""
    managed_rows = managed_among(queryset)
    if managed_rows:
        _unpause(request, managed_rows)
    else:
        messages.add_message(request, messages.WARNING, _UNOWNED)


def with_pauses(actions: dict[str, Any]) -> dict[str, Any]:
    """Return the actions of an admin, by name, with those for pauses."""
    own = {
        PAUSE: (action_pause, PAUSE, "Pause with a reason…"),
        UNPAUSE: (action_unpause, UNPAUSE, "End the pause"),
    }
    return {**actions, **own}


def respond(model_admin: Any, request: Any, rows: Iterable[Any], back: str | None = None) -> HttpResponse | None:
    """Return the page that asks, or do what a POST of that page says.

    `back` is the URL to go to afterwards; None for an action of the list, where Django returns to the list.
    """
    managed_rows = managed_among(rows)
    is_sent = PAUSE in request.POST or UNPAUSE in request.POST
    form = PauseForm(request.POST if PAUSE in request.POST else None)
    if managed_rows and not (UNPAUSE in request.POST or (is_sent and form.is_valid())):
        return _page(model_admin, request, managed_rows, form, back)
    if not managed_rows:
        messages.add_message(request, messages.WARNING, _UNOWNED)
    elif UNPAUSE in request.POST:
        _unpause(request, managed_rows)
    else:
        _pause(request, managed_rows, form.cleaned_data["reason"], form.cleaned_data["duration"])
    return None if back is None else HttpResponseRedirect(back)


def _pause(request: Any, managed_rows: Sequence[tuple[Any, ManagedRow]], reason: str, duration: Any) -> None:
    from beatsync.pausing import pause

    since = now()
    wanted = Pause(request.user.get_username(), reason, since, None if duration is None else since + duration)
    _change(
        request,
        managed_rows,
        lambda source, names: pause(store(), source, names, wanted, _options(request)),
        f"paused{until_text(wanted.until)}",
    )


def _unpause(request: Any, managed_rows: Sequence[tuple[Any, ManagedRow]]) -> None:
    from beatsync.pausing import unpause

    _change(
        request,
        managed_rows,
        lambda source, names: unpause(store(), source, names, _options(request)),
        "no longer paused",
    )


def _options(request: Any) -> SyncOptions:
    from beatsync.retry import SETTLE
    from beatsync.store.store import EDIT_WAIT
    from beatsync.sync_types import SyncOptions

    user = request.user.get_username()
    return SyncOptions(lock_timeout=EDIT_WAIT, settle=SETTLE, holder=f"{user} in the Django admin", actor=Actor(user))


def _change(
    request: Any,
    managed_rows: Sequence[tuple[Any, ManagedRow]],
    change: Callable[[str, Sequence[str]], list[Plan]],
    done: str,
) -> None:
    """Start or end pauses, source by source, and report each schedule."""
    from beatsync.pausing import UnknownSchedules
    from beatsync.report.text import render_pauses

    lines: list[str] = []
    for source, names in _schedules(managed_rows).items():
        try:
            plans = change(source, names)
        except (StoreError, UnknownSchedules) as error:
            messages.error(request, f"Nothing was changed in the source {source}: {error}")
        else:
            # Django makes the first letter of a message a capital, and in names case counts.
            own = [f"Schedule {line}" for line in render_pauses(plans, done).splitlines()]
            lines += own or [f"None of these schedules of the source {source} was paused."]
    for line in lines[:_MAX_MESSAGES]:
        messages.success(request, line)
    if len(lines) > _MAX_MESSAGES:
        messages.success(request, f"and {len(lines) - _MAX_MESSAGES:,} more schedules: {done}")


def _schedules(managed_rows: Iterable[tuple[Any, ManagedRow]]) -> dict[str, list[str]]:
    """Return the names of the schedules by source: the rows of one with `every` are paused together."""
    by_source: dict[str, dict[str, None]] = {}
    for _, managed in managed_rows:
        by_source.setdefault(managed.source, {})[managed.entry.schedule] = None
    return {source: list(names) for source, names in by_source.items()}


def _page(
    model_admin: Any, request: Any, managed_rows: Sequence[tuple[Any, ManagedRow]], form: PauseForm, back: str | None
) -> TemplateResponse:
    lines = {
        (managed.source, managed.entry.schedule): (
            mask_text(managed.entry.schedule), managed.source, declared_in(managed), _present(managed),
        )
        for _, managed in managed_rows
    }  # fmt: skip
    selected = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME) if back is None else []
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Pause schedules",
        "subtitle": None,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "form": form,
        "labels": ("Schedule", "Source", "Declared in", "Now"),
        "lines": list(lines.values())[:SHOWN],
        "others": max(0, len(lines) - SHOWN),
        "is_paused": any(managed.entry.pause is not None for _, managed in managed_rows),
        "pause": PAUSE,
        "unpause": UNPAUSE,
        "back": back,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "selected": selected,
        "select_across": request.POST.get("select_across", "0"),
    }
    return TemplateResponse(request, "beatsync/admin/pause.html", context)


def _present(managed: ManagedRow) -> str:
    held = managed.entry.pause
    return "not paused" if held is None else f"paused {mask_text(str(held))}"
