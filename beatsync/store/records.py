"""What BeatSync remembers: the source's row, the inventory, tombstones and the history of syncs."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from beatsync.plan.jsonform import change_json, summary_json
from beatsync.plan.model import Action, Plan, Record
from beatsync.plan.observed import Observed, Suspension
from beatsync.store import times
from beatsync.store.bulk import MAX_IDS, BulkRow, Value, delete, execute, fetch, insert, name_lists, update
from beatsync.store.suspension import suspension_of, suspension_sql
from beatsync.store.tables import HISTORY, INVENTORY, SOURCE, TOMBSTONE
from beatsync.values import Revision

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from beatsync.store.staging import Staged

TOMBSTONE_LIFE = timedelta(days=7)
"""Beat brings a deleted row back within its own flush, 180 seconds by default; a week is generous."""
HISTORY_CHANGES = 1_000
"""How many changes of one sync are kept in full; the summary counts all of them."""
HISTORY_KEPT = 10_000
"""How many records a source keeps: a row that somebody fights over makes one a minute, for months."""

APPLIED, FAILED, BLOCKED, INVALID = "applied", "failed", "blocked", "invalid"
"""The outcomes of a sync, as the history and `status` say them."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source as `status` shows it."""

    name: str
    origin: str | None
    revision: Revision | None
    environment: str | None
    synced_at: datetime | None
    outcome: str
    """`applied`, `failed`, `blocked` or `invalid`; empty before the first sync."""
    message: str
    suspension: Suspension | None = None
    """As it stands in the database, over or not."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A sync that was `failed`, `blocked` or `invalid`."""

    outcome: str
    message: str
    at: datetime
    holder: str = ""
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One past sync, secrets masked; `changes` are those of the published JSON of a plan."""

    source: str
    started_at: datetime | None
    finished_at: datetime | None
    revision: Revision | None
    environment: str | None
    outcome: str
    summary: Mapping[str, int]
    changes: tuple[Mapping[str, Any], ...]
    message: str
    actor: str


def write_inventory(
    connection: BaseDatabaseWrapper,
    source_id: int,
    plan: Plan,
    observed: Observed,
    new_ids: Mapping[str, int],
    staged: Staged | None = None,
) -> None:
    """Replace the entries that `plan` speaks of; an entry whose change deletes or forgets the row goes.

    Those of new rows are taken from where they are `staged`.
    """
    names: set[str] = set()
    if observed.inventory:
        names = {change.name for change in plan.changes if change.action in (Action.DELETE, Action.FORGET)}
        names |= {name for record in plan.records for name in (record.name, record.previous_name) if name is not None}
        names &= observed.inventory.keys()
    if len(names) <= MAX_IDS:
        for where, values in name_lists("name", names):
            # The plus keeps SQLite from looking at all entries of the source: a name is unique.
            execute(connection, f"DELETE FROM {INVENTORY.name} WHERE +source_id = %s AND {where}", [source_id, *values])
    else:
        entries = fetch(connection, f"SELECT id, name FROM {INVENTORY.name} WHERE source_id = %s", [source_id])
        delete(connection, INVENTORY, (key for key, name in entries if name in names))
    wanted = plan.records
    if staged is not None:
        staged.write_entries(source_id)
        wanted = tuple(record for record in wanted if record.row_id is not None)
    if wanted:
        rows = (entry(source_id, one, new_ids[one.name] if one.row_id is None else one.row_id) for one in wanted)
        insert(connection, INVENTORY, tuple(INVENTORY.columns), rows)


def write_marks(connection: BaseDatabaseWrapper, plan: Plan) -> None:
    """Note the digests of what the files say in the entries that stay."""
    if plan.marks:
        rows: Iterator[BulkRow] = (
            {"row_id": mark.row_id, "said": mark.said.hex(), "as_left": mark.left.hex()} for mark in plan.marks
        )
        update(connection, replace(INVENTORY, key="row_id"), ("said", "as_left"), rows)


def entry(source_id: int | None, record: Record, row_id: int | None) -> tuple[Value, ...]:
    """Return the columns of an entry, in the table's order."""
    name, _, applied, policy, path, retired, frozen, _, said, left = record
    ignore, sensitive = _names(policy.ignore), _names(policy.sensitive)
    treated = (policy.on_remove.value, ignore, sensitive, bool(policy.protect))
    return (source_id, name, row_id, applied, *treated, path, retired, frozen, said.hex(), left.hex())


@lru_cache(maxsize=1024)
def _names(names: tuple[str, ...]) -> str:
    return json.dumps(list(names))


def write_tombstones(
    connection: BaseDatabaseWrapper, source_id: int, plan: Plan, observed: Observed, now: datetime
) -> None:
    """Remember the rows that `plan` deletes; drop what is a week old, declared again, or deleted once more."""
    zone = times.zone_of(connection)
    deleted = {c.row_id: {c.name} for c in plan.changes if c.action is Action.DELETE and c.row_id is not None}
    for row in observed.rows.values() if deleted else ():
        if row.row_id in deleted:
            # Somebody may have renamed it, and beat may know it by either name.
            deleted[row.row_id].add(row.found.name)
    if observed.tombstones:
        old = times.write(now - TOMBSTONE_LIFE, zone)
        execute(connection, f"DELETE FROM {TOMBSTONE.name} WHERE source_id = %s AND deleted_at < %s", [source_id, old])
        declared = {record.name for record in plan.records}
        done = [t.row_id for t in observed.tombstones if t.name in declared or t.row_id in deleted]
        delete(connection, replace(TOMBSTONE, key="row_id"), done, f" AND source_id = {int(source_id)}")
    stamp = times.write(now, zone)
    rows = [(source_id, name, row_id, stamp) for row_id, names in deleted.items() for name in sorted(names)]
    if rows:
        insert(connection, TOMBSTONE, ("source_id", "name", "row_id", "deleted_at"), rows)


