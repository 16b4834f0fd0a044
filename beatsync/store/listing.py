"""Pages of the list of all rows: a number of statements that depends neither on the number of rows nor on the page."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Collection

from django.db import DatabaseError

from beatsync.plan.observed import GroupTotals, ListedRow, RowPage
from beatsync.store import rows, sources, times
from beatsync.store.dialects import Dialect
from beatsync.store.statements import id_lists, name_lists
from beatsync.store.tables import HISTORY, INVENTORY, NOTICE, PERIODIC_TASK, SOURCE
from beatsync.values import ROW_MARK

_MAX_LOST = 5_000
"""Entries without a row whose names count."""


def read(db: Dialect, search: str, offset: int, limit: int, *, unowned: bool) -> RowPage:
    """Return one page of the rows by name: those whose name or task contains `search`, in any case of ASCII letters at least.

    Of a schedule with `every`, only its first row. With `unowned`, only rows that no source owns.
    """
    if "\0" in search:
        return RowPage((), 0)  # a server refuses to compare with it, and no row has one
    try:
        keys, total = _keys(db, search, offset, limit, unowned=unowned)
    except DatabaseError as error:
        if not db.is_charset_error(error):
            raise
        return RowPage((), 0)  # no row has a character that the column cannot hold
    by_id = {row.row_id: row for row in rows.read_some(db, (), keys)}
    owners = _owners(db, keys)
    groups = _groups(db, {schedule for *_, schedule in owners.values() if schedule is not None})
    listed = []
    for key in keys:
        source, entry, schedule = owners.get(key, (None, None, None))
        if key in by_id:
            listed.append(ListedRow(by_id[key], source, entry, groups.get(schedule)))
    return RowPage(tuple(listed), total)


def _keys(db: Dialect, search: str, offset: int, limit: int, *, unowned: bool) -> tuple[list[int], int]:
    """Return the keys of the rows of a page, before anything is joined to them, and the number of rows of all pages."""
    conditions, parameters = ["1 = 1"], []
    if search:
        conditions.append(f"({' OR '.join(db.contains(f'LOWER(t.{name})') for name in ('name', 'task'))})")
        parameters += [search.lower()] * 2
    if unowned:
        conditions.append(f"NOT EXISTS (SELECT 1 FROM {INVENTORY.name} e WHERE e.row_id = t.id)")
        # Not by a join of the names: the tables may have different collations, which a server refuses to compare.
        if names := _lost_names(db):
            conditions.append(f"t.name NOT IN ({', '.join(['%s'] * len(names))})")
            parameters += names
    else:
        further = f"SELECT 1 FROM {INVENTORY.name} e WHERE e.row_id = t.id AND e.schedule <> e.name"
        # Nearly all rows are decided by their name, which is cheap.
        conditions.append(f"(t.name NOT LIKE %s OR NOT EXISTS ({further}))")
        parameters.append(f"%{ROW_MARK}%")
    where = f"FROM {PERIODIC_TASK.name} t WHERE {' AND '.join(conditions)}"
    total = int(db.fetch(f"SELECT COUNT(*) {where}", parameters)[0][0])
    if total <= offset:
        return [], total
    sql = f"SELECT t.id {where} ORDER BY t.name, t.id LIMIT {int(limit)} OFFSET {int(offset)}"
    return [int(key) for (key,) in db.fetch(sql, parameters)], total


def _lost_names(db: Dialect) -> list[str]:
    """Return the names of entries whose row has another key, or is gone: a row of such a name is owned nevertheless."""
    rows_of = f"LEFT JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id WHERE t.id IS NULL"
    return [name for (name,) in db.fetch(f"SELECT e.name FROM {INVENTORY.name} e {rows_of} LIMIT {_MAX_LOST}")]


def _owners(db: Dialect, keys: list[int]) -> dict[int, tuple[str, str, str | None]]:
    """Return the source, the name of the inventory entry, and the schedule with `every` of each row, by the row's key."""
    owners: dict[int, tuple[str, str, str | None]] = {}
    for chunk in id_lists(keys):
        sql = (
            f"SELECT e.row_id, s.name, e.name, e.schedule FROM {INVENTORY.name} e JOIN {SOURCE.name} s ON s.id = e.source_id"
            f" WHERE e.row_id IN ({chunk}) ORDER BY e.name DESC"
        )
        owners.update((int(key), tuple(owner)) for key, *owner in db.fetch(sql))
    return owners


def _groups(db: Dialect, schedules: Collection[str]) -> dict[str | None, GroupTotals]:
    """Return the rows of schedules with `every`, summed up, by the name of the schedule."""
    last = db.datetime_text("MAX(CASE WHEN t.total_run_count > 0 THEN t.last_run_at END)")
    totals: dict[str | None, GroupTotals] = {}
    for where, names in name_lists("e.schedule", schedules):
        sql = (
            f"SELECT e.schedule, COUNT(*), SUM(CASE WHEN t.enabled THEN 1 ELSE 0 END), {last}, SUM(t.total_run_count)"
            f" FROM {INVENTORY.name} e LEFT JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id WHERE {where} GROUP BY e.schedule"
        )
        for name, rows_, enabled, last_run, runs in db.fetch(sql, names):
            totals[name] = GroupTotals(int(rows_), int(enabled), times.read(last_run, db.zone), int(runs or 0))
    return totals


def mark(db: Dialect) -> tuple[object, ...]:
    """Return a value that is another one after a sync, after anything that the history records, and after a save that notifies beat."""
    notice = db.datetime_text("MAX(n.last_update)")
    scalars = db.fetch(f"SELECT (SELECT MAX(id) FROM {HISTORY.name}), (SELECT {notice} FROM {NOTICE.name} n)")
    return (*scalars, *sources.read_all(db))
