"""What the Django admin asks of the store: who manages the rows of a page, and an operator's edit of such a row."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from beatsync.plan.history import Event
from beatsync.plan.managed import ManagedRow, edit_plan, managed_rows
from beatsync.plan.observed import NameRule, Owned, Row
from beatsync.store import history, inventory, observe, pauses, rows
from beatsync.store.dialects import Dialect
from beatsync.store.statements import id_lists
from beatsync.store.tables import INVENTORY, PAUSE, PERIODIC_TASK, SCHEDULE_COLUMNS, SOURCE

EDITED = "edited"
"""The outcome, in the history, of an operator's edit of a managed row."""


class Users(NamedTuple):
    """The managed rows that use a row of a schedule."""

    number: int
    example: str
    """The name of one of them."""


def read_managed(db: Dialect, row_ids: Collection[int], rule: NameRule, now: datetime) -> dict[int, ManagedRow]:
    """Return those of these rows that a source owns, by key: one statement for a page of a list."""
    entry, pause, row = observe.entry_columns(db), pauses.pause_columns(db), rows.row_columns(db)
    sql = (
        f"SELECT s.name, {', '.join((*entry, *pause, *row))} FROM {INVENTORY.name} e"
        f" JOIN {SOURCE.name} s ON s.id = e.source_id"
        f" JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id {rows.SCHEDULE_JOINS}"
        f" LEFT JOIN {PAUSE.name} p ON p.name = e.name AND p.source_id = e.source_id WHERE e.row_id IN "
    )
    owned: list[tuple[str, Owned]] = []
    present = []
    paths: dict[str, str] = {}
    for chunk in id_lists(row_ids):
        for source, *record in db.fetch(f"{sql}({chunk})"):
            rest = record[len(entry) :]
            held = pauses.pause_of(rest[: len(pause)], db.zone)
            owned.append((source, observe.owned_of(record[: len(entry)], paths)._replace(pause=held)))
            present.append(rest[len(pause) :])
    return managed_rows(owned, rows.rows_of(db, present), rule, now) if owned else {}


def read_users(db: Dialect, kind: str, keys: Collection[int]) -> dict[int, Users]:
    """Return the managed rows that use each of these rows of a kind of schedule, by its key."""
    column = f"t.{SCHEDULE_COLUMNS[kind]}"
    return {
        int(key): Users(int(number), name)
        for chunk in id_lists(keys)
        for key, number, name in db.fetch(
            f"SELECT {column}, COUNT(*), MIN(t.name) FROM {PERIODIC_TASK.name} t"
            f" WHERE {column} IN ({chunk}) AND EXISTS (SELECT 1 FROM {INVENTORY.name} e WHERE e.row_id = t.id)"
            f" GROUP BY {column}"
        )
    }


def owned_condition(source: str | None) -> Any:
    """Return the condition on `PeriodicTask` that a source owns the row; that none does for None."""
    from django.db.models import Exists, OuterRef

    from beatsync.models import InventoryEntry

    entries = InventoryEntry._default_manager.filter(row_id=OuterRef("pk"))  # noqa: SLF001  documented
    if source is None:
        return ~Exists(entries)
    return Exists(entries.filter(source__name=source))


class Edit:
    """An operator's edit of a managed row, in the transaction that holds the lock of its source."""

    def __init__(self, db: Dialect, source_id: int) -> None:
        self._db = db
        self._source_id = source_id

    def read(self, row_id: int) -> Row | None:
        """Return the row as it is now."""
        return next(iter(rows.read_some(self._db, (), {row_id})), None)

    def record(
        self, managed: ManagedRow, before: Row, after: Row, operator_fields: tuple[str, ...], event: Event, at: datetime
    ) -> None:
        """Add the edit to the history, and store which fields are left to the operator from now on."""
        group = managed.entry.group
        group_rows = inventory.rows_of(self._db, self._source_id, group) if group is not None else ()
        plan = edit_plan(managed, before, after, group_rows)
        if plan.changes or operator_fields != managed.entry.operator_fields:
            history.write_applied(self._db, self._source_id, plan, event, at, at)
            history.limit(self._db, self._source_id)
        if operator_fields != managed.entry.operator_fields:
            inventory.write_operator_fields(self._db, managed.entry.entry_id, operator_fields)