def write_source(connection: BaseDatabaseWrapper, source_id: int, values: Mapping[str, Value]) -> None:
    """Write the columns in `values` of the source's row."""
    assignments = ", ".join(f"{name} = %s" for name in values)
    execute(connection, f"UPDATE {SOURCE.name} SET {assignments} WHERE id = %s", [*values.values(), source_id])


def synced(revision: Revision, origin: str | None, environment: str | None, stamp: str | None) -> dict[str, Value]:
    """Return the columns of the source's row after a sync that is as it should be; `stamp` is the time of it."""
    return {
        # Where this time nobody knows where the files come from (no git at hand), the last word on it stands.
        **({"origin": origin} if origin is not None else {}),
        "revision_digest": revision.digest,
        "revision_git": revision.git,
        "revision_mount": revision.mount,
        "environment": environment,
        "synced_at": stamp,
        "outcome": APPLIED,
        "message": "",
        "holder": "",
    }


def history_row(source_id: int, outcome: str, message: str, actor: str, told: Mapping[str, Value]) -> dict[str, Value]:
    """Return a record of one sync, without its times; `told` is what is told of its plan."""
    return {"source_id": source_id, "outcome": outcome, "message": message, "actor": actor[:200], **told}


def told_of(plan: Plan | None) -> dict[str, Value]:
    """Return what a record tells of a sync's plan, secrets masked."""
    return {
        "revision_digest": plan.revision.digest if plan else "",
        "revision_git": plan.revision.git if plan else None,
        "revision_mount": plan.revision.mount if plan else None,
        "environment": plan.environment if plan else None,
        "summary": json.dumps(summary_json(plan) if plan else {}),
        "changes": json.dumps([change_json(change) for change in plan.changes[:HISTORY_CHANGES]] if plan else []),
    }


def write_history(connection: BaseDatabaseWrapper, row: BulkRow) -> None:
    """Add one record, and let go of those that are too many."""
    insert(connection, HISTORY, tuple(row), [tuple(row.values())])
    source = [row["source_id"]]
    newest = f"SELECT id FROM {HISTORY.name} WHERE source_id = %s ORDER BY id DESC LIMIT 1 OFFSET {HISTORY_KEPT}"
    for (last,) in fetch(connection, newest, source):
        execute(connection, f"DELETE FROM {HISTORY.name} WHERE source_id = %s AND id <= {int(str(last))}", source)


def prolong_last(connection: BaseDatabaseWrapper, source_id: int, row: BulkRow) -> bool:
    """Move the end of the newest record where it says the same as `row`, and return whether it did."""
    same = ("outcome", "message", "revision_digest")
    found = fetch(
        connection,
        f"SELECT id, {', '.join(same)} FROM {HISTORY.name} WHERE source_id = %s ORDER BY id DESC LIMIT 1",
        [source_id],
    )
    if not found or found[0][1:] != tuple(row[name] for name in same):
        return False
    last = int(str(found[0][0]))
    execute(connection, f"UPDATE {HISTORY.name} SET finished_at = %s WHERE id = %s", [row["finished_at"], last])
    return True


def sources(connection: BaseDatabaseWrapper) -> tuple[SourceState, ...]:
    """Return every source by name."""
    synced_at = times.select(connection, "s.synced_at")
    zone = times.zone_of(connection)
    found: list[tuple[Any, ...]] = fetch(
        connection,
        f"SELECT s.name, s.origin, s.revision_digest, s.revision_git, s.revision_mount, s.environment,"
        f" {synced_at}, s.outcome, s.message, {suspension_sql(connection)}"
        f" FROM {SOURCE.name} s ORDER BY s.name",
    )
    return tuple(
        SourceState(
            name, origin, _revision(digest, git, mount), environment, times.read(at, zone), outcome, message,
            suspension_of(suspended, zone),
        )
        for name, origin, digest, git, mount, environment, at, outcome, message, *suspended in found
    )  # fmt: skip


def history(connection: BaseDatabaseWrapper, source: str | None, limit: int) -> tuple[HistoryEntry, ...]:
    """Return the last `limit` syncs that changed something or failed, the newest first; of every source for None."""
    zone = times.zone_of(connection)
    started, finished = (times.select(connection, f"h.{name}") for name in ("started_at", "finished_at"))
    where, parameters = ("", []) if source is None else (" WHERE s.name = %s", [source])
    found: list[tuple[Any, ...]] = fetch(
        connection,
        f"SELECT s.name, {started}, {finished}, h.revision_digest, h.revision_git, h.revision_mount, h.environment,"
        f" h.outcome, h.summary, h.changes, h.message, h.actor FROM {HISTORY.name} h JOIN {SOURCE.name} s ON s.id = h.source_id{where}"
        f" ORDER BY h.id DESC LIMIT {int(limit)}",
        parameters,
    )
    return tuple(
        HistoryEntry(
            source=row[0],
            started_at=times.read(row[1], zone),
            finished_at=times.read(row[2], zone),
            revision=_revision(row[3], row[4], row[5]),
            environment=row[6],
            outcome=row[7],
            summary=json.loads(row[8]),
            changes=tuple(json.loads(row[9])),
            message=row[10],
            actor=row[11],
        )
        for row in found
    )


def _revision(digest: str, git: str | None, mount: str | None) -> Revision | None:
    return Revision(digest, git, mount) if digest else None
