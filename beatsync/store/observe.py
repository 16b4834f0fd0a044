"""The database → `Observed`: a constant number of plain queries, whatever the number of rows."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from beatsync.plan.observed import Claim, NameRule, Observed, Owned, Tombstone
from beatsync.store import rows, times
from beatsync.store.bulk import fetch, id_lists, name_lists, stream
from beatsync.store.digests import digest_of
from beatsync.store.lock import same_name
from beatsync.store.records import APPLIED
from beatsync.store.suspension import suspension_of, suspension_sql
from beatsync.store.tables import INVENTORY, PERIODIC_TASK, SOURCE, TOMBSTONE
from beatsync.values import OnRemove, Policy, Revision, TaskSpec

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def observe(connection: BaseDatabaseWrapper, source: str, expected: Mapping[str, TaskSpec]) -> Observed:
    """Read all that a plan of `source` needs to know, in five queries; `expected` is what the files say, by name."""
    stands = _source(connection, source)
    inventory, owners = _ownership(connection, source)
    return replace(stands, rows=rows.read_all(connection, expected), inventory=inventory, owners=owners)


def observe_part(
    connection: BaseDatabaseWrapper, source: str, names: Collection[str], row_ids: Collection[int] = ()
) -> Observed:
    """Read what a plan of `source` needs to know of these names, of the rows with these keys, and of what they are about."""
    stands = _source(connection, source)
    inventory: dict[str, Owned] = {}
    owners: dict[str, Claim] = {}

    def add(where: str, parameters: Sequence[str] = ()) -> None:
        ours, others = _ownership(connection, source, f" WHERE {where}", parameters)
        inventory.update(ours)
        owners.update(others)

    for where, values in name_lists("e.name", names):
        add(where, values)
    found = rows.read_some(connection, names, {*row_ids, *(entry.row_id for entry in inventory.values())})
    # A row belongs to a source by its key, whatever its name is by now.
    for chunk in id_lists(row.row_id for row in found.values()):
        add(f"e.row_id IN ({chunk})")
    return replace(stands, rows=found, inventory=inventory, owners=owners)


def _source(connection: BaseDatabaseWrapper, source: str) -> Observed:
    """Return how a source stands, without any row."""
    tombstones = _tombstones(connection, source)
    synced_at = times.select(connection, "synced_at")
    recorded: list[tuple[Any, ...]] = fetch(
        connection,
        f"SELECT name, origin, revision_digest, revision_git, revision_mount, environment, outcome, {synced_at}, "
        f"{suspension_sql(connection)} FROM {SOURCE.name} WHERE name = %s",
        [source],
    )
    if not recorded:
        return Observed(tombstones=tombstones)
    known_as, origin, digest, git, mount, environment, outcome, synced_at, *suspended = recorded[0]
    same_name(source, known_as)
    return Observed(
        tombstones=tombstones,
        origin=origin,
        revision=Revision(digest, git, mount) if digest else None,
        environment=environment,
        is_settled=outcome in {"", APPLIED},
        synced_at=times.read(synced_at, times.zone_of(connection)),
        suspension=suspension_of(suspended, times.zone_of(connection)),
    )


def _ownership(
    connection: BaseDatabaseWrapper, source: str, where: str = "", parameters: Sequence[str] = ()
) -> tuple[dict[str, Owned], dict[str, Claim]]:
    """Return what this source owns and what others do; all of it, or where an SQL condition on entries `e` holds."""
    quote = connection.ops.quote_name
    columns = ["s.name", *(f"e.{quote(name)}" for name in INVENTORY.columns if name != "source_id")]
    inventory: dict[str, Owned] = {}
    owners: dict[str, Claim] = {}
    paths: dict[str, str] = {}
    # Each has its source; but with a plain JOIN a server may begin there, and read all entries for the sake of a hundred.
    entries = f"FROM {INVENTORY.name} e LEFT JOIN {SOURCE.name} s ON s.id = e.source_id{where}"
    with closing(stream(connection, columns, entries, parameters)) as records:
        for (
            owner, name, row_id, applied, on_remove, ignore, sensitive, protect, path, retired, frozen, said, left,
        ) in records:  # fmt: skip
            shared = paths.setdefault(path, path)  # thousands of schedules stand in one file
            if owner == source:
                policy = _policy(on_remove, ignore, sensitive, bool(protect))
                inventory[name] = Owned(
                    name, row_id, applied, policy, shared, bool(retired), bool(frozen), digest_of(said), digest_of(left)
                )
            else:
                owners[name] = Claim(owner, row_id, shared)
    return inventory, owners


@lru_cache(maxsize=4096)
def _policy(on_remove: str, ignore: str, sensitive: str, protect: bool) -> Policy:
    return Policy(OnRemove(on_remove), tuple(json.loads(ignore)), protect, None, tuple(json.loads(sensitive)))


def _tombstones(connection: BaseDatabaseWrapper, source: str) -> tuple[Tombstone, ...]:
    found: list[tuple[Any, ...]] = fetch(
        connection,
        f"SELECT t.name, t.row_id FROM {TOMBSTONE.name} t JOIN {SOURCE.name} s ON s.id = t.source_id"
        " WHERE s.name = %s ORDER BY t.name, t.row_id",
        [source],
    )
    return tuple(Tombstone(name, row_id) for name, row_id in found)


def name_rule(connection: BaseDatabaseWrapper) -> NameRule:
    """Return how this database tells names apart (FACTS 13)."""
    if connection.vendor != "mysql":
        return NameRule.EXACT
    found = fetch(
        connection,
        "SELECT collation_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = %s AND column_name = 'name'",
        [PERIODIC_TASK.name],
    )
    collation = str(found[0][0]) if found else ""
    if collation.endswith(("_bin", "_cs")):
        return NameRule.EXACT
    return NameRule.CASE_INSENSITIVE if collation.endswith("_as_ci") else NameRule.LETTERS
