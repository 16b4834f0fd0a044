"""`PeriodicTask` rows as the plan knows them: read in bulk, made into values as late as can be, and no row that it fails on."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from beatsync.plan.observed import Row
from beatsync.specfile import crontab, interval, jsontext, solar
from beatsync.store import times
from beatsync.store.bulk import fetch, id_lists, name_lists, stream
from beatsync.store.tables import PERIODIC_TASK, SCHEDULES, Kind, Table
from beatsync.values import Clocked, Schedule, TaskSpec, make

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_TASK_FIELDS = (
    "id", "interval_id", "crontab_id", "solar_id", "clocked_id", "name", "task", "args", "kwargs", "headers", "queue",
    "exchange", "routing_key", "priority", "expires", "expire_seconds", "one_off", "start_time", "enabled", "description",
    "last_run_at", "total_run_count", "date_changed",
)  # fmt: skip
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
_MOMENTS = frozenset({"expires", "start_time", "last_run_at", "date_changed"})
_NO_MOMENT = datetime(1, 1, 2, tzinfo=timezone.utc)
"""What is said of a BLOB where a moment should be: no file can say it, and in every zone it has a year."""


class FoundRow(Row):
    """A row of which no more is made than is asked for: of most it is enough that they are as expected."""

    __slots__ = ()

    @property
    def found(self) -> TaskSpec:
        """What the columns say."""
        return self[1]

    @property
    def spec(self) -> TaskSpec:
        """The normalised values."""
        return _normal(self[1])

    @property
    def last_run_at(self) -> datetime | None:
        """When beat ran it last."""
        return _moment(self[3])

    @property
    def date_changed(self) -> datetime | None:
        """From when beat counts a row that never ran."""
        return _moment(self[5])


@lru_cache(maxsize=1024)
def _normal(found: TaskSpec) -> TaskSpec:
    if not _ODD.isdisjoint(map(type, found)):
        found = TaskSpec(*map(_shown, found))
    return found._replace(
        args=jsontext.normalise(found.args, "[]"),
        kwargs=jsontext.normalise(found.kwargs, "{}"),
        headers=jsontext.normalise(found.headers, "{}"),
        queue=found.queue or None,
        exchange=found.exchange or None,
        routing_key=found.routing_key or None,
        one_off=bool(found.one_off),
        enabled=bool(found.enabled),
        description=found.description or "",
    )


_ODD = frozenset({bytes, float})


def _shown(value: Any) -> Any:
    """Return what a column says, in words where SQLite kept what no column of a task is for."""
    if isinstance(value, bytes):
        return f"BLOB {value.hex()}"
    return str(value) if isinstance(value, float) else value


def _moment(value: Any) -> datetime | None:
    """Return a moment that a column's text in UTC says; one that was made already stays."""
    return times.read(value, timezone.utc) if isinstance(value, str) else value


def read_all(connection: BaseDatabaseWrapper, expected: Mapping[str, TaskSpec]) -> dict[str, Row]:
    """Return every `PeriodicTask` row by name.

    Schedule rows are few and shared, so they are read for themselves, and once more where a task came with a new one in
    between. A row that says what is `expected` shares its values instead of holding them once more.
    """
    zone = _zone_of(connection)
    schedules = read_schedules(connection)
    rows: dict[str, Row] = {}
    younger: list[Sequence[Any]] = []
    with closing(stream(connection, _columns(connection), f"FROM {PERIODIC_TASK.name}")) as records:
        for record in records:
            row = _row(record, schedules, zone, expected)
            if row[1][2] is None and row[2] is not None and row[2] not in schedules[_kind(record[1:5])]:
                younger.append(record)
            rows[row[1][0]] = row
    if younger:
        schedules = read_schedules(connection)
        rows |= {row[1][0]: row for row in (_row(record, schedules, zone, expected) for record in younger)}
    return rows


def read_some(connection: BaseDatabaseWrapper, names: Collection[str], ids: Collection[int]) -> dict[str, Row]:
    """Return the rows that the database knows by one of these names, and those of these keys."""
    zone = _zone_of(connection)
    sql = f"SELECT {', '.join(_columns(connection))} FROM {PERIODIC_TASK.name}"
    records = [
        record
        for where, values in name_lists("name", names)
        for record in fetch(connection, f"{sql} WHERE {where}", values)
    ]
    missing = set(ids).difference(record[0] for record in records)
    for chunk in id_lists(missing):
        records += fetch(connection, f"{sql} WHERE id IN ({chunk})")
    used: list[set[int]] = [set() for _ in SCHEDULES]
    for record in records:
        key = record[1 + _kind(record[1:5])]
        if isinstance(key, int):
            used[_kind(record[1:5])].add(key)
    schedules = read_schedules(connection, only=used) if records else [{} for _ in SCHEDULES]
    return {row[1][0]: row for row in (_row(record, schedules, zone, {}) for record in records)}


def _zone_of(connection: BaseDatabaseWrapper) -> tzinfo:
    """Return the zone of what is read; a wall clock in UTC is no different from a moment."""
    zone = times.zone_of(connection)
    return timezone.utc if str(zone) == "UTC" else zone


