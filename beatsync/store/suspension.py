"""A source's suspension, in the columns of its row: everybody who syncs the source finds it there."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from beatsync.plan.observed import Suspension
from beatsync.store import times
from beatsync.store.bulk import execute
from beatsync.store.tables import SOURCE

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def write_suspension(connection: BaseDatabaseWrapper, source_id: int, suspension: Suspension | None) -> None:
    """Suspend a source, or resume it with None."""
    zone = times.zone_of(connection)
    if suspension is None:
        values = [None, None, "", ""]
    else:
        since, until = times.write(suspension.since, zone), times.write(suspension.until, zone)
        values = [since, until, suspension.by[:200], suspension.reason]
    columns = "suspended_at = %s, suspended_until = %s, suspended_by = %s, suspended_for = %s"
    execute(connection, f"UPDATE {SOURCE.name} SET {columns} WHERE id = %s", [*values, source_id])


def suspension_sql(connection: BaseDatabaseWrapper) -> str:
    """Return the columns of a source's row from which `suspension_of` makes a value."""
    moments = ", ".join(times.select(connection, name) for name in ("suspended_at", "suspended_until"))
    return f"suspended_by, suspended_for, {moments}"


def suspension_of(columns: Sequence[Any], zone: tzinfo) -> Suspension | None:
    """Return what `suspension_sql` yielded as a value; None for a source that is not suspended."""
    by, reason, since, until = columns
    return Suspension(by, reason, times.read(since, zone), times.read(until, zone)) if since else None
