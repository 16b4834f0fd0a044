"""Bulk actions on tasks: those that change managed rows ask first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.admin import helpers
from django.template.response import TemplateResponse

from beatsync.plan.inventory import applied_fields
from beatsync.plan.managed import ManagedRow
from beatsync.plan.model import Condition
from beatsync.web.admin.deletion import SHOWN, managed_among
from beatsync.web.admin.words import declared_by, declared_in, restored_by

CONFIRMED = "beatsync_confirmed"
"""In a POST: the user has seen which rows are managed."""
_ENABLED: Mapping[str, Callable[[bool], bool]] = {
    "enable_tasks": lambda _: True,
    "disable_tasks": lambda _: False,
    "toggle_tasks": lambda enabled: not enabled,
}
"""The actions of django-celery-beat that change rows, and what `enabled` is afterwards. A deletion asks anyway."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One managed row on the page that asks."""

    name: str
    source: str
    path: str
    effect: str


def asking_first(actions: Any) -> Any:
    """Return the actions of an admin, by name; those that change rows ask first."""
    return {name: (_asking(name, action[0]), *action[1:]) for name, action in actions.items()}


def _asking(name: str, action: Any) -> Any:
    if name not in _ENABLED:
        return action

    @wraps(action)
    def ask_first(model_admin: Any, request: Any, queryset: Any) -> Any:
        managed_rows = [] if request.POST.get(CONFIRMED) == "1" else managed_among(queryset)
        return (
            _page(name, model_admin, request, managed_rows) if managed_rows else action(model_admin, request, queryset)
        )

    return ask_first


def _page(name: str, model_admin: Any, request: Any, managed_rows: list[tuple[Any, ManagedRow]]) -> TemplateResponse:
    lines = [
        _Line(row.name, managed.source, declared_in(managed), _effect(managed, _ENABLED[name](row.enabled)))
        for row, managed in managed_rows[:SHOWN]
    ]
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Change rows that BeatSync manages?",
        "subtitle": None,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "action": name,
        "lines": lines,
        "number": len(managed_rows),
        "others": len(managed_rows) - len(lines),
        "confirmed": CONFIRMED,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "selected": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "select_across": request.POST.get("select_across", "0"),
    }
    return TemplateResponse(request, "beatsync/admin/confirm_action.html", context)


def _effect(managed: ManagedRow, enabled: bool) -> str:
    """Return what becomes of `enabled` after the action."""
    if Condition.HELD in managed.state.conditions:
        return "this ends its pause" if enabled else "it stays disabled: it is paused"
    applied = applied_fields(managed.entry.applied)
    declared = applied["enabled"] if applied is not None else None
    if "enabled" in managed.locked_fields and declared is not enabled:
        return f"{restored_by(managed)} restores enabled: {str(not enabled).lower()}, which {declared_by(managed)} sets"
    if not enabled and declared is None:
        return f"it stays disabled: a pause by hand, because {declared_by(managed)} does not set enabled"
    return f"it stays: {declared_by(managed)} does not set enabled to another value"
