"""`PeriodicTask` rows → `Row`, through the field table. No content of a row raises an error."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from datetime import datetime, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from typing import Any

from beatsync.plan.observed import Row
from beatsync.specfile import crontab, interval, jsontext, solar
from beatsync.specfile.fields import FIELD_TABLE, ColumnType, Field
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.statements import id_lists, name_lists
from beatsync.store.tables import PERIODIC_TASK, SCHEDULE_COLUMNS, SCHEDULES
from beatsync.values import Clocked, Schedule, TaskSpec

_NO_DATETIME = datetime(1, 1, 2, tzinfo=timezone.utc)
"""The value of a BLOB in a datetime's place. No file can say it, and it has a year in every zone."""
SCHEDULE_JOINS = " ".join(
    f"LEFT JOIN {table.name} of_{kind} ON of_{kind}.id = t.{SCHEDULE_COLUMNS[kind]}"
    for kind, table in SCHEDULES.items()
)
"""Joins the schedule of a task `t`; the columns of the other three tables are NULL."""
_NAMES = (
    "id",
    *PERIODIC_TASK.columns,
    *(f"{kind}.{name}" for kind, table in SCHEDULES.items() for name in table.columns),
)
"""What `row_columns` selects."""


def row_columns(db: Dialect) -> list[str]:
    """Return the SQL of the columns from which `row_of` makes a row, for a query of tasks `t` with SCHEDULE_JOINS."""
    columns = db.columns("t", PERIODIC_TASK)
    for kind, table in SCHEDULES.items():
        columns += db.columns(f"of_{kind}", table)
    return ["t.id", *map(db.readable, columns)]


def row_of(record: Sequence[Any], zone: tzinfo) -> Row:
    """Return the row whose `row_columns` are `record`."""
    values = dict(zip(_NAMES, record, strict=True))
    kinds = [kind for kind, column in SCHEDULE_COLUMNS.items() if values[column] is not None]
    schedule, schedule_id = None, None
    # Of several schedules beat takes the first, but then neither the admin nor the model can save the row: it is repaired.
    if len(kinds) == 1 and isinstance(values[SCHEDULE_COLUMNS[kinds[0]]], int):
        (kind,) = kinds
        schedule_id = values[SCHEDULE_COLUMNS[kind]]
        schedule = schedule_value(kind, tuple(values[f"{kind}.{name}"] for name in SCHEDULES[kind].columns), zone)
    fields = {name: decode(values[name], zone) for name, decode in _DECODERS.items()}
    return Row(
        row_id=values["id"],
        spec=TaskSpec(schedule=schedule, **fields),
        schedule_id=schedule_id,
        last_run_at=times.read(values["last_run_at"], zone),
        total_run_count=values["total_run_count"],
        date_changed=times.read(values["date_changed"], zone),
    )


def _as_text(value: Any) -> Any:
    """Return a BLOB or a fraction, which only SQLite keeps in a column of a task, as text."""
    if isinstance(value, (bytes, float)):
        return f"BLOB {value.hex()}" if isinstance(value, bytes) else str(value)
    return value


def _boolean(value: Any, _zone: tzinfo) -> Any:
    return bool(value)


def _datetime(value: Any, zone: tzinfo) -> Any:
    if value is None:
        return None
    # Django reads a text that is no datetime as NULL; a BLOB ends Django and beat.
    return times.read(value, zone) or (_NO_DATETIME if value.startswith("X'") else None)


def _json(value: Any, _zone: tzinfo, *, default: str) -> Any:
    return jsontext.normalise(_as_text(value), default)


def _text_or_null(value: Any, _zone: tzinfo) -> Any:
    return _as_text(value) or None


def _other(value: Any, _zone: tzinfo, *, default: object) -> Any:
    return default if value is None else _as_text(value)


def _decoder(field: Field) -> Callable[[Any, tzinfo], Any]:
    """Return the function that makes the normal form of a column's value."""
    if field.column_type is ColumnType.BOOLEAN:
        return _boolean
    if field.column_type is ColumnType.DATETIME:
        return _datetime
    if field.is_json:
        return partial(_json, default=str(field.default))
    return _text_or_null if field.empty_is_null else partial(_other, default=field.default)


_DECODERS = {field.name: _decoder(field) for field in FIELD_TABLE}


@lru_cache(maxsize=65_536)
def schedule_value(kind: str, columns: tuple[Any, ...], zone: tzinfo) -> Schedule | None:
    """Return the normal form of a schedule row; None if the row is missing or cannot be read."""
    if None in columns:
        return None
    values = [_as_text(value) for value in columns]
    if kind == "interval":
        every, period = values
        return interval.observed(every, period) if isinstance(every, int) else None
    if kind == "crontab":
        return crontab.observed(*values)
    if kind == "solar":
        event, latitude, longitude = values
        try:
            return solar.observed(event, Decimal(str(latitude)), Decimal(str(longitude)))
        except InvalidOperation:
            return None
    clocked_time = times.read(values[0], zone)
    return None if clocked_time is None else Clocked(clocked_time)


def read_all(db: Dialect) -> dict[str, Row]:
    """Return every `PeriodicTask` row, by name."""
    zone = db.zone
    with closing(db.stream(row_columns(db), f"FROM {PERIODIC_TASK.name} t {SCHEDULE_JOINS}")) as records:
        return {row.name: row for row in (row_of(record, zone) for record in records)}


def read_some(db: Dialect, names: Collection[str], ids: Collection[int]) -> dict[str, Row]:
    """Return the rows that have one of these names in the database's comparison, and those with these keys, by name."""
    sql = f"SELECT {', '.join(row_columns(db))} FROM {PERIODIC_TASK.name} t {SCHEDULE_JOINS}"
    records = [
        record for where, values in name_lists("t.name", names) for record in db.fetch(f"{sql} WHERE {where}", values)
    ]
    for chunk in id_lists(set(ids).difference(record[0] for record in records)):
        records += db.fetch(f"{sql} WHERE t.id IN ({chunk})")
    return {row.name: row for row in (row_of(record, db.zone) for record in records)}
