"""The database → `Observed`: a number of queries that does not depend on the number of rows."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache

from django.db import DatabaseError

from beatsync.fingerprint import Scope
from beatsync.plan.observed import Claim, Observed, Owned, Row, Tombstone
from beatsync.specfile.fields import ColumnType
from beatsync.store import rows, sources
from beatsync.store.dialects import Column, Dialect
from beatsync.store.statements import id_lists, name_lists
from beatsync.store.tables import INVENTORY, PERIODIC_TASK, SOURCE, TOMBSTONE
from beatsync.values import OnRemove, Policy


@dataclass(slots=True)
class Entries:
    """Inventory entries by name: those of one source, and the claims of the others."""

    inventory: dict[str, Owned] = field(default_factory=dict)
    owners: dict[str, Claim] = field(default_factory=dict)


def observe(db: Dialect, source: str, scope: Scope) -> Observed:
    """Read what a plan of `source` for `scope` needs from the database, apart from what does not change during a run."""
    state = sources.read_one(db, source)
    tombstones = _tombstones(db, source)
    entries = Entries()
    observed_rows: Mapping[str, Row]
    if scope.names is None:
        _read_entries(db, source, entries)
        observed_rows = rows.read_all(db)
    else:
        try:
            observed_rows = _read_scope(db, source, scope, entries)
        except DatabaseError as error:
            if not db.is_charset_error(error):
                raise
            entries = Entries()
            storable = replace(scope, names=_storable(db, scope.names))
            observed_rows = _read_scope(db, source, storable, entries)
    return Observed(
        rows=observed_rows,
        inventory=entries.inventory,
        owners=entries.owners,
        tombstones=tombstones,
        origin=state.origin if state else None,
        revision=state.revision if state else None,
        environment=state.environment if state else None,
        synced_at=state.synced_at if state else None,
        outcome=state.outcome if state else "",
        suspension=state.suspension if state else None,
    )


def _storable(db: Dialect, names: frozenset[str]) -> frozenset[str]:
    """Return the names that the columns for names can hold: no row has another one, and servers refuse to compare with it."""
    tables = {PERIODIC_TASK.name, INVENTORY.name}
    charsets = {limit.charset for limit in db.column_limits() if limit.table in tables and limit.name == "name"}
    characters = "".join(sorted({char for name in names for char in name if not char.isascii()}))
    lacking = {char for charset in charsets if charset is not None for char in db.lacking(charset, characters)}
    return frozenset(name for name in names if lacking.isdisjoint(name))


def _read_scope(db: Dialect, source: str, scope: Scope, entries: Entries) -> Mapping[str, Row]:
    """Add the entries in scope to `entries` and return the rows in scope.

    An entry leads to its row by key, and a row to its entry; a renamed row leads to the entry and to the row of its other name.
    """
    observed_rows: dict[str, Row] = {}
    names, row_ids = set(scope.names or ()), set(scope.row_ids)
    searched_names: set[str] = set()
    searched_ids: set[int] = set()
    while names or row_ids:
        for where, values in name_lists("e.name", names):
            _read_entries(db, source, entries, f" WHERE {where}", values)
        for chunk in id_lists(row_ids):
            _read_entries(db, source, entries, f" WHERE e.row_id IN ({chunk})")
        owned_ids = {entry.row_id for entry in entries.inventory.values()}
        present_ids = {row.row_id for row in observed_rows.values()}
        observed_rows |= rows.read_some(db, names, (row_ids | owned_ids) - present_ids - searched_ids)
        searched_names |= names
        searched_ids |= row_ids
        names = {*entries.inventory, *observed_rows} - searched_names
        row_ids = {row.row_id for row in observed_rows.values()} - searched_ids
    return observed_rows


def _read_entries(db: Dialect, source: str, entries: Entries, where: str = "", parameters: Sequence[str] = ()) -> None:
    """Add entries to `entries`: all of them, or those that an SQL condition on entries `e` selects."""
    columns = [Column("s.name", ColumnType.TEXT), *db.columns("e", INVENTORY)]
    # Each entry has a source, but with a plain JOIN a server may begin with it and read all of its entries.
    rest = f"FROM {INVENTORY.name} e LEFT JOIN {SOURCE.name} s ON s.id = e.source_id{where}"
    paths: dict[str, str] = {}
    with closing(db.stream([db.readable(column) for column in columns], rest, parameters)) as records:
        for owner, _, name, row_id, applied, on_remove, ignore, sensitive, protect, path, retired, frozen in records:
            shared_path = paths.setdefault(path, path)  # one text for thousands of schedules in one file
            if owner == source:
                policy = _policy(on_remove, ignore, sensitive, bool(protect))
                entries.inventory[name] = Owned(name, row_id, applied, policy, shared_path, bool(retired), bool(frozen))
            else:
                entries.owners[name] = Claim(owner, row_id, shared_path)


@lru_cache(maxsize=4096)
def _policy(on_remove: str, ignore: str, sensitive: str, protect: bool) -> Policy:
    return Policy(OnRemove(on_remove), tuple(json.loads(ignore)), protect, None, tuple(json.loads(sensitive)))


def _tombstones(db: Dialect, source: str) -> tuple[Tombstone, ...]:
    rows_ = db.fetch(
        f"SELECT t.name, t.row_id FROM {TOMBSTONE.name} t JOIN {SOURCE.name} s ON s.id = t.source_id"
        " WHERE s.name = %s ORDER BY t.name, t.row_id",
        [source],
    )
    return tuple(Tombstone(name, row_id) for name, row_id in rows_)
