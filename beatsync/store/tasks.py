"""A plan's changes → `PeriodicTask` rows, in bulk; only what a change names is written, and beat is told by `notice`."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from beatsync.plan.match import folded
from beatsync.plan.model import Action, Change, Plan
from beatsync.plan.observed import NameRule, Observed
from beatsync.store import schedules, times
from beatsync.store.bulk import MAX_IDS, BulkRow, Value, delete, execute, fetch, insert, name_lists, update
from beatsync.store.references import references, refuse_if_used
from beatsync.store.tables import NOTICE, PERIODIC_TASK
from beatsync.values import PLAIN_FIELDS, SCHEDULE_FIELDS, Schedule, TaskSpec

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from beatsync.store.staging import Staged

PLAIN_COLUMNS = ("name", *PLAIN_FIELDS)
SCHEDULE_COLUMNS = ("interval_id", "crontab_id", "solar_id", "clocked_id")
_NEW_COLUMNS = (*PLAIN_COLUMNS, *SCHEDULE_COLUMNS, "last_run_at", "total_run_count", "date_changed")
_NO_KEYS = (None,) * len(SCHEDULE_COLUMNS)
_RESTARTS = frozenset({*SCHEDULE_FIELDS, "start_time", "enabled"})
"""Fields whose change moves `date_changed`, from which beat counts a row that never ran; any other must not (FACTS 4)."""
_WRITERS = (Action.UPDATE, Action.ADOPT, Action.DISABLE)


def write(
    connection: BaseDatabaseWrapper, plan: Plan, observed: Observed, now: datetime, staged: Staged | None = None
) -> bool:
    """Carry out the changes of `plan` on the task and schedule rows; return whether a task row was written.

    New rows are taken from where they are `staged`.
    """
    creates = [] if staged is not None else [change for change in plan.changes if change.action is Action.CREATE]
    updates = [change for change in plan.changes if change.action in _WRITERS and _written_fields(change)]
    deletes = [change for change in plan.changes if change.action is Action.DELETE and change.row_id is not None]
    if not (staged or creates or updates or deletes):
        return False
    zone = times.zone_of(connection)
    moved = [change for change in updates if _moves_schedule(change)]
    known = references(connection) if moved or deletes else {}
    if deletes:
        doomed = {change.row_id: change.name for change in deletes if change.row_id is not None}
        refuse_if_used(connection, doomed, known.get(PERIODIC_TASK.name, ()))
        delete(connection, PERIODIC_TASK, doomed)
    new = _schedules_of(creates) if staged is None else staged.new_schedules
    ids = schedules.ensure(connection, [*new, *_schedules_of(moved)])
    _make_room(connection, updates, observed)
    _update(connection, updates, ids, now, zone)
    if staged is not None:
        staged.write_tasks(ids, times.write(now, zone))
    else:
        insert(connection, PERIODIC_TASK, _NEW_COLUMNS, (_new_row(change, ids, now, zone) for change in creates))
    schedules.sweep(connection, _left([*moved, *deletes]), known)
    return True


def row_ids(connection: BaseDatabaseWrapper, names: Sequence[str]) -> dict[str, int]:
    """Return the ids of the task rows of these names, and of others where there are many."""
    sql = f"SELECT id, name FROM {PERIODIC_TASK.name}"
    if len(names) > MAX_IDS:
        return {name: row_id for row_id, name in fetch(connection, sql)}
    lists = name_lists("name", names)
    return {
        name: row_id for where, values in lists for row_id, name in fetch(connection, f"{sql} WHERE {where}", values)
    }


def settle(connection: BaseDatabaseWrapper) -> None:
    """Have what PostgreSQL keeps for the commit, a look at each new row's schedule, done before everybody waits for us.

    Django makes its foreign keys deferrable; of 100,000 rows the look takes as long as half of their COPY.
    """
    if connection.vendor == "postgresql":
        execute(connection, "SET CONSTRAINTS ALL IMMEDIATE")


def notice(connection: BaseDatabaseWrapper, now: datetime) -> None:
    """Tell beat that something changed, by a stamp that always grows (FACTS 3); the last statement of a sync.

    From here to the commit every save of a task in the admin waits, since each moves that one stamp.
    """
    zone = times.zone_of(connection)
    stamp = times.select(connection, "last_update")
    # FOR UPDATE: an admin who saves at this moment moves the stamp too, and ours must be the greater.
    lock = "" if connection.vendor == "sqlite" else " FOR UPDATE"
    found = fetch(connection, f"SELECT {stamp} FROM {NOTICE.name} WHERE ident = 1{lock}")
    if not found:
        insert(connection, NOTICE, ("ident", "last_update"), [(1, times.write(now, zone))])
        return
    previous = times.read(str(found[0][0]), zone)
    later = now if previous is None else max(now, previous + timedelta(microseconds=1))
    execute(connection, f"UPDATE {NOTICE.name} SET last_update = %s WHERE ident = 1", [times.write(later, zone)])


def _written_fields(change: Change) -> frozenset[str]:
    """Return the fields of a row that `change` writes."""
    fields = {"enabled"} if change.action is Action.DISABLE else {field.field for field in change.fields}
    if change.last_run_at is not None:
        fields.add("last_run_at")
    return frozenset(fields)


def _moves_schedule(change: Change) -> bool:
    return not _written_fields(change).isdisjoint(SCHEDULE_FIELDS)


def _schedules_of(changes: Iterable[Change]) -> list[Schedule]:
    return [c.target.schedule for c in changes if c.target is not None and c.target.schedule is not None]


def _left(changes: Iterable[Change]) -> dict[str, list[int]]:
    """Return the schedule rows that `changes` may have left without a user, by kind."""
    left: dict[str, list[int]] = {}
    for change in changes:
        if change.schedule_kind is not None and change.schedule_id is not None:
            left.setdefault(change.schedule_kind, []).append(change.schedule_id)
    return left


def plain_values(spec: TaskSpec, zone: tzinfo) -> tuple[Value, ...]:
    """Return the columns that are not the schedule's, as the model's own `save()` would leave them."""
    (
        name, task, _, args, kwargs, headers, queue, exchange, routing_key, priority, expires, expire_seconds, one_off,
        start_time, enabled, description,
    ) = spec  # fmt: skip
    return (
        name, task, args, kwargs, headers or "{}", queue or None, exchange or None, routing_key or None, priority,
        times.write(expires, zone), expire_seconds, one_off, times.write(start_time, zone),
        enabled, description,
    )  # fmt: skip


def _keys(spec: TaskSpec, ids: Mapping[Schedule, schedules.Keys]) -> schedules.Keys:
    return _NO_KEYS if spec.schedule is None else ids[spec.schedule]


def _new_row(change: Change, ids: Mapping[Schedule, schedules.Keys], now: datetime, zone: tzinfo) -> tuple[Value, ...]:
    spec = target(change)
    begun = (times.write(change.last_run_at, zone), 0, times.write(now, zone))
    return (*plain_values(spec, zone), *_keys(spec, ids), *begun)


def _update(
    connection: BaseDatabaseWrapper,
    changes: Sequence[Change],
    ids: Mapping[Schedule, schedules.Keys],
    now: datetime,
    zone: tzinfo,
) -> None:
    """Write the changed columns and no other, one statement for all rows that change in the same columns."""
    groups: dict[tuple[str, ...], list[BulkRow]] = {}
    for change in changes:
        columns = _columns(_written_fields(change))
        values: dict[str, Value] = {
            **_changed_columns(change, ids, zone),
            "id": change.row_id,
            "last_run_at": times.write(change.last_run_at, zone),
            "date_changed": times.write(now, zone),
        }
        groups.setdefault(columns, []).append({name: values.get(name) for name in ("id", *columns)})
    for columns, rows in sorted(groups.items()):
        update(connection, PERIODIC_TASK, columns, rows)


def _changed_columns(change: Change, ids: Mapping[Schedule, schedules.Keys], zone: tzinfo) -> BulkRow:
    if change.action is Action.DISABLE:
        return {"enabled": False}
    spec = target(change)
    plain = zip(PLAIN_COLUMNS, plain_values(spec, zone), strict=True)
    keys = zip(SCHEDULE_COLUMNS, _keys(spec, ids), strict=True) if _moves_schedule(change) else ()
    return {**dict(plain), **dict(keys)}


def _columns(fields: frozenset[str]) -> tuple[str, ...]:
    """Return the columns that stand for `fields`, in the table's order."""
    columns = fields.intersection({"name", "last_run_at", *PLAIN_FIELDS})
    if not fields.isdisjoint(SCHEDULE_FIELDS):
        columns = columns.union(SCHEDULE_COLUMNS)
    if not fields.isdisjoint(_RESTARTS):
        columns = columns.union({"date_changed"})
    return tuple(name for name in PERIODIC_TASK.columns if name in columns)


def _make_room(connection: BaseDatabaseWrapper, changes: Sequence[Change], observed: Observed) -> None:
    """Move rows out of the way whose names, as the database tells them apart, other rows are about to take: at every instant it does."""
    rule = observed.name_rule

    def same(name: str) -> str:
        return name if rule is NameRule.EXACT else folded(name, rule)

    names = {row.row_id: name for name, row in observed.rows.items()}
    renamed = {c.row_id: target(c).name for c in changes if "name" in _written_fields(c) and c.row_id is not None}
    wanted = {same(name): row_id for row_id, name in renamed.items()}
    blocking = [row_id for row_id in renamed if row_id in names and wanted.get(same(names[row_id]), row_id) != row_id]
    passing: list[BulkRow] = [{"id": row_id, "name": f"beatsync-{uuid.uuid4().hex}"} for row_id in blocking]
    if passing:
        update(connection, PERIODIC_TASK, ("name",), passing)


def target(change: Change) -> TaskSpec:
    """Return what the row shall be. Raises ValueError where the plan does not say it."""
    if change.target is None:
        raise ValueError(f"the plan does not say what the row {change.name!r} shall be")
    return change.target
