"""Tombstones: the rows that a source deleted, by which one that beat's save resurrects is recognised."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from beatsync.plan.model import Action, Plan
from beatsync.plan.observed import Observed
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.tables import TOMBSTONE

LIFETIME = timedelta(days=7)
"""Beat resurrects a deleted row when it next saves its copy, after 180 seconds by default; a week is generous."""


def write(db: Dialect, source_id: int, plan: Plan, observed: Observed, now: datetime) -> None:
    """Add tombstones of the rows that `plan` deletes; drop those that are a week old, declared again, or deleted again."""
    deleted = {c.row_id: {c.name} for c in plan.changes if c.action is Action.DELETE and c.row_id is not None}
    for row in observed.rows.values() if deleted else ():
        if row.row_id in deleted:
            # The row may have been renamed by hand, and beat may know it by either name.
            deleted[row.row_id].add(row.name)
    if observed.tombstones:
        oldest = times.write(now - LIFETIME, db.zone)
        db.execute(f"DELETE FROM {TOMBSTONE.name} WHERE source_id = %s AND deleted_at < %s", [source_id, oldest])
        declared = {record.name for record in plan.records}
        obsolete = [t.row_id for t in observed.tombstones if t.name in declared or t.row_id in deleted]
        db.delete(replace(TOMBSTONE, key="row_id"), obsolete, f" AND source_id = {int(source_id)}")
    deleted_at = times.write(now, db.zone)
    rows = [(source_id, name, row_id, deleted_at) for row_id, names in deleted.items() for name in sorted(names)]
    if rows:
        db.insert(TOMBSTONE, ("source_id", "name", "row_id", "deleted_at"), rows)
