"""Writes of an application's sets whose notice to beat or verification is due: one row for each, deleted when both are done."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.statements import id_lists
from beatsync.store.tables import PENDING, SOURCE


class PendingWrite(NamedTuple):
    """One write of a set."""

    key: int
    source: str
    names: tuple[str, ...]
    """The rows that beat may have known before, so that a save by beat may undo the write."""
    written_at: datetime | None
    notified: bool


def add(db: Dialect, source_id: int, names: Collection[str], now: datetime) -> None:
    """Record a write. It is inserted only, so the transaction holds no lock that another one waits for."""
    row = (source_id, json.dumps(sorted(names)), times.write(now, db.zone), False)
    db.insert(PENDING, tuple(PENDING.columns), [row])


def read(db: Dialect) -> list[PendingWrite]:
    """Return every committed write that is pending, oldest first."""
    written_at = db.datetime_text("p.written_at")
    rows = db.fetch(
        f"SELECT p.id, s.name, p.names, {written_at}, p.notified FROM {PENDING.name} p"
        f" JOIN {SOURCE.name} s ON s.id = p.source_id ORDER BY p.id"
    )
    return [
        PendingWrite(key, source, tuple(json.loads(names)), times.read(text, db.zone), bool(notified))
        for key, source, names, text, notified in rows
    ]


def mark_notified(db: Dialect, writes: Iterable[PendingWrite]) -> None:
    """Record that beat was notified: writes that need no verification are deleted."""
    writes = list(writes)
    delete(db, (write.key for write in writes if not write.names))
    for chunk in id_lists(write.key for write in writes if write.names):
        db.execute(f"UPDATE {PENDING.name} SET notified = %s WHERE id IN ({chunk})", [True])


def delete(db: Dialect, keys: Iterable[int]) -> None:
    """Delete writes that are no longer pending."""
    db.delete(PENDING, keys)
