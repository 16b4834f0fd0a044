"""Schedule rows are shared values: looked up or made, never edited, and deleted only where no row can be taken along."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

from beatsync.store import times
from beatsync.store.bulk import BulkRow, Value, delete, insert
from beatsync.store.errors import StoreError
from beatsync.store.references import Reference
from beatsync.store.rows import read_schedules
from beatsync.store.tables import SCHEDULES
from beatsync.values import Clocked, Crontab, Interval, Schedule, Solar

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


Keys = tuple[Value, ...]
"""A task's four foreign keys in the order of SCHEDULES: the one of its schedule, and NULL for the others."""
_NOTHING: Mapping[Keys, Schedule] = MappingProxyType({})


def ensure(connection: BaseDatabaseWrapper, wanted: Iterable[Schedule]) -> dict[Schedule, Keys]:
    """Return for each value the keys of a task that has it: those of the oldest row that says it, or of a new one."""
    values = tuple(dict.fromkeys(wanted))
    kinds = tuple(dict.fromkeys(value.kind for value in values))
    existing = _read(connection, kinds)
    missing = [value for value in values if value not in existing]
    if missing:
        zone = times.zone_of(connection)
        new = {value: tuple(columns_of(value, zone).values()) for value in missing}
        for kind in dict.fromkeys(value.kind for value in missing):
            table = SCHEDULES[kind]
            insert(connection, table, tuple(table.columns), (row for value, row in new.items() if value.kind == kind))
        existing = _read(connection, kinds, {row: value for value, row in new.items() if isinstance(value, Crontab)})
    lost = [value for value in missing if value not in existing]
    if lost:
        raise StoreError(f"the database did not keep the schedule {lost[0]} as it was written")
    return {value: tuple(existing[value] if value.kind == kind else None for kind in SCHEDULES) for value in values}


def _read(
    connection: BaseDatabaseWrapper, kinds: Sequence[str], known: Mapping[Keys, Schedule] = _NOTHING
) -> dict[Schedule, int]:
    found: dict[Schedule, int] = {}
    for rows in read_schedules(connection, kinds, known=known):
        for key, value in rows.items():
            if value is not None:
                found.setdefault(value, key)
    return found


def columns_of(schedule: Schedule, zone: tzinfo) -> BulkRow:
    """Return the columns of a new schedule row, in the table's order."""
    if isinstance(schedule, Interval):
        return {"every": schedule.every, "period": schedule.period}
    if isinstance(schedule, Crontab):
        return {
            "minute": schedule.minute,
            "hour": schedule.hour,
            "day_of_month": schedule.day_of_month,
            "month_of_year": schedule.month_of_year,
            "day_of_week": schedule.day_of_week,
            "timezone": schedule.timezone,
        }
    if isinstance(schedule, Solar):
        return {"event": schedule.event, "latitude": str(schedule.latitude), "longitude": str(schedule.longitude)}
    if isinstance(schedule, Clocked):
        return {"clocked_time": times.write(schedule.clocked_time, zone)}
    raise TypeError(schedule)


def sweep(
    connection: BaseDatabaseWrapper, left: Mapping[str, Iterable[int]], references: Mapping[str, Sequence[Reference]]
) -> None:
    """Delete those of the schedule rows in `left` that nothing uses any more, by statements that cannot cascade."""
    quote = connection.ops.quote_name
    for kind, ids in left.items():
        table = SCHEDULES[kind]
        key = f"{quote(table.name)}.{quote(table.key)}"
        users = [reference.sql(connection) for reference in references[table.name]]
        unless = "".join(f" AND NOT EXISTS (SELECT 1 FROM {user} u WHERE u.{column} = {key})" for user, column in users)
        delete(connection, table, ids, unless)
