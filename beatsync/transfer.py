"""From a database or an application to schedules to write: `export` and `import` without their words and files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from beatsync.convert.remarks import Conversion
from beatsync.convert.rows import Selection, convert_rows
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.reconcile import utc_now

if TYPE_CHECKING:
    from beatsync.store import Store
    from beatsync.store.application import Application


class UnknownRowError(LookupError):
    """The database has no rows of these names."""


def export(store: Store, selection: Selection, clock: Callable[[], datetime] = utc_now) -> Conversion:
    """Return the selected rows as schedules. Raises UnknownRowError if a named row does not exist, and StoreError."""
    observed = store.observe("")
    if missing := [name for name in selection.names if name not in observed.rows]:
        raise UnknownRowError(f"the database has no row named {', '.join(map(repr, missing))}")
    owned = _owned(store, observed)
    rows = [row for row in observed.rows.values() if selection.includes(row, is_owned=row.name in owned)]
    return convert_rows(rows, observed.duplicates, owned, clock(), each_row=selection.each_row)


def unowned_rows(store: Store) -> list[Row]:
    """Return the rows that no source owns, by name. Raises StoreError."""
    observed = store.observe("")
    owned = _owned(store, observed)
    return [row for name, row in sorted(observed.rows.items()) if name not in owned]


def _owned(store: Store, observed: Observed) -> dict[str, Owned]:
    """Return the entries of the owned rows, of any source, by the row's name."""
    entries = store.owned()
    by_name = {entry.name: entry for entry in entries}
    by_id = {entry.row_id: entry for entry in entries}
    pairs = ((row.name, by_id.get(row.row_id) or by_name.get(row.name)) for row in observed.rows.values())
    return {name: entry for name, entry in pairs if entry is not None}


def import_entries(application: Application, clock: Callable[[], datetime] = utc_now) -> Conversion:
    """Return the entries of an application's `beat_schedule` as schedules."""
    from beatsync.convert.entries import convert_entries

    app = application.celery
    return convert_entries(app.conf.beat_schedule or {}, app, clock())
