"""`PeriodicTask` rows → `Row`, through the field table. No content of a row raises an error."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from datetime import datetime, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from itertools import islice
from operator import attrgetter
from typing import Any

from beatsync.plan.observed import Row
from beatsync.specfile import crontab, interval, jsontext, solar
from beatsync.specfile.fields import FIELD_TABLE, ColumnType, Field
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.statements import Value, id_lists, name_lists
from beatsync.store.tables import BEAT_COLUMNS, PERIODIC_TASK, SCHEDULE_COLUMNS, SCHEDULES
from beatsync.values import Clocked, Crontab, Schedule, TaskSpec

_NO_DATETIME = datetime(1, 1, 2, tzinfo=timezone.utc)
"""The value of a BLOB in a datetime's place. No file can say it, and it has a year in every zone."""
SCHEDULE_JOINS = " ".join(
    f"LEFT JOIN {table.name} of_{kind} ON of_{kind}.id = t.{SCHEDULE_COLUMNS[kind]}"
    for kind, table in SCHEDULES.items()
)
"""Joins the schedule of a task `t`; the columns of the other three tables are NULL."""
_FIELDS = tuple(field.name for field in FIELD_TABLE)
_KEYS = tuple(SCHEDULE_COLUMNS.values())
_FIRST_OF_SCHEDULE = len(_FIELDS) + len(_KEYS)
_fields_of = attrgetter(*_FIELDS)
_datetimes_of = attrgetter(*(field.name for field in FIELD_TABLE if field.column_type is ColumnType.DATETIME))


def spec_columns(db: Dialect) -> list[str]:
    """Return the SQL of the columns that `SpecReader` reads, for a query of tasks `t` with SCHEDULE_JOINS."""
    columns = db.columns("t", PERIODIC_TASK, (*_FIELDS, *_KEYS))
    for kind, table in SCHEDULES.items():
        columns += db.columns(f"of_{kind}", table)
    return list(map(db.readable, columns))


def field_values(spec: TaskSpec, zone: tzinfo) -> tuple[Value, ...]:
    """Return the columns of a row in the order of the field table, as they are written.

    A `TaskSpec` is in the form in which the model's `save()` leaves them.
    """
    values: tuple[Any, ...] = _fields_of(spec)
    if any(_datetimes_of(spec)):
        return tuple(times.write(value, zone) if isinstance(value, datetime) else value for value in values)
    return values


class SpecReader:
    """Decodes the `spec_columns` of one statement. A schedule that thousands of tasks share is decoded once."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._schedules: dict[tuple[Any, ...], tuple[Schedule | None, int | None]] = {}

    def spec(self, record: Sequence[Any]) -> TaskSpec:
        """Return the normal form of a record."""
        zone = self._zone
        fields = {name: decode(value, zone) for (name, decode), value in zip(_DECODERS.items(), record, strict=False)}
        return TaskSpec(schedule=self.schedule(record)[0], **fields)

    def has_spec(self, record: Sequence[Any], spec: TaskSpec) -> bool:
        """Return whether the normal form of a record is `spec`; a record that is as BeatSync writes it needs no decoding."""
        # Datetimes are decoded: what is read can differ from what was written although the text is the same.
        is_as_written = not any(_datetimes_of(spec)) and tuple(record[: len(_FIELDS)]) == field_values(spec, self._zone)
        return self.schedule(record)[0] == spec.schedule if is_as_written else self.spec(record) == spec

    def schedule(self, record: Sequence[Any]) -> tuple[Schedule | None, int | None]:
        """Return a record's schedule and the key of its row."""
        keys = tuple(record[len(_FIELDS) : _FIRST_OF_SCHEDULE])
        if keys not in self._schedules:
            self._schedules[keys] = self._decoded_schedule(keys, record[_FIRST_OF_SCHEDULE:])
        return self._schedules[keys]

    def _decoded_schedule(self, keys: tuple[Any, ...], columns: Sequence[Any]) -> tuple[Schedule | None, int | None]:
        rest = iter(columns)
        values = {kind: tuple(islice(rest, len(table.columns))) for kind, table in SCHEDULES.items()}
        present = [(kind, key) for kind, key in zip(SCHEDULES, keys, strict=True) if key is not None]
        # Of several schedules beat takes the first, but then neither the admin nor the model can save the row: it is repaired.
        if len(present) != 1 or not isinstance(present[0][1], int):
            return None, None
        ((kind, key),) = present
        return schedule_value(kind, values[kind], self._zone), key


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


def read_all(db: Dialect) -> list[Row]:
    """Return every `PeriodicTask` row."""
    with closing(db.stream(row_columns(db), f"FROM {PERIODIC_TASK.name} t {SCHEDULE_JOINS}")) as records:
        return rows_of(db, records)


def crontab_counts(db: Dialect) -> Counter[Crontab]:
    """Return how many enabled rows each crontab has, without one-offs; a crontab that cannot be read is left out."""
    table, key = SCHEDULES["crontab"], SCHEDULE_COLUMNS["crontab"]
    counted = (
        f"SELECT {key}, COUNT(*) AS number FROM {PERIODIC_TASK.name} WHERE enabled = %s AND one_off = %s GROUP BY {key}"
    )
    columns = ", ".join(column.sql for column in db.columns("c", table))
    rest = f"FROM {table.name} c JOIN ({counted}) n ON n.{key} = c.id"
    counts: Counter[Crontab] = Counter()
    for number, *values in db.fetch(f"SELECT n.number, {columns} {rest}", [True, False]):
        schedule = schedule_value("crontab", tuple(values), db.zone)
        if isinstance(schedule, Crontab):
            counts[schedule] += number
    return counts


def read_some(db: Dialect, names: Collection[str], ids: Collection[int]) -> list[Row]:
    """Return the rows that have one of these names in the database's comparison, and those with these keys."""
    sql = f"SELECT {', '.join(row_columns(db))} FROM {PERIODIC_TASK.name} t {SCHEDULE_JOINS}"
    records = [
        record for where, values in name_lists("t.name", names) for record in db.fetch(f"{sql} WHERE {where}", values)
    ]
    for chunk in id_lists(set(ids).difference(row_id for row_id, *_ in records)):
        records += db.fetch(f"{sql} WHERE t.id IN ({chunk})")
    return rows_of(db, records)


def row_columns(db: Dialect) -> list[str]:
    """Return the SQL of the columns from which `rows_of` makes rows."""
    return ["t.id", *map(db.readable, db.columns("t", PERIODIC_TASK, BEAT_COLUMNS)), *spec_columns(db)]


def rows_of(db: Dialect, records: Iterable[Sequence[Any]]) -> list[Row]:
    """Return the rows whose `row_columns` are `records`."""
    zone, reader = db.zone, SpecReader(db.zone)
    return [
        Row(
            row_id=row_id,
            spec=reader.spec(record),
            schedule_id=reader.schedule(record)[1],
            last_run_at=times.read(last_run_at, zone),
            total_run_count=total_run_count,
            date_changed=times.read(date_changed, zone),
        )
        for row_id, last_run_at, total_run_count, date_changed, *record in records
    ]
