"""The locks of a set of an application: of single names, or of the whole set. They are held until the caller's transaction ends.

The order is that of every sync: source, entries, tasks, schedule rows.
"""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from beatsync.plan.observed import APPLICATION
from beatsync.store import inventory, sources
from beatsync.store.dialects import Dialect
from beatsync.store.errors import RetryableError
from beatsync.store.statements import name_lists
from beatsync.store.tables import INVENTORY, SOURCE


@dataclass(frozen=True, slots=True)
class SetLock:
    """What a transaction has locked of a set."""

    source_id: int
    entries: dict[str, int]
    """The keys of the locked inventory entries, by name."""
    reserved: frozenset[str] = frozenset()
    """Names without an inventory entry before: an empty entry of this transaction reserves each."""
    stays_open: bool = False
    """Whether the transaction is the caller's, who goes on in it."""


def lock_names(db: Dialect, source: str, reserve: Collection[str], others: Collection[str]) -> SetLock:
    """Lock the names `reserve`, which get an entry if they have none, and the existing entries of `others`.

    Other names of the set stay free. The set is created if it is missing.
    """
    source_id = _open(db, source, db.share_lock)
    entries = _lock_entries(db, source_id, {*reserve, *others})
    missing = sorted(set(reserve) - entries.keys())
    if missing:
        rows = [inventory.placeholder(source_id, name) for name in missing]
        db.insert_missing(INVENTORY, tuple(INVENTORY.columns), rows)
        # A name that is still missing has another owner, or another spelling in the database: the plan finds out.
        entries |= _lock_entries(db, source_id, missing)
    reserved = frozenset(name for name, (_, applied) in entries.items() if applied == inventory.PLACEHOLDER)
    return SetLock(source_id, {name: key for name, (key, _) in entries.items()}, reserved)


def lock_set(db: Dialect, source: str) -> SetLock:
    """Lock the whole set, which is created if it is missing: no name of it can be written until the transaction ends."""
    source_id = _open(db, source, db.row_lock)
    sql = f"SELECT name, id FROM {INVENTORY.name} WHERE source_id = %s ORDER BY id{db.row_lock}"
    return SetLock(source_id, dict(db.fetch(sql, [source_id])))


def _open(db: Dialect, source: str, lock: str) -> int:
    """Return the id of a set, which is created if it is missing, with a lock on its row."""
    db.begin_writing()
    source_id = _find(db, source, lock)
    if source_id is None:
        texts = ("revision_digest", "outcome", "message", "holder", "suspended_by", "suspended_for")
        row = {"name": source, "kind": APPLICATION, **dict.fromkeys(texts, "")}
        db.insert_missing(SOURCE, tuple(row), [tuple(row.values())])
        source_id = _find(db, source, lock)
    if source_id is None:
        raise RetryableError(f"another process creates the source {source!r} at the same time; try again")
    return source_id


def _find(db: Dialect, source: str, lock: str) -> int | None:
    for source_id, stored in db.fetch(f"SELECT id, name FROM {SOURCE.name} WHERE name = %s{lock}", [source]):
        sources.check_name(source, stored)
        return int(source_id)
    return None


def _lock_entries(db: Dialect, source_id: int, names: Collection[str]) -> dict[str, tuple[int, str]]:
    """Lock the entries of these names; return the key of each, and what was last applied to its row, by name."""
    entries: dict[str, tuple[int, str]] = {}
    for where, values in name_lists("name", names):
        # The plus keeps SQLite from reading all entries of the source: a name is unique.
        sql = f"SELECT name, id, applied FROM {INVENTORY.name} WHERE {where} AND +source_id = %s ORDER BY name"
        rows = db.fetch(f"{sql}{db.row_lock}", [*values, source_id])
        entries.update((name, (key, applied)) for name, key, applied in rows if name in names)
    return entries
