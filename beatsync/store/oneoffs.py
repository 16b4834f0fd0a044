"""One-offs of an application's sets, and how long their rows are kept after they ran or expired."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.statements import MAX_NAMES, Value, name_lists
from beatsync.store.tables import INVENTORY, ONE_OFF, PERIODIC_TASK, SOURCE


class Retention(NamedTuple):
    """How long a one-off is kept: for `keep` after it ran, so at least until `remove_at`."""

    remove_at: datetime
    keep: timedelta


def read(db: Dialect, source_id: int, names: Collection[str]) -> dict[str, Retention]:
    """Return the retentions of the one-offs with these names, by name; of the whole set if the names are many."""
    remove_at = db.datetime_text("remove_at")
    sql = f"SELECT name, {remove_at}, keep_seconds FROM {ONE_OFF.name} WHERE +source_id = %s"
    conditions = [("1 = 1", [])] if len(names) > MAX_NAMES else name_lists("name", names)
    return {
        name: Retention(when, timedelta(seconds=seconds))
        for where, values in conditions
        for name, text, seconds in db.fetch(f"{sql} AND {where}", [source_id, *values])
        if name in names and (when := times.read(text, db.zone)) is not None
    }


def write(db: Dialect, source_id: int, retentions: Mapping[str, Retention | None]) -> None:
    """Write the retention of each name; None: the schedule is no one-off, or is removed."""
    for where, values in name_lists("name", retentions):
        db.execute(f"DELETE FROM {ONE_OFF.name} WHERE +source_id = %s AND {where}", [source_id, *values])
    rows: list[tuple[Value, ...]] = [
        (source_id, name, times.write(retention.remove_at, db.zone), int(retention.keep.total_seconds()))
        for name, retention in retentions.items()
        if retention is not None
    ]
    if rows:
        db.insert(ONE_OFF, tuple(ONE_OFF.columns), rows)


def finished(db: Dialect, now: datetime) -> dict[str, set[str]]:
    """Return the names of the one-offs that are no longer kept, by their set: they ran or expired, and `keep` has passed.

    Beat disables a one-off that ran, and a row past its `expires`. One that was due and never ran, because beat was down, stays.
    """
    expires, changed = (db.datetime_text(f"t.{name}") for name in ("expires", "date_changed"))
    rows = db.fetch(
        f"SELECT s.name, o.name, o.keep_seconds, t.id, t.enabled, {expires}, {changed} FROM {ONE_OFF.name} o"
        f" JOIN {SOURCE.name} s ON s.id = o.source_id LEFT JOIN {INVENTORY.name} e ON e.name = o.name"
        f" LEFT JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id WHERE o.remove_at <= %s",
        [times.write(now, db.zone)],
    )
    names: dict[str, set[str]] = {}
    for source, name, seconds, row_id, enabled, expires_text, changed_text in rows:
        ended = times.read(expires_text if enabled else changed_text, db.zone)
        if row_id is None or (ended is not None and ended + timedelta(seconds=seconds) <= now):
            names.setdefault(source, set()).add(name)
    return names
