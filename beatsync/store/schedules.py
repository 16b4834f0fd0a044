"""Schedule rows are shared values: looked up or created, never edited, and deleted only if no row refers to them."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables` or from the catalogue, values are parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo

from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.errors import RetryableError, StoreError
from beatsync.store.references import Reference
from beatsync.store.rows import schedule_value
from beatsync.store.statements import Value, id_lists
from beatsync.store.tables import DATETIME, SCHEDULE_COLUMNS, SCHEDULES
from beatsync.values import Schedule

Keys = tuple[int | None, ...]
"""The foreign keys of a task in the order of SCHEDULE_COLUMNS: that of its schedule, and None for the other three."""
NO_KEYS: Keys = (None,) * len(SCHEDULE_COLUMNS)


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
                raise StoreError(_not_kept(value))
            keys[value] = _keys(kind, ids[value])
    return keys


def keep(db: Dialect, keys: Iterable[Keys]) -> None:
    """Keep the schedule rows with these keys from being deleted before the commit. Raises RetryableError if one was deleted already.

    Where foreign keys are checked at the commit only, another transaction could delete a row until then.
    """
    if not db.share_lock:
        return
    by_column = zip(*keys, strict=True)
    for kind, column in zip(SCHEDULE_COLUMNS, by_column, strict=False):
        for chunk in id_lists(key for key in column if key is not None):
            kept = db.fetch(f"SELECT id FROM {SCHEDULES[kind].name} WHERE id IN ({chunk}) ORDER BY id{db.share_lock}")
            if len(kept) != len(chunk.split(",")):
                raise RetryableError(f"another process deleted a row of {SCHEDULES[kind].name} meanwhile; try again")


def _not_kept(schedule: Schedule) -> str:
    values = ", ".join(str(getattr(schedule, name)) for name in SCHEDULES[schedule.kind].columns)
    return f"the database does not keep the {schedule.kind} schedule {values} as it is written. Nothing was changed"


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
        # Read first: a DELETE may lock the rows that it then leaves, and waits for every transaction that uses one of them.
        sql = f"SELECT {key} FROM {db.quote(table.name)} WHERE {key} IN"
        unused = [row_id for chunk in id_lists(ids) for (row_id,) in db.fetch(f"{sql} ({chunk}){unless}")]
        db.delete(table, unused, unless)
