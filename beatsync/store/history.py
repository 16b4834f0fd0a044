"""The history of syncs that changed something or failed."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beatsync.plan.jsonform import change_json, summary_json
from beatsync.plan.model import Plan
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.sources import revision_columns, revision_of
from beatsync.store.statements import Value
from beatsync.store.tables import HISTORY, SOURCE
from beatsync.values import Revision

MAX_CHANGES = 1_000
"""How many changes of one sync are stored; the summary counts all of them."""
MAX_CHARACTERS = 1_000_000
"""How long the text of these changes may be: a server accepts 16 MB in one statement."""
MAX_ENTRIES = 10_000
"""How many entries a source keeps: a row that another process keeps changing adds one a minute, for months."""


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


def read(db: Dialect, source: str | None, limit: int) -> tuple[HistoryEntry, ...]:
    """Return the last `limit` syncs that changed something or failed, newest first; of every source for None."""
    started, finished = (db.datetime_text(f"h.{name}") for name in ("started_at", "finished_at"))
    where, parameters = ("", []) if source is None else (" WHERE s.name = %s", [source])
    rows = db.fetch(
        f"SELECT s.name, {started}, {finished}, h.revision_digest, h.revision_git, h.revision_mount, h.environment,"
        f" h.outcome, h.summary, h.changes, h.message, h.actor FROM {HISTORY.name} h"
        f" JOIN {SOURCE.name} s ON s.id = h.source_id{where} ORDER BY h.id DESC LIMIT {int(limit)}",
        parameters,
    )
    return tuple(
        HistoryEntry(
            source=name,
            started_at=times.read(started_at, db.zone),
            finished_at=times.read(finished_at, db.zone),
            revision=revision_of(digest, git, mount),
            environment=environment,
            outcome=outcome,
            summary=json.loads(summary),
            changes=tuple(json.loads(changes)),
            message=message,
            actor=actor,
        )
        for (
            name, started_at, finished_at, digest, git, mount, environment, outcome, summary, changes, message, actor,
        ) in rows
    )  # fmt: skip


def write_applied(db: Dialect, source_id: int, plan: Plan, actor: str, started: datetime, finished: datetime) -> None:
    """Add the entry of a sync that was applied."""
    row = _row(db, source_id, plan, "applied", "", actor)
    row["started_at"], row["finished_at"] = times.write(started, db.zone), times.write(finished, db.zone)
    db.insert(HISTORY, tuple(row), [tuple(row.values())])


def write_event(db: Dialect, source_id: int, message: str, actor: str, at: datetime) -> None:
    """Add the entry of what an operator did to the source itself; no row changed."""
    row = _row(db, source_id, None, "applied", message, actor)
    row["started_at"] = row["finished_at"] = times.write(at, db.zone)
    db.insert(HISTORY, tuple(row), [tuple(row.values())])
    limit(db, source_id)


def write_failure(db: Dialect, source_id: int, failure: Failure) -> None:
    """Add the entry of a sync that did nothing; if the newest entry says the same, only move its end."""
    row = _row(db, source_id, failure.plan, failure.outcome, failure.message, failure.holder)
    row["started_at"] = row["finished_at"] = times.write(failure.at, db.zone)
    compared = ("outcome", "message", "revision_digest")
    newest = db.fetch(
        f"SELECT id, {', '.join(compared)} FROM {HISTORY.name} WHERE source_id = %s ORDER BY id DESC LIMIT 1",
        [source_id],
    )
    for key, *values in newest:
        if values == [row[name] for name in compared]:
            db.execute(f"UPDATE {HISTORY.name} SET finished_at = %s WHERE id = %s", [row["finished_at"], key])
            return
    db.insert(HISTORY, tuple(row), [tuple(row.values())])
    limit(db, source_id)


def _row(db: Dialect, source_id: int, plan: Plan | None, outcome: str, message: str, actor: str) -> dict[str, Value]:
    """Return the columns of an entry without its times, secrets masked."""
    return {
        "source_id": source_id,
        **revision_columns(plan),
        "outcome": outcome,
        "summary": json.dumps(summary_json(plan) if plan else {}),
        "changes": f"[{', '.join(_changes(plan, min(MAX_CHARACTERS, db.max_text)))}]" if plan else "[]",
        "message": message,
        "actor": actor[:200],
    }


def _changes(plan: Plan, max_characters: int) -> Iterator[str]:
    """Yield the JSON of the first changes of a plan."""
    characters = 0
    for change in plan.changes[:MAX_CHANGES]:
        text = json.dumps(change_json(change))
        characters += len(text)
        if characters > max_characters:
            return
        yield text


def limit(db: Dialect, source_id: int) -> None:
    """Delete the entries of a source beyond MAX_ENTRIES."""
    oldest = f"SELECT id FROM {HISTORY.name} WHERE source_id = %s ORDER BY id DESC LIMIT 1 OFFSET {MAX_ENTRIES}"
    for (key,) in db.fetch(oldest, [source_id]):
        db.execute(f"DELETE FROM {HISTORY.name} WHERE source_id = %s AND id <= {int(str(key))}", [source_id])
