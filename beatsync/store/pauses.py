"""The pauses of schedules, one record for each row."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any

from beatsync.plan.model import PauseRecord
from beatsync.plan.observed import Pause
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.statements import Value, name_lists
from beatsync.store.tables import INVENTORY, PAUSE, PERIODIC_TASK, SOURCE


def read(db: Dialect, source: str) -> dict[str, Pause]:
    """Return the pauses of a source by the name of the row's inventory entry."""
    return {name: pause for _, name, pause in _read(db, " WHERE s.name = %s", source)}


def read_all(db: Dialect) -> dict[tuple[str, str], Pause]:
    """Return all pauses by source and the name of the row's inventory entry."""
    return {(source, name): pause for source, name, pause in _read(db, "")}


def _read(db: Dialect, where: str, *parameters: str) -> Iterator[tuple[str, str, Pause]]:
    rows = db.fetch(
        f"SELECT s.name, p.name, {', '.join(pause_columns(db))} FROM {PAUSE.name} p"
        f" JOIN {SOURCE.name} s ON s.id = p.source_id{where}",
        parameters,
    )
    for source, name, *record in rows:
        pause = pause_of(record, db.zone)
        if pause is not None:
            yield source, name, pause


def pause_columns(db: Dialect) -> list[str]:
    """Return the SQL of the columns from which `pause_of` makes a pause, for a query of pauses `p`."""
    since, until = db.datetime_text("p.paused_at"), db.datetime_text("p.paused_until")
    return ["p.paused_by", "p.reason", since, until, "p.was_enabled"]


def pause_of(record: Sequence[Any], zone: tzinfo) -> Pause | None:
    """Return the pause whose `pause_columns` are `record`; None if they are NULL."""
    by, reason, since_text, until_text, was_enabled = record
    since = times.read(since_text, zone)
    return None if since is None else Pause(by, reason, since, times.read(until_text, zone), bool(was_enabled))


def due(db: Dialect, now: datetime) -> dict[str, set[str]]:
    """Return the names of the pauses that end now, by source: their time is over, or their row was enabled, or is no longer owned.

    A suspended source is left alone.
    """
    until, suspended, resumed = (
        db.datetime_text(sql) for sql in ("p.paused_until", "s.suspended_at", "s.suspended_until")
    )
    rows = db.fetch(
        f"SELECT s.name, p.name, {until}, {suspended}, {resumed}, e.id, t.enabled FROM {PAUSE.name} p"
        f" JOIN {SOURCE.name} s ON s.id = p.source_id"
        f" LEFT JOIN {INVENTORY.name} e ON e.name = p.name AND e.source_id = p.source_id"
        f" LEFT JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id"
    )
    names: dict[str, set[str]] = {}
    for source, name, until_text, suspended_text, resumed_text, entry_id, enabled in rows:
        end, resume = times.read(until_text, db.zone), times.read(resumed_text, db.zone)
        is_suspended = suspended_text is not None and (resume is None or now < resume)
        if not is_suspended and (entry_id is None or enabled or (end is not None and end <= now)):
            names.setdefault(source, set()).add(name)
    return names


def write(db: Dialect, source_id: int, records: Iterable[PauseRecord]) -> None:
    """Store pauses, and delete those whose record has none."""
    records = list(records)
    for where, values in name_lists("name", {record.name for record in records}):
        db.execute(f"DELETE FROM {PAUSE.name} WHERE source_id = %s AND {where}", [source_id, *values])
    rows = [_columns(db, source_id, record.name, record.pause) for record in records if record.pause is not None]
    if rows:
        db.insert(PAUSE, tuple(PAUSE.columns), rows)


def _columns(db: Dialect, source_id: int, name: str, pause: Pause) -> tuple[Value, ...]:
    """Return the columns of a pause, in the table's order."""
    since, until = times.write(pause.since, db.zone), times.write(pause.until, db.zone)
    return (source_id, name, pause.by[:200], pause.reason, since, until, pause.was_enabled)
