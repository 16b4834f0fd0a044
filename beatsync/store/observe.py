"""The database → `Observed`: a number of queries that does not depend on the number of rows."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.db import DatabaseError

from beatsync.fingerprint import Scope
from beatsync.plan.observed import Claim, Observed, Owned, Row, Tombstone
from beatsync.specfile.fields import ColumnType
from beatsync.store import pauses, rows, sources
from beatsync.store.dialects import Column, Dialect
from beatsync.store.statements import id_lists, name_lists
from beatsync.store.tables import INVENTORY, PERIODIC_TASK, SOURCE, TOMBSTONE
from beatsync.values import OnRemove, Policy

_NEVER_SYNCED = sources.SourceState("", None, None, None, None, outcome="", message="")
_NO_ROW = 0
"""The key in place of one that is no number; no row has it."""
_ON_REMOVE = frozenset(on_remove.value for on_remove in OnRemove)


@dataclass(slots=True)
class Entries:
    """Inventory entries by name: those of one source, and the claims of the others."""

    inventory: dict[str, Owned] = field(default_factory=dict)
    owners: dict[str, Claim] = field(default_factory=dict)


def observe(db: Dialect, source: str, scope: Scope) -> Observed:
    """Read what a plan of `source` for `scope` needs from the database, apart from what does not change during a run."""
    state = sources.read_one(db, source) or _NEVER_SYNCED
    tombstones = _tombstones(db, source)
    entries = Entries()
    if scope.names is None:
        _read_entries(db, source, entries)
        by_name, duplicates = _by_name(rows.read_all(db), entries)
    else:
        try:
            scoped_rows = _read_scope(db, source, scope, entries)
        except DatabaseError as error:
            if not db.is_charset_error(error):
                raise
            entries = Entries()
            storable = replace(scope, names=_storable(db, scope.names))
            scoped_rows = _read_scope(db, source, storable, entries)
        by_name, duplicates = _by_name(scoped_rows, entries)
    if scope.names is None or scope.names:
        _add_pauses(db, source, entries.inventory)
    return Observed(
        rows=by_name,
        duplicates=duplicates,
        inventory=entries.inventory,
        owners=entries.owners,
        tombstones=tombstones,
        origin=state.origin,
        revision=state.revision,
        environment=state.environment,
        timezone=state.timezone,
        synced_at=state.synced_at,
        kind=state.kind,
        outcome=state.outcome,
        suspension=state.suspension,
        checksum=state.checksum,
    )


def _add_pauses(db: Dialect, source: str, inventory: dict[str, Owned]) -> None:
    for name, pause in pauses.read(db, source).items():
        if name in inventory:
            inventory[name] = inventory[name]._replace(pause=pause)


def read_inventory(db: Dialect, source: str) -> dict[str, Owned]:
    """Return the inventory entries of a source by name."""
    entries = Entries()
    _read_entries(db, source, entries, " WHERE s.name = %s", [source])
    return entries.inventory


def read_inventories(db: Dialect) -> dict[str, dict[str, Owned]]:
    """Return the inventory entries of every source by name, with their pauses: two statements."""
    inventories: dict[str, dict[str, Owned]] = {}
    for source, entry in _stored_entries(db, "", ()):
        if source is not None:
            inventories.setdefault(source, {})[entry.name] = entry
    for (source, name), pause in pauses.read_all(db).items():
        if name in inventories.get(source, {}):
            inventories[source][name] = inventories[source][name]._replace(pause=pause)
    return inventories


def owned_rows(db: Dialect, source: str, name: str | None = None) -> list[tuple[Owned, Row | None]]:
    """Return each inventory entry of a source, or that of one name, with the row of its key, sorted by name."""
    entries = Entries()
    where, parameters = (" AND e.name = %s", [source, name]) if name is not None else ("", [source])
    _read_entries(db, source, entries, f" WHERE s.name = %s{where}", parameters)
    by_id = {row.row_id: row for row in rows.read_some(db, (), {entry.row_id for entry in entries.inventory.values()})}
    return [(entry, by_id.get(entry.row_id)) for _, entry in sorted(entries.inventory.items())]


def _by_name(rows_read: Iterable[Row], entries: Entries) -> tuple[dict[str, Row], dict[str, tuple[int, ...]]]:
    """Return rows by name, and the keys of those that share a name: of these, one whose key an entry has comes first."""
    by_name: dict[str, Row] = {}
    shared: dict[str, list[Row]] = {}
    for row in rows_read:
        first = by_name.setdefault(row.name, row)
        if first is not row:
            shared.setdefault(row.name, [first]).append(row)
    owned_ids = {entry.row_id for entry in entries.inventory.values()} if shared else set()
    for name, namesakes in shared.items():
        by_name[name] = min(namesakes, key=lambda row: (row.row_id not in owned_ids, row.row_id))
    return by_name, {name: tuple(sorted(row.row_id for row in namesakes)) for name, namesakes in shared.items()}


def _storable(db: Dialect, names: frozenset[str]) -> frozenset[str]:
    """Return the names that the columns for names can hold: no row has another one, and servers refuse to compare with it."""
    tables = {PERIODIC_TASK.name, INVENTORY.name}
    charsets = {limit.charset for limit in db.column_limits() if limit.table in tables and limit.name == "name"}
    characters = "".join(sorted({char for name in names for char in name if not char.isascii()}))
    lacking = {char for charset in charsets if charset is not None for char in db.lacking(charset, characters)}
    return frozenset(name for name in names if lacking.isdisjoint(name))


def _read_scope(db: Dialect, source: str, scope: Scope, entries: Entries) -> Iterable[Row]:
    """Add the entries in scope to `entries` and return the rows in scope.

    An entry leads to its row by key, and a row to its entry; a renamed row leads to the entry and to the row of its other name.
    """
    by_id: dict[int, Row] = {}
    names, row_ids = set(scope.names or ()), set(scope.row_ids)
    searched_names: set[str] = set()
    searched_ids: set[int] = set()
    while names or row_ids:
        for where, values in name_lists("e.name", names):
            _read_entries(db, source, entries, f" WHERE {where}", values)
        for chunk in id_lists(row_ids):
            _read_entries(db, source, entries, f" WHERE e.row_id IN ({chunk})")
        owned_ids = {entry.row_id for entry in entries.inventory.values()}
        wanted_ids = (row_ids | owned_ids) - by_id.keys() - searched_ids
        by_id.update((row.row_id, row) for row in rows.read_some(db, names, wanted_ids))
        searched_names |= names
        searched_ids |= row_ids
        names = {*entries.inventory, *(row.name for row in by_id.values())} - searched_names
        row_ids = by_id.keys() - searched_ids
    return by_id.values()


def _read_entries(db: Dialect, source: str, entries: Entries, where: str = "", parameters: Sequence[str] = ()) -> None:
    """Add entries to `entries`: all of them, or those that an SQL condition on entries `e` selects."""
    for owner, entry in _stored_entries(db, where, parameters):
        if owner == source:
            entries.inventory[entry.name] = entry
        else:
            entries.owners[entry.name] = Claim(owner, entry.row_id, entry.path)


def _stored_entries(db: Dialect, where: str, parameters: Sequence[str]) -> Iterator[tuple[str | None, Owned]]:
    """Yield entries with the source that owns each; None if the source was deleted by hand."""
    # Each entry has a source, but with a plain JOIN a server may begin with it and read all of its entries.
    rest = f"FROM {INVENTORY.name} e LEFT JOIN {SOURCE.name} s ON s.id = e.source_id{where}"
    paths: dict[str, str] = {}
    with closing(db.stream(["s.name", *entry_columns(db)], rest, parameters)) as records:
        for owner, *record in records:
            yield owner, owned_of(record, paths)


def entry_columns(db: Dialect) -> list[str]:
    """Return the SQL of the columns from which `owned_of` makes an entry, for a query of entries `e`."""
    return [db.readable(column) for column in (Column("e.id", ColumnType.INTEGER), *db.columns("e", INVENTORY))]


def owned_of(record: Sequence[Any], paths: dict[str, str]) -> Owned:
    """Return the entry whose `entry_columns` are `record`; `paths` keeps one text for thousands of schedules in one file."""
    entry_id, _, name, row_id, applied, *policy_columns, path, retired, frozen, group, free = record
    key = row_id if isinstance(row_id, int) else _NO_ROW  # SQLite stores any value in any column
    policy, damage = _policy(*policy_columns)
    damage += () if key == row_id else ("row_id",)
    fields, damage = ((), damage) if free is None else _operator_fields(free, damage)
    flags = bool(retired), bool(frozen)
    return Owned(
        name,
        key,
        applied,
        policy,
        paths.setdefault(path, path),
        *flags,
        damage,
        entry_id,
        group,
        operator_fields=fields,
    )


@lru_cache(maxsize=4096)
def _policy(on_remove: str, ignore: str, sensitive: str, protect: bool) -> tuple[Policy, tuple[str, ...]]:
    """Return the policy of an entry, with safe values in place of those that BeatSync does not write, and their columns."""
    damage = [] if on_remove in _ON_REMOVE else ["on_remove"]
    lists = []
    for column, text in (("ignore", ignore), ("sensitive", sensitive)):
        names = _name_list(text)
        damage += [] if names is not None else [column]
        lists.append(names or ())
    policy = Policy(OnRemove.KEEP if damage else OnRemove(on_remove), lists[0], bool(protect), None, lists[1])
    return policy, tuple(damage)


def _operator_fields(text: str, damage: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the fields that a column leaves to the operator, and `damage` with the column if it holds something else."""
    names = _name_list(text)
    return ((), (*damage, "operator_fields")) if names is None else (names, damage)


def _name_list(text: str) -> tuple[str, ...] | None:
    """Return the JSON list of names that `text` holds; None if it holds something else."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _tombstones(db: Dialect, source: str) -> tuple[Tombstone, ...]:
    rows_ = db.fetch(
        f"SELECT t.name, t.row_id FROM {TOMBSTONE.name} t JOIN {SOURCE.name} s ON s.id = t.source_id"
        " WHERE s.name = %s ORDER BY t.name, t.row_id",
        [source],
    )
    return tuple(Tombstone(name, row_id) for name, row_id in rows_)
