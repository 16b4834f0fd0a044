"""The row of a source: its last sync and its suspension."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from beatsync.plan.history import APPLIED
from beatsync.plan.model import Plan
from beatsync.plan.observed import Suspension
from beatsync.store import times
from beatsync.store.dialects import Dialect
from beatsync.store.errors import StoreError
from beatsync.store.statements import Value
from beatsync.store.tables import PLAN_KEY, SOURCE
from beatsync.values import Revision


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
    """The stored suspension, whether or not it is still in force."""
    checksum: str | None = None
    """The checksum of the last plan that was applied and did something."""
    kind: str | None = None
    """`APPLICATION`, or None for a directory of files."""
    timezone: str | None = None
    """The zone of the last sync where no spec names one; None if it is unknown."""


class SourceMarks(NamedTuple):
    """What operators and other processes leave in a source's row. Times are texts: they are only compared."""

    suspended_at: str | None
    suspended_until: str | None
    holder: str
    """The process that last took the lock: of a release, or of a sync that did not end; empty after a sync."""
    held_at: str | None


def read_marks(db: Dialect, source: str) -> SourceMarks:
    """Return the marks in a source's row; empty ones if it is missing."""
    since, until, held_at = (db.datetime_text(name) for name in ("suspended_at", "suspended_until", "held_at"))
    rows = db.fetch(f"SELECT {since}, {until}, holder, {held_at} FROM {SOURCE.name} WHERE name = %s", [source])
    return SourceMarks(*rows[0]) if rows else SourceMarks(None, None, "", None)


def read_all(db: Dialect) -> tuple[SourceState, ...]:
    """Return every source, by name."""
    return _read(db, " ORDER BY name")


def read_one(db: Dialect, source: str) -> SourceState | None:
    """Return a source; None if it is not in the database. Raises StoreError as `check_name` does."""
    for state in _read(db, " WHERE name = %s", source):
        check_name(source, state.name)
        return state
    return None


def check_name(source: str, stored: str) -> None:
    """Raise StoreError if the database took the name of a source for another source's (docs/facts.md, 13)."""
    if stored != source:
        raise StoreError(
            f"this database takes {source!r} and the source {stored!r} for one name; call the source {stored!r}"
        )


def _read(db: Dialect, condition: str, *parameters: str) -> tuple[SourceState, ...]:
    synced_at, since, until = (db.datetime_text(name) for name in ("synced_at", "suspended_at", "suspended_until"))
    rows = db.fetch(
        f"SELECT name, origin, revision_digest, revision_git, revision_mount, environment, {synced_at}, outcome, message,"
        f" suspended_by, suspended_for, {since}, {until}, checksum, kind, timezone FROM {SOURCE.name}{condition}",
        parameters,
    )
    return tuple(
        SourceState(
            name=name,
            origin=origin,
            revision=revision_of(digest, git, mount),
            environment=environment,
            synced_at=times.read(synced_at, db.zone),
            outcome=outcome,
            message=message,
            suspension=Suspension(by, reason, times.read(since, db.zone), times.read(until, db.zone))
            if since
            else None,
            checksum=checksum,
            kind=kind,
            timezone=zone,
        )
        for (
            name, origin, digest, git, mount, environment, synced_at, outcome, message, by, reason, since, until, checksum,
            kind, zone,
        ) in rows
    )  # fmt: skip


def read_plan_key(db: Dialect) -> str | None:
    """Return the key of the checksums of plans; None if the table was emptied."""
    rows = db.fetch(f"SELECT value FROM {PLAN_KEY.name} ORDER BY id LIMIT 1")
    return str(rows[0][0]) if rows else None


def revision_of(digest: str, git: str | None, mount: str | None) -> Revision | None:
    """Return a revision from its three columns; None before the first sync."""
    return Revision(digest, git, mount) if digest else None


def revision_columns(plan: Plan | None) -> dict[str, Value]:
    """Return the columns that say which revision and environment a plan is for."""
    revision, environment = (Revision(""), None) if plan is None else (plan.revision, plan.environment)
    return {
        "revision_digest": revision.digest,
        "revision_git": revision.git,
        "revision_mount": revision.mount,
        "environment": environment,
    }


def write(db: Dialect, source_id: int, values: Mapping[str, Value]) -> None:
    """Write the columns in `values` of a source's row."""
    assignments = ", ".join(f"{name} = %s" for name in values)
    db.execute(f"UPDATE {SOURCE.name} SET {assignments} WHERE id = %s", [*values.values(), source_id])


def write_synced(db: Dialect, source_id: int, plan: Plan, now: datetime, checksum: str | None) -> None:
    """Write that the source was synced as `plan` says. `checksum` is that of the reviewed plan, if this is not `plan`."""
    values = {
        **revision_columns(plan),
        "synced_at": times.write(now, db.zone),
        "outcome": APPLIED,
        "message": "",
        "holder": "",
    }
    if plan.origin is not None:  # an unknown origin, as without git, does not replace a known one
        values["origin"] = plan.origin
    if plan.timezone is not None:
        values["timezone"] = plan.timezone
    if plan.does_something:
        values["checksum"] = checksum or plan.checksum
    write(db, source_id, values)


def write_suspension(db: Dialect, source_id: int, suspension: Suspension | None) -> None:
    """Suspend a source, or resume it if `suspension` is None."""
    by, reason = ("", "") if suspension is None else (suspension.by[:200], suspension.reason)
    since, until = (None, None) if suspension is None else (suspension.since, suspension.until)
    suspended_at, suspended_until = times.write(since, db.zone), times.write(until, db.zone)
    values = {
        "suspended_at": suspended_at,
        "suspended_until": suspended_until,
        "suspended_by": by,
        "suspended_for": reason,
    }
    write(db, source_id, values)
