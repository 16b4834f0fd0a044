"""An operator's edit of a managed row in the Django admin."""

from __future__ import annotations

from datetime import datetime

from beatsync.plan.history import Event
from beatsync.plan.managed import ManagedRow, edit_plan
from beatsync.plan.observed import Row
from beatsync.store import history, inventory, rows
from beatsync.store.dialects import Dialect


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
