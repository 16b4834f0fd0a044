"""The list of tasks: the columns and the filter, with the data of one page read at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from beatsync.plan.managed import ManagedRow
from beatsync.store.managed import owned_condition
from beatsync.web.admin.database import is_ready, now, store

_ATTRIBUTE = "_beatsync_managed"
_UNOWNED = "none"
_OWNED_BY = "in:"


def attach(rows: Iterable[Any]) -> None:
    """Read who manages these rows, and keep it with them."""
    rows = list(rows)
    managed = store().managed_rows([row.pk for row in rows], now()) if rows and is_ready() else {}
    for row in rows:
        setattr(row, _ATTRIBUTE, managed.get(row.pk))


def managed_of(row: Any) -> ManagedRow | None:
    """Return who manages a row; None if no source does."""
    if _ATTRIBUTE not in row.__dict__:
        attach([row])
    managed: ManagedRow | None = getattr(row, _ATTRIBUTE)
    return managed


class _PageResults:
    """A mixin for a change list."""

    result_list: Any

    def get_results(self, request: Any) -> None:
        """Read the rows of the page, and who manages them."""
        super().get_results(request)  # type: ignore[misc]
        attach(self.result_list)


def managed_changelist(base: type) -> type:
    """Return a class of the change list `base` that reads who manages the rows of its page."""
    return type(base.__name__, (_PageResults, base), {})


class SourceFilter(admin.SimpleListFilter):
    """Filters tasks by the source that owns them."""

    title = "source"
    parameter_name = "beatsync_source"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002  Django's signature
        """Return a choice for each source, and one for the rows without a source."""
        if not is_ready():
            return []
        return [
            *((f"{_OWNED_BY}{source.name}", source.name) for source in store().sources()),
            (_UNOWNED, "no source"),
        ]

    def queryset(self, request: Any, queryset: Any) -> Any:  # noqa: ARG002  Django's signature
        """Return the chosen rows."""
        value = self.value()
        if value == _UNOWNED:
            return queryset.filter(owned_condition(None))
        if value is not None and value.startswith(_OWNED_BY):
            # PostgreSQL refuses NUL in a parameter.
            return queryset.filter(owned_condition(value.removeprefix(_OWNED_BY).replace("\0", "")))
        return queryset


def source_link(managed: ManagedRow, site: str) -> str:
    """Return the name of the source, with a link to the schedule's page of the dashboard if there is one."""
    try:
        url = reverse(f"{site}:beatsync_dashboard_schedule")
    except NoReverseMatch:
        return format_html("{}", managed.source)
    return format_html('<a href="{}?{}">{}</a>', url, urlencode({"name": managed.entry.schedule}), managed.source)
