"""The inventory: which rows a source owns, and what a sync last applied to each."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from beatsync.plan.model import Action, Plan, Record
from beatsync.plan.observed import Observed
from beatsync.store.dialects import Dialect
from beatsync.store.statements import MAX_IDS, Value, name_lists
from beatsync.store.tables import INVENTORY


def write(db: Dialect, source_id: int, plan: Plan, observed: Observed, new_ids: Mapping[str, int]) -> None:
    """Replace the entries that `plan` has a record of, and delete those of rows that it deletes or forgets.

    `new_ids` holds the keys of the rows that the plan created, by name.
    """
    names = {change.name for change in plan.changes if change.action in (Action.DELETE, Action.FORGET)}
    names |= {name for record in plan.records for name in (record.name, record.previous_name) if name is not None}
    _delete(db, source_id, names & observed.inventory.keys())
    if plan.records:
        rows = (_columns(source_id, record, new_ids) for record in plan.records)
        db.insert(INVENTORY, tuple(INVENTORY.columns), ([row[name] for name in INVENTORY.columns] for row in rows))


def _delete(db: Dialect, source_id: int, names: set[str]) -> None:
    if len(names) <= MAX_IDS:
        for where, values in name_lists("name", names):
            # The plus keeps SQLite from reading all entries of the source: a name is unique.
            db.execute(f"DELETE FROM {INVENTORY.name} WHERE +source_id = %s AND {where}", [source_id, *values])
    else:
        entries = db.fetch(f"SELECT id, name FROM {INVENTORY.name} WHERE source_id = %s", [source_id])
        db.delete(INVENTORY, (key for key, name in entries if name in names))


def _columns(source_id: int, record: Record, new_ids: Mapping[str, int]) -> dict[str, Value]:
    policy = record.policy
    return {
        "source_id": source_id,
        "name": record.name,
        "row_id": new_ids[record.name] if record.row_id is None else record.row_id,
        "applied": record.applied,
        "on_remove": policy.on_remove.value,
        "ignore": _json_list(policy.ignore),
        "sensitive": _json_list(policy.sensitive),
        "protect": bool(policy.protect),
        "path": record.path,
        "retired": record.retired,
        "frozen": record.frozen,
    }


@lru_cache(maxsize=1024)
def _json_list(names: tuple[str, ...]) -> str:
    return json.dumps(list(names))