def _kind(keys: Sequence[int | None]) -> int:
    """Return which of the four keys is the one that is there."""
    interval_id, crontab_id, solar_id, _ = keys
    return 1 if crontab_id is not None else 0 if interval_id is not None else 2 if solar_id is not None else 3


def _row(
    record: Sequence[Any],
    schedules: Sequence[Mapping[int, Schedule | None]],
    zone: tzinfo,
    expected: Mapping[str, TaskSpec],
) -> Row:
    (
        row_id, interval_id, crontab_id, solar_id, clocked_id, name, task, args, kwargs, headers, queue, exchange,
        routing_key, priority, expires, expire_seconds, one_off, start_time, enabled, description, last_run, runs, changed,
    ) = record  # fmt: skip
    schedule, schedule_id = None, None
    # Of several schedules beat takes the first, but no save by the admin or an application would pass: such a row is mended.
    kind = _ONE_KIND.get((interval_id is None, crontab_id is None, solar_id is None, clocked_id is None))
    if kind is not None and isinstance(record[1 + kind], int):
        schedule_id = record[1 + kind]
        schedule = schedules[kind].get(schedule_id)
    if isinstance(name, bytes):
        name = _shown(name)
    found = (
        name, task, schedule, args, kwargs, headers, queue, exchange, routing_key, priority,
        expires and (times.read(expires, zone) or _no_moment(expires)), expire_seconds, _FLAGS.get(one_off, one_off),
        start_time and (times.read(start_time, zone) or _no_moment(start_time)), _FLAGS.get(enabled, enabled), description,
    )  # fmt: skip
    if zone is not timezone.utc:
        last_run, changed = times.read(last_run, zone), times.read(changed, zone)
    known = expected.get(name)
    spec = known if found == known else make(TaskSpec, found)
    row: Row = make(FoundRow, (row_id, spec, schedule_id, last_run, runs, changed))
    return row


def _no_moment(text: str) -> datetime | None:
    """Return what is said of a text that is no moment: as Django takes it, it is none, but by a BLOB Django and beat are ended."""
    return _NO_MOMENT if text.startswith("X'") else None


_FLAGS = {0: False, 1: True}
"""What MariaDB says of a flag, and all others too: 1 is equal to True, and yet written otherwise."""
_ONE_KIND = {tuple(number != kind for number in range(len(SCHEDULES))): kind for kind in range(len(SCHEDULES))}
"""Which kind of schedule a row has, by which of its four keys are NULL."""


def _columns(connection: BaseDatabaseWrapper) -> list[str]:
    quote = connection.ops.quote_name
    return [times.select(connection, quote(name)) if name in _MOMENTS else quote(name) for name in _TASK_FIELDS]


def read_schedules(
    connection: BaseDatabaseWrapper,
    kinds: Iterable[str] = SCHEDULES,
    only: Sequence[Collection[int]] | None = None,
    known: Mapping[tuple[Any, ...], Schedule] = _NOTHING,
) -> list[dict[int, Schedule | None]]:
    """Return the schedule rows of each kind by key, the oldest first, all or those with the keys in `only`.

    None is one that says nothing that can be read. Of what is `known` of columns nothing is read once more.
    """
    wanted, zone = tuple(kinds), times.zone_of(connection)
    found: list[dict[int, Schedule | None]] = [{} for _ in wanted]
    parts = []
    for number, kind in enumerate(wanted):
        sql = _schedules_sql(connection, number, SCHEDULES[kind])
        if only is None:
            parts.append(sql)
        else:
            parts += [f"{sql} WHERE id IN ({chunk})" for chunk in id_lists(only[number])]
    for number, key, *columns in fetch(connection, f"{' UNION ALL '.join(parts)} ORDER BY 1, 2") if parts else ():
        kind = wanted[number]
        said = tuple(columns[: len(SCHEDULES[kind].columns)])
        found[number][key] = known.get(said) or schedule_value(kind, said, zone)
    return found


def _schedules_sql(connection: BaseDatabaseWrapper, number: int, table: Table) -> str:
    """Return one kind's part of the query: every value as text, since the tables have nothing in common."""
    quote = connection.ops.quote_name
    columns = [
        times.select(connection, quote(name)) if kind is Kind.MOMENT else times.as_text(connection, quote(name))
        for name, kind in table.columns.items()
    ]
    columns += [times.as_text(connection, "NULL")] * (_MOST_COLUMNS - len(columns))
    return f"SELECT {number}, id, {', '.join(columns)} FROM {table.name}"


_MOST_COLUMNS = max(len(table.columns) for table in SCHEDULES.values())


def schedule_value(kind: str, columns: Iterable[Any], zone: tzinfo) -> Schedule | None:
    """Return the normalised value of one schedule row; None where the row is gone or says nothing that can be read."""
    values = tuple(columns)
    if None in values:
        return None
    if kind == "interval":
        every, period = values
        # SQLite keeps whatever it is given, a word in place of a number too.
        return interval.observed(int(every), period) if every.removeprefix("-").isdecimal() else None
    if kind == "crontab":
        return crontab.observed(*values)
    if kind == "solar":
        event, latitude, longitude = values
        try:
            return solar.observed(event, Decimal(str(latitude)), Decimal(str(longitude)))
        except InvalidOperation:
            return None
    moment = times.read(values[0], zone)
    return None if moment is None else Clocked(moment)
