"""Schedule rows are shared values: looked up or created, never edited, and deleted only if no row refers to them.

Which tables refer to django-celery-beat's by a foreign key is read from the database, because any application may add one.
"""

# ruff: noqa: S608  names are constants of `beatsync.store.tables` or from the catalogue, values are parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.errors import StoreError
from beatsync.store.rows import schedule_value
from beatsync.store.statements import Value, id_lists
from beatsync.store.tables import DATETIME, PERIODIC_TASK, SCHEDULE_COLUMNS, SCHEDULES
from beatsync.values import Schedule

SHOWN = 10
"""How many rows a message names."""
Keys = tuple[int | None, ...]
"""The foreign keys of a task in the order of SCHEDULE_COLUMNS: that of its schedule, and None for the other three."""
NO_KEYS: Keys = (None,) * len(SCHEDULE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of another table that refers to a row's id."""

    table: str
    """As the catalogue spells it, with its schema in front if it needs one."""
    column: str

    def sql(self, db: Dialect) -> tuple[str, str]:
        """Return the table and the column, quoted."""
        return ".".join(db.quote_all(self.table.split("."))), db.quote(self.column)


def ensure(db: Dialect, schedules: Iterable[Schedule]) -> dict[Schedule, Keys]:
    """Return the keys of a task with each of `schedules`: of the oldest row with this value, or of a new one."""
    by_kind: dict[str, list[Schedule]] = {}
    for schedule in dict.fromkeys(schedules):
        by_kind.setdefault(schedule.kind, []).append(schedule)
    zone = db.zone
    keys: dict[Schedule, Keys] = {}
    for kind, values in by_kind.items():
        columns = tuple(SCHEDULES[kind].columns)
        ids = _oldest(db, kind)
        missing = [value for value in values if value not in ids]
        if missing:
            db.insert(SCHEDULES[kind], columns, ([_column(value, name, zone) for name in columns] for value in missing))
            ids = _oldest(db, kind)
        for value in values:
            if value not in ids:
                raise StoreError(f"the database did not keep the schedule {value} as it was written")
            keys[value] = _keys(kind, ids[value])
    return keys


def _keys(kind: str, key: int) -> Keys:
    return tuple(key if kind == other else None for other in SCHEDULE_COLUMNS)


def _oldest(db: Dialect, kind: str) -> dict[Schedule, int]:
    """Return the key of the oldest row of each value."""
    table, zone = SCHEDULES[kind], db.zone
    columns = ", ".join(map(db.readable, db.columns("s", table)))
    ids: dict[Schedule, int] = {}
    for key, *values in db.fetch(f"SELECT s.id, {columns} FROM {table.name} s ORDER BY s.id"):
        value = schedule_value(kind, tuple(values), zone)
        if value is not None:
            ids.setdefault(value, key)
    return ids


def _column(schedule: Schedule, name: str, zone: tzinfo) -> Value:
    """Return a column of a new schedule row: each is an attribute of the schedule with the same name."""
    value = getattr(schedule, name)
    if SCHEDULES[schedule.kind].columns[name] is DATETIME:
        return times.write(value, zone)
    return value if isinstance(value, int) else str(value)


def sweep(db: Dialect, released: Mapping[str, Iterable[int]], references: Mapping[str, Sequence[Reference]]) -> None:
    """Delete the schedule rows in `released`, keys by kind, that no row uses any more, by statements that cannot cascade."""
    for kind, ids in released.items():
        table = SCHEDULES[kind]
        key = f"{db.quote(table.name)}.{db.quote(table.key)}"
        users = [reference.sql(db) for reference in references[table.name]]
        unless = "".join(f" AND NOT EXISTS (SELECT 1 FROM {user} u WHERE u.{column} = {key})" for user, column in users)
        db.delete(table, ids, unless)


def references(db: Dialect) -> dict[str, tuple[Reference, ...]]:
    """Return, by the table referred to, every column with a foreign key on one of django-celery-beat's tables."""
    # Those of PeriodicTask are always included, whether or not the database knows the constraint (MyISAM does not).
    by_table = {table.name: {(PERIODIC_TASK.name, SCHEDULE_COLUMNS[kind])} for kind, table in SCHEDULES.items()}
    for target, table, column in db.fetch(db.references_sql):
        by_table.setdefault(str(target), set()).add((str(table).replace('"', ""), str(column)))
    return {target: tuple(Reference(*place) for place in sorted(places)) for target, places in by_table.items()}


def refuse_if_used(db: Dialect, names: Mapping[int, str], referring: Sequence[Reference]) -> None:
    """Raise StoreError, naming the rows, if another application's table refers to a task row that is to be deleted."""
    for reference in referring:
        used = _used(db, reference, names)
        if used:
            shown = ", ".join(sorted(names[row_id] for row_id in used)[:SHOWN])
            more = f" and {len(used) - SHOWN} more" if len(used) > SHOWN else ""
            raise StoreError(
                f"cannot delete {shown}{more}: the table {reference.table} ({reference.column}) of another application"
                " refers to it. `sync: {on_remove: disable}` keeps such a row and switches it off"
            )


def _used(db: Dialect, reference: Reference, ids: Iterable[int]) -> set[int]:
    table, column = reference.sql(db)
    used: set[int] = set()
    for chunk in id_lists(ids):
        sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({chunk})"
        used.update(int(str(key)) for (key,) in db.fetch(sql))
    return used
