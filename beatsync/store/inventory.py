"""The inventory: which rows a source owns and what a sync last applied to each; and tombstones of the rows that it deleted."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from beatsync.plan.model import Action, Plan, Record
from beatsync.plan.observed import Observed
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.statements import MAX_IDS, Value, name_lists
from beatsync.store.tables import INVENTORY, TOMBSTONE
from beatsync.values import DEFAULT_POLICY

PLACEHOLDER = ""
"""What was last applied to the row of an entry that only reserves its name."""
TOMBSTONE_LIFETIME = timedelta(days=7)
"""Beat resurrects a deleted row when it next saves its copy, after 180 seconds by default; a week is generous."""


def write(
    db: Dialect,
    source_id: int,
    plan: Plan,
    observed: Observed,
    new_ids: Mapping[str, int],
    locked: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Replace the entries that `plan` has a record of, and delete those of rows that it deletes or forgets.

    `new_ids` holds the keys of the rows that the plan created, by name. `locked` holds the keys of entries, by name, that this
    transaction has locked: they are updated in place, because another transaction may wait for one of them.
    """
    _update(db, source_id, [record for record in plan.records if record.name in locked], new_ids, locked)
    plan = replace(plan, records=tuple(record for record in plan.records if record.name not in locked))
    names = {change.name for change in plan.changes if change.action in (Action.DELETE, Action.FORGET)}
    names |= {name for record in plan.records for name in (record.name, record.previous_name) if name is not None}
    _delete(db, source_id, names & observed.inventory.keys())
    if plan.records:
        rows = (_columns(source_id, record, new_ids) for record in plan.records)
        db.insert(INVENTORY, tuple(INVENTORY.columns), rows)


def _update(
    db: Dialect, source_id: int, records: Sequence[Record], new_ids: Mapping[str, int], locked: Mapping[str, int]
) -> None:
    if records:
        columns = tuple(INVENTORY.columns)
        rows = (dict(zip(columns, _columns(source_id, record, new_ids), strict=True)) for record in records)
        keys = (locked[record.name] for record in records)
        db.update(INVENTORY, columns, ({**row, INVENTORY.key: key} for row, key in zip(rows, keys, strict=True)))


def schedule_of(db: Dialect, name: str) -> str | None:
    """Return the schedule of the row that an entry of this name stands for; None if there is no such entry."""
    sql = f"SELECT name, schedule FROM {INVENTORY.name} WHERE name = %s"
    # A server may compare names in its own way.
    return next((schedule or name for entry, schedule in db.fetch(sql, [name]) if entry == name), None)


def rows_of(db: Dialect, source_id: int, schedule: str) -> list[str]:
    """Return the names of the entries of a schedule with `every`."""
    sql = f"SELECT name FROM {INVENTORY.name} WHERE source_id = %s AND schedule = %s"
    return [name for (name,) in db.fetch(sql, [source_id, schedule])]


def placeholder(source_id: int, name: str) -> tuple[Value, ...]:
    """Return the columns, in the table's order, of the entry that reserves a name until the same transaction writes it."""
    return _columns(source_id, Record(name, 0, PLACEHOLDER, DEFAULT_POLICY, ""), {})


def _delete(db: Dialect, source_id: int, names: set[str]) -> None:
    if len(names) <= MAX_IDS:
        for where, values in name_lists("name", names):
            # The plus keeps SQLite from reading all entries of the source: a name is unique.
            db.execute(f"DELETE FROM {INVENTORY.name} WHERE +source_id = %s AND {where}", [source_id, *values])
    else:
        entries = db.fetch(f"SELECT id, name FROM {INVENTORY.name} WHERE source_id = %s", [source_id])
        db.delete(INVENTORY, (key for key, name in entries if name in names))


def _columns(source_id: int, record: Record, new_ids: Mapping[str, int]) -> tuple[Value, ...]:
    """Return the columns of an entry, in the table's order."""
    row_id = new_ids[record.name] if record.row_id is None else record.row_id
    policy = record.policy
    return (
        source_id, record.name, row_id, record.applied, policy.on_remove.value, _json_list(policy.ignore),
        _json_list(policy.sensitive), bool(policy.protect), record.path, record.retired, record.frozen, record.group,
        operator_fields_text(record.operator_fields),
    )  # fmt: skip


def write_operator_fields(db: Dialect, entry_id: int, names: tuple[str, ...]) -> None:
    """Store which fields of an entry's row are left to the operator."""
    sql = f"UPDATE {INVENTORY.name} SET operator_fields = %s WHERE id = %s"
    db.execute(sql, [operator_fields_text(names), entry_id])


def operator_fields_text(names: tuple[str, ...]) -> str | None:
    """Return the column of the fields that are left to the operator."""
    return _json_list(names) if names else None


@lru_cache(maxsize=1024)
def _json_list(names: tuple[str, ...]) -> str:
    return json.dumps(list(names))


def write_tombstones(db: Dialect, source_id: int, plan: Plan, observed: Observed, now: datetime) -> None:
    """Add tombstones of the rows that `plan` deletes; drop those that are declared again or deleted again."""
    deleted = _deleted_names(plan, observed)
    if observed.tombstones:
        declared = {record.name for record in plan.records}
        obsolete = [t.row_id for t in observed.tombstones if t.name in declared or t.row_id in deleted]
        db.delete(replace(TOMBSTONE, key="row_id"), obsolete, f" AND source_id = {int(source_id)}")
    deleted_at = times.write(now, db.zone)
    rows = [(source_id, name, row_id, deleted_at) for row_id, names in deleted.items() for name in sorted(names)]
    if rows:
        db.insert(TOMBSTONE, tuple(TOMBSTONE.columns), rows)


def expire_tombstones(db: Dialect, source_id: int, now: datetime) -> None:
    """Delete the tombstones that are a week old: by key, so that those of open transactions are not waited for."""
    oldest = times.write(now - TOMBSTONE_LIFETIME, db.zone)
    sql = f"SELECT id FROM {TOMBSTONE.name} WHERE source_id = %s AND deleted_at < %s"
    db.delete(TOMBSTONE, [key for (key,) in db.fetch(sql, [source_id, oldest])])


def _deleted_names(plan: Plan, observed: Observed) -> dict[int, set[str]]:
    """Return the names of each row that `plan` deletes, by key: it may have been renamed by hand, and beat may know either name."""
    deleted = {c.row_id: {c.name} for c in plan.changes if c.action is Action.DELETE and c.row_id is not None}
    for row in observed.rows.values() if deleted else ():
        if row.row_id in deleted:
            deleted[row.row_id].add(row.name)
    return deleted
