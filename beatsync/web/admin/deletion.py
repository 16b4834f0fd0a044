"""What the admin's page that asks before a deletion says about managed rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from beatsync.plan.managed import ManagedRow
from beatsync.plan.model import Condition
from beatsync.web.admin.database import is_ready, now, store
from beatsync.web.admin.words import declared_in

SHOWN = 100
"""Managed rows that a page lists."""


def managed_among(rows: Iterable[Any]) -> list[tuple[Any, ManagedRow]]:
    """Return the managed rows among `rows`, each with who manages it."""
    rows = list(rows)
    if not rows or not is_ready():
        return []
    managed = store().managed_rows([row.pk for row in rows], now())
    return [(row, managed[row.pk]) for row in rows if row.pk in managed]


def with_managed_rows(deleted: Any, rows: Iterable[Any]) -> Any:
    """Return the result of `get_deleted_objects` with a list of the managed rows first.

    The texts are escaped by the page, as those of Django that are no links.
    """
    objects, *rest = deleted
    managed_rows = managed_among(rows)
    if not managed_rows:
        return deleted
    lines: list[Any] = [
        f"{row.name}: managed by the source {managed.source} ({declared_in(managed)}). {_comes_back(managed)}"
        for row, managed in managed_rows[:SHOWN]
    ]
    if len(managed_rows) > SHOWN:
        lines.append(f"and {len(managed_rows) - SHOWN:,} more")
    number = "1 row is" if len(managed_rows) == 1 else f"{len(managed_rows):,} rows are"
    return [f"{number} managed by BeatSync:", lines, *objects], *rest


def _comes_back(managed: ManagedRow) -> str:
    if managed.is_application:
        return "The application may write it again."
    if Condition.RETIRED in managed.state.conditions:
        return "It has left the files, so it stays deleted."
    return "The next sync creates it again; to delete it, remove it from the file."
