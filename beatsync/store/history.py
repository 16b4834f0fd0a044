"""The history: syncs that changed something or failed, and what operators did to sources and schedules."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from beatsync.plan.groups import row_counts
from beatsync.plan.history import Event, HistoryEntry
from beatsync.plan.jsonform import change_json, changes_of_text, summary_json
from beatsync.plan.model import Plan
from beatsync.specfile.shapes import mask_text
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.sources import revision_columns, revision_of
from beatsync.store.statements import Value, id_lists
from beatsync.store.tables import HISTORY, SOURCE
from beatsync.values import Actor

MAX_CHANGES = 1_000
"""How many changes of one sync are stored; the summary counts all of them."""
MAX_CHARACTERS = 1_000_000
"""How long the text of these changes may be: a server accepts 16 MB in one statement."""
MAX_ENTRIES = 10_000
"""How many entries a source keeps: a row that another process keeps changing adds one a minute, for months."""
_READ_AT_ONCE = 20
"""Entries in memory at a time while the entries of one schedule are searched: each may hold MAX_CHARACTERS."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A sync that was `failed`, `blocked` or `invalid`."""

    outcome: str
    message: str
    at: datetime
    holder: str = ""
    plan: Plan | None = None
    run_url: str = ""


def read(
    db: Dialect,
    source: str | None,
    limit: int,
    name: str | None = None,
    since: datetime | None = None,
    before: int | None = None,
) -> tuple[HistoryEntry, ...]:
    """Return the newest `limit` entries, newest first; of every source for None.

    With `name`, only entries that changed this schedule, also under the names that it had before; with `since`, only those that ended
    at that time or later; with `before`, only those with a lower key.
    """
    if name is not None:
        return tuple(islice(_entries_of(db, source, name, since, before), limit))
    return tuple(_read_keys(db, _keys(db, *_conditions(db, source, None, since, before), limit)))


def _entries_of(
    db: Dialect, source: str | None, name: str | None, since: datetime | None, below: int | None
) -> Iterator[HistoryEntry]:
    """Yield the entries that changed a schedule, newest first; those before a rename under the name before."""
    while name is not None:
        searched, name = name, None
        keys = _keys(db, *_conditions(db, source, searched, since, below))
        for entry in _read_in_chunks(db, keys):
            if entry.changes_of(searched):
                yield entry
                name, below = entry.name_before(searched), entry.entry_id
            if name is not None:
                break


def schedule_of(db: Dialect, name: str) -> str:
    """Return the schedule that a row of this name was part of when the newest entry changed it; the name itself if there is none."""
    for entry in islice(_entries_of(db, None, name, None, None), 1):
        for change in entry.changes_of(name):
            return change.get("group") or name
    return name


def _keys(db: Dialect, where: str, parameters: list[Value], limit: int | None = None) -> list[int]:
    """Return the keys of the newest `limit` entries, or of all, newest first."""
    newest = "" if limit is None else f" LIMIT {int(limit)}"
    sql = f"SELECT h.id FROM {HISTORY.name} h JOIN {SOURCE.name} s ON s.id = h.source_id{where} ORDER BY h.id DESC{newest}"
    return [int(key) for (key,) in db.fetch(sql, parameters)]


def _read_in_chunks(db: Dialect, keys: Sequence[int]) -> Iterator[HistoryEntry]:
    for start in range(0, len(keys), _READ_AT_ONCE):
        yield from _read_keys(db, keys[start : start + _READ_AT_ONCE])


def read_one(db: Dialect, entry_id: int) -> HistoryEntry | None:
    """Return the entry with this key; None if there is none."""
    return next(iter(_read_keys(db, [entry_id])), None)


def _conditions(
    db: Dialect, source: str | None, name: str | None, since: datetime | None, below: int | None
) -> tuple[str, list[Value]]:
    """Return the WHERE clause and its parameters; `below` is the key of an entry that is newer than all that are wanted."""
    conditions: list[str] = []
    parameters: list[Value] = []
    if below is not None:
        conditions.append("h.id < %s")
        parameters.append(below)
    if source is not None:
        conditions.append("s.name = %s")
        parameters.append(source)
    if since is not None:
        conditions.append("h.finished_at >= %s")
        parameters.append(times.write(since, db.zone))
    if name is not None:
        # The server may find more than the schedule's own changes, such as a value that equals its name.
        conditions.append(db.contains("h.changes"))
        parameters.append(json.dumps(mask_text(name)))
    return f" WHERE {' AND '.join(conditions)}" if conditions else "", parameters


