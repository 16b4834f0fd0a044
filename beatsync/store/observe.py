"""Rows → `Observed`: a constant number of plain queries, whatever the number of rows, and no row that it fails on."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from beatsync.plan.model import Claim, NameRule, Observed, Owned, Row, Tombstone
from beatsync.spec import crontab, interval, jsontext, solar
from beatsync.store import times
from beatsync.store.bulk import fetch
from beatsync.store.lock import same_name
from beatsync.store.records import APPLIED
from beatsync.store.suspension import suspension_of, suspension_sql
from beatsync.store.tables import CLOCKED, CRONTAB, INTERVAL, INVENTORY, PERIODIC_TASK, SOLAR, SOURCE, TOMBSTONE
from beatsync.values import Clocked, OnRemove, Policy, Revision, Schedule, TaskSpec

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_TASK_FIELDS = (
    "id", "name", "task", "args", "kwargs", "headers", "queue", "exchange", "routing_key", "priority",
    "expires", "expire_seconds", "one_off", "start_time", "enabled", "description",
    "last_run_at", "total_run_count", "date_changed", "interval_id", "crontab_id", "solar_id", "clocked_id",
)  # fmt: skip
_KINDS = ("interval", "crontab", "solar", "clocked")
_SCHEDULE_START = len(_TASK_FIELDS)
_COLUMNS_OF: Mapping[str, slice] = {
    "interval": slice(_SCHEDULE_START, _SCHEDULE_START + 2),
    "crontab": slice(_SCHEDULE_START + 2, _SCHEDULE_START + 8),
    "solar": slice(_SCHEDULE_START + 8, _SCHEDULE_START + 11),
    "clocked": slice(_SCHEDULE_START + 11, _SCHEDULE_START + 12),
}


def observe(
    connection: BaseDatabaseWrapper, source: str, name_rule: NameRule, beat_schedule: frozenset[str]
) -> Observed:
    """Read all that a plan of `source` needs to know, in four queries."""
    recorded = fetch(
        connection,
        "SELECT name, origin, revision_digest, revision_git, revision_mount, environment, outcome, "
        f"{suspension_sql(connection)} FROM {SOURCE.name} WHERE name = %s",
        [source],
    )
    inventory, owners = _ownership(connection, source)
    origin = revision = suspension = environment = outcome = None
    if recorded:
        known_as, origin, digest, git, mount, environment, outcome, *suspended = recorded[0]
        same_name(source, known_as)
        suspension = suspension_of(suspended, times.zone_of(connection))
        revision = Revision(str(digest), _text_or_none(git), _text_or_none(mount)) if digest else None
    return Observed(
        rows=read_rows(connection),
        inventory=inventory,
        owners=owners,
        tombstones=_tombstones(connection, source),
        beat_schedule=beat_schedule,
        origin=_text_or_none(origin),
        revision=revision,
        environment=_text_or_none(environment),
        is_settled=outcome in {None, "", APPLIED},
        name_rule=name_rule,
        suspension=suspension,
    )


def read_rows(connection: BaseDatabaseWrapper) -> dict[str, Row]:
    """Return every `PeriodicTask` row by name, from one joined query."""
    zone = times.zone_of(connection)
    schedules: dict[tuple[str, int], Schedule | None] = {}
    rows: dict[str, Row] = {}
    with connection.cursor() as cursor:
        cursor.execute(_rows_sql(connection))
        for record in cursor.fetchall():
            row = _row(record, zone, schedules)
            rows[row.spec.name] = row
    return rows


def _rows_sql(connection: BaseDatabaseWrapper) -> str:
    quote = connection.ops.quote_name

    def column(alias: str, name: str, *, moment: bool = False) -> str:
        plain = f"{alias}.{quote(name)}"
        return times.select(connection, plain) if moment else plain

    moments = {"expires", "start_time", "last_run_at", "date_changed"}
    wanted = [column("t", name, moment=name in moments) for name in _TASK_FIELDS]
    wanted += [column("i", name) for name in INTERVAL.columns]
    wanted += [column("c", name) for name in CRONTAB.columns]
    wanted += [column("s", name) for name in SOLAR.columns]
    wanted.append(column("k", "clocked_time", moment=True))
    return (
        f"SELECT {', '.join(wanted)} FROM {PERIODIC_TASK.name} t"
        f" LEFT JOIN {INTERVAL.name} i ON i.id = t.interval_id"
        f" LEFT JOIN {CRONTAB.name} c ON c.id = t.crontab_id"
        f" LEFT JOIN {SOLAR.name} s ON s.id = t.solar_id"
        f" LEFT JOIN {CLOCKED.name} k ON k.id = t.clocked_id"
        " ORDER BY t.id"
    )


def _row(record: tuple[Any, ...], zone: tzinfo, schedules: dict[tuple[str, int], Schedule | None]) -> Row:
    (
        row_id, name, task, args, kwargs, headers, queue, exchange, routing_key, priority,
        expires, expire_seconds, one_off, start_time, enabled, description,
        last_run_at, total_run_count, date_changed, *keys,
    ) = record[:_SCHEDULE_START]  # fmt: skip
    used = [(kind, key) for kind, key in zip(_KINDS, keys, strict=True) if key is not None]
    schedule, schedule_id = None, None
    # Of several schedules beat takes the first, but no save by the admin or an application would pass: such a row is mended.
    if len(used) == 1:
        place = used[0]
        if place not in schedules:
            schedules[place] = schedule_value(place[0], record[_COLUMNS_OF[place[0]]], zone)
        schedule, schedule_id = schedules[place], place[1]
    spec = TaskSpec(
        name=name,
        task=task,
        schedule=schedule,
        args=_json(args, "[]"),
        kwargs=_json(kwargs, "{}"),
        headers=_json(headers, "{}"),
        queue=queue or None,
        exchange=exchange or None,
        routing_key=routing_key or None,
        priority=priority,
        expires=times.read(expires, zone),
        expire_seconds=expire_seconds,
        one_off=bool(one_off),
        start_time=times.read(start_time, zone),
        enabled=bool(enabled),
        description=description or "",
    )
    return Row(
        row_id=row_id,
        spec=spec,
        schedule_id=schedule_id,
        last_run_at=times.read(last_run_at, zone),
        total_run_count=total_run_count,
        date_changed=times.read(date_changed, zone),
    )


def schedule_value(kind: str, columns: Iterable[Any], zone: tzinfo) -> Schedule | None:
    """Return the normalised value of one schedule row; None where the row is gone or says nothing that can be read."""
    values = tuple(columns)
    if any(value is None for value in values):
        return None
    if kind == "interval":
        return interval.observed(*values)
    if kind == "crontab":
        return crontab.observed(*values)
    if kind == "solar":
        event, latitude, longitude = values
        try:
            return solar.observed(event, Decimal(str(latitude)), Decimal(str(longitude)))
        except InvalidOperation:
            return None
    moment = times.read(values[0], zone)
    return None if moment is None else Clocked(moment)


def _json(text: str | None, empty: str) -> str:
    return jsontext.normalise(text, empty) if text and text != empty else empty


def _ownership(connection: BaseDatabaseWrapper, source: str) -> tuple[dict[str, Owned], dict[str, Claim]]:
    quote = connection.ops.quote_name
    columns = ", ".join(f"e.{quote(name)}" for name in INVENTORY.columns if name != "source_id")
    inventory: dict[str, Owned] = {}
    owners: dict[str, Claim] = {}
    for record in fetch(
        connection,
        f"SELECT s.name, {columns} FROM {INVENTORY.name} e JOIN {SOURCE.name} s ON s.id = e.source_id ORDER BY e.id",
    ):
        owner, entry = str(record[0]), record[1:]
        if owner == source:
            owned = _owned(entry)
            inventory[owned.name] = owned
        else:
            owners[str(entry[0])] = Claim(owner, int(str(entry[1])), str(entry[7]))
    return inventory, owners


def _owned(entry: tuple[Any, ...]) -> Owned:
    name, row_id, applied, on_remove, ignore, sensitive, protect, path, retired, frozen = entry
    policy = Policy(
        on_remove=OnRemove(on_remove),
        ignore=tuple(json.loads(ignore)),
        protect=bool(protect),
        sensitive=tuple(json.loads(sensitive)),
    )
    return Owned(name, row_id, applied, policy, path, retired=bool(retired), frozen=bool(frozen))


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


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
