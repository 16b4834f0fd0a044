"""Schedule rows are shared values: looked up or made, never edited, and deleted only where no row can be taken along."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

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
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


def ensure(connection: BaseDatabaseWrapper, wanted: Iterable[Schedule]) -> dict[Schedule, Keys]:
    """Return for each value the keys of a task that has it: those of the oldest row that says it, or of a new one."""
    values: dict[str, list[Schedule]] = {}
    for value in dict.fromkeys(wanted):
        values.setdefault(value.kind, []).append(value)
    existing = _read(connection, values)
    missing = {kind: new for kind, some in values.items() if (new := [one for one in some if one not in existing])}
    zone = times.zone_of(connection)
    for kind, new in missing.items():
        rows = [tuple(columns_of(value, zone).values()) for value in new]
        insert(connection, SCHEDULES[kind], tuple(SCHEDULES[kind].columns), rows)
    if missing:
        # What a crontab's own columns say, nobody has to read.
        existing = _read(connection, values, {one: one for one in missing.get("crontab", ())})
    for value in chain.from_iterable(missing.values()):
        if value not in existing:
            raise StoreError(f"the database did not keep the schedule {value} as it was written")
    found: dict[Schedule, Keys] = {}
    for number, kind in enumerate(SCHEDULES):
        before, behind = (None,) * number, (None,) * (len(SCHEDULES) - number - 1)
        found |= {value: (*before, existing[value], *behind) for value in values.get(kind, ())}
    return found


def _read(
    connection: BaseDatabaseWrapper, kinds: Iterable[str], known: Mapping[tuple[Any, ...], Schedule] = _NOTHING
) -> dict[Schedule, int]:
    """Return the key of the oldest row that says each value; of a crontab's columns it may be `known` what they say."""
    found: dict[Schedule, int] = {}
    for rows in read_schedules(connection, kinds, known=known):
        # The oldest comes first, and what comes last stays.
        found |= {value: key for key, value in reversed(rows.items()) if value is not None}
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