def _read_keys(db: Dialect, keys: Sequence[int]) -> Iterator[HistoryEntry]:
    """Yield the entries with these keys, newest first."""
    started, finished = (db.datetime_text(f"h.{name}") for name in ("started_at", "finished_at"))
    for chunk in id_lists(keys):
        rows = db.fetch(
            f"SELECT s.name, {started}, {finished}, h.revision_digest, h.revision_git, h.revision_mount, h.environment,"
            f" h.outcome, h.summary, h.changes, h.message, h.actor, h.id, h.run_url, h.repeats FROM {HISTORY.name} h"
            f" JOIN {SOURCE.name} s ON s.id = h.source_id WHERE h.id IN ({chunk}) ORDER BY h.id DESC"
        )
        for (
            name, started_at, finished_at, digest, git, mount, environment, outcome, summary, changes, message, actor,
            key, run_url, repeats,
        ) in rows:  # fmt: skip
            yield HistoryEntry(
                source=name,
                started_at=times.read(started_at, db.zone),
                finished_at=times.read(finished_at, db.zone),
                revision=revision_of(digest, git, mount),
                environment=environment,
                outcome=outcome,
                summary=_counts(summary),
                changes=changes_of_text(changes),
                message=message,
                actor=actor,
                entry_id=key,
                run_url=run_url or "",
                count=1 + (repeats or 0),
            )


def _counts(text: str) -> dict[str, int]:
    """Return the numbers of a summary; none if the text is damaged."""
    try:
        counts = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {key: count for key, count in counts.items() if isinstance(count, int)} if isinstance(counts, dict) else {}


def write_applied(db: Dialect, source_id: int, plan: Plan, event: Event, started: datetime, finished: datetime) -> None:
    """Add the entry of a plan that was applied, by a sync or another command."""
    row = _row(db, source_id, plan, event)
    row["started_at"], row["finished_at"] = times.write(started, db.zone), times.write(finished, db.zone)
    db.insert(HISTORY, tuple(row), [tuple(row.values())])


def write_event(db: Dialect, source_id: int, event: Event, at: datetime) -> None:
    """Add the entry of an event that changes no row."""
    row = _row(db, source_id, None, event)
    row["started_at"] = row["finished_at"] = times.write(at, db.zone)
    db.insert(HISTORY, tuple(row), [tuple(row.values())])


def write_failure(db: Dialect, source_id: int, failure: Failure) -> None:
    """Add the entry of a sync that did nothing; if the newest entry is the same failure, count it and move its end."""
    event = Event(Actor(failure.holder, failure.run_url), failure.outcome, failure.message)
    row = _row(db, source_id, failure.plan, event)
    row["started_at"] = row["finished_at"] = times.write(failure.at, db.zone)
    compared = ("outcome", "message", "revision_digest")
    newest = db.fetch(
        f"SELECT id, {', '.join(compared)} FROM {HISTORY.name} WHERE source_id = %s ORDER BY id DESC LIMIT 1",
        [source_id],
    )
    for key, *values in newest:
        if values == [row[name] for name in compared]:
            counted = "repeats = COALESCE(repeats, 0) + 1"
            sql = f"UPDATE {HISTORY.name} SET finished_at = %s, {counted} WHERE id = %s"
            db.execute(sql, [row["finished_at"], key])
            return
    db.insert(HISTORY, tuple(row), [tuple(row.values())])
    limit(db, source_id)


def _row(db: Dialect, source_id: int, plan: Plan | None, event: Event) -> dict[str, Value]:
    """Return the columns of an entry without its times, secrets masked."""
    return {
        "source_id": source_id,
        **revision_columns(plan),
        "outcome": event.outcome,
        "summary": json.dumps(summary_json(plan) if plan else {}),
        "changes": f"[{', '.join(_changes(plan, min(MAX_CHARACTERS, db.max_text)))}]" if plan else "[]",
        "message": mask_text(event.message),
        "actor": mask_text(event.actor.name)[:200],
        "run_url": mask_text(event.actor.url) or None,
    }


def _changes(plan: Plan, max_characters: int) -> Iterator[str]:
    """Yield the JSON of the first changes of a plan."""
    characters, rows = 0, row_counts(plan)
    for change in plan.changes[:MAX_CHANGES]:
        text = json.dumps(change_json(change, rows))
        characters += len(text)
        if characters > max_characters:
            return
        yield text


def limit(db: Dialect, source_id: int) -> None:
    """Delete the entries of a source beyond MAX_ENTRIES."""
    oldest = f"SELECT id FROM {HISTORY.name} WHERE source_id = %s ORDER BY id DESC LIMIT 1 OFFSET {MAX_ENTRIES}"
    for (key,) in db.fetch(oldest, [source_id]):
        db.execute(f"DELETE FROM {HISTORY.name} WHERE source_id = %s AND id <= {int(str(key))}", [source_id])
