"""A plan's changes → `PeriodicTask` rows, in bulk. Only what a change names is written, and `notify` tells beat."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from beatsync.plan.collation import collation_key
from beatsync.plan.model import Action, Change, Plan
from beatsync.plan.observed import Observed
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.store import references, schedules, times
from beatsync.store.dialects import Dialect
from beatsync.store.errors import StoreError
from beatsync.store.rows import field_values
from beatsync.store.statements import MAX_IDS, BulkRow, Value, name_lists
from beatsync.store.tables import NOTICE, PERIODIC_TASK, SCHEDULE_COLUMNS
from beatsync.values import SCHEDULE_FIELDS, Schedule, TaskSpec

_RESTARTING = frozenset({*SCHEDULE_FIELDS, *(field.name for field in FIELD_TABLE if field.restarts)})
"""Fields whose change moves `date_changed`, from which beat counts a row that never ran; no other may (docs/facts.md, 4)."""
_UPDATING = (Action.UPDATE, Action.ADOPT, Action.DISABLE)


def write(
    db: Dialect, plan: Plan, observed: Observed, now: datetime, *, sweeps: bool = True, keeps: bool = False
) -> bool:
    """Carry out the changes of `plan` on the task and schedule rows; return whether a task row was written.

    Without `sweeps`, the schedule rows that the plan releases are left to `sweep_released` after the commit: their deletion waits
    for transactions that use them, and blocks others. With `keeps`, the schedule rows that the plan uses cannot be deleted before the commit.
    """
    changes = [change for change in plan.changes if writes_row(change)]
    if not changes:
        return False
    creates, updates = _with_action(changes, Action.CREATE), _with_action(changes, *_UPDATING)
    deletes = _with_action(changes, Action.DELETE)
    rescheduled = [change for change in updates if changes_schedule(change)]
    referring = references.read(db) if rescheduled or deletes else {}
    _delete(db, deletes, referring.get(PERIODIC_TASK.name, ()))
    keys = schedules.ensure(db, _schedules_of([*creates, *rescheduled]))
    if keeps:
        schedules.keep(db, keys.values())
    _move_names_aside(db, updates, observed)
    _update(db, updates, keys, now)
    _insert(db, creates, keys, now)
    if sweeps:
        schedules.sweep(db, _released([*rescheduled, *deletes]), referring)
    return True


def sweep_released(db: Dialect, plan: Plan) -> None:
    """Delete the schedule rows that `plan`, which was committed, has left unused."""
    changes = [change for change in plan.changes if change.action is Action.DELETE or changes_schedule(change)]
    if released := _released(changes):
        schedules.sweep(db, released, references.read(db))


def writes_row(change: Change) -> bool:
    """Return whether a change writes a task row: not if it is gone, and not if only the inventory changes."""
    if change.action in _UPDATING:
        return bool(written_fields(change))
    return change.action is Action.CREATE or (change.action is Action.DELETE and change.row_id is not None)


def _with_action(changes: Iterable[Change], *actions: Action) -> list[Change]:
    return [change for change in changes if change.action in actions]


def _delete(db: Dialect, changes: Iterable[Change], referring: Sequence[references.Reference]) -> None:
    names = {change.row_id: change.name for change in changes if change.row_id is not None}
    if blockers := list(references.blockers(db, names, referring)):
        raise StoreError(f"{'; '.join(blocked.message for blocked in blockers)}. {blockers[0].hint}")
    db.delete(PERIODIC_TASK, names)


def row_ids(db: Dialect, names: Sequence[str]) -> dict[str, int]:
    """Return the keys of the new rows of these names, and of other rows if the names are many. Raises StoreError if a name was not kept."""
    sql = f"SELECT name, id FROM {PERIODIC_TASK.name}"
    conditions = [("1 = 1", [])] if len(names) > MAX_IDS else name_lists("name", names)
    ids: dict[str, int] = {}
    for where, values in conditions:
        ids.update(db.fetch(f"{sql} WHERE {where}", values))
    for name in names:
        if name not in ids:
            raise StoreError(f"the database does not keep the name {name!r} as it is written: check its character set")
    return ids


def notify(db: Dialect, now: datetime) -> None:
    """Tell beat that rows changed, by a stamp that always grows (docs/facts.md, 3); the last statement of a sync.

    From here to the commit every save of a task in the admin waits, because each moves this stamp.
    """
    stamp = db.datetime_text("last_update")
    # Locked, because an admin who saves now moves the stamp too, and ours must be the greater.
    rows = db.fetch(f"SELECT {stamp} FROM {NOTICE.name} WHERE ident = 1{db.row_lock}")
    if not rows:
        db.insert(NOTICE, ("ident", "last_update"), [(1, times.write(now, db.zone))])
        return
    ((text,),) = rows
    previous = times.read(text, db.zone)
    later = now if previous is None else max(now, previous + timedelta(microseconds=1))
    db.execute(f"UPDATE {NOTICE.name} SET last_update = %s WHERE ident = 1", [times.write(later, db.zone)])


def written_fields(change: Change) -> frozenset[str]:
    """Return the fields of a row that `change` writes."""
    fields = {"enabled"} if change.action is Action.DISABLE else {field.field for field in change.fields}
    if change.last_run_at is not None:
        fields.add("last_run_at")
    return frozenset(fields)


def changes_schedule(change: Change) -> bool:
    """Return whether `change` gives an existing row another schedule."""
    return not written_fields(change).isdisjoint(SCHEDULE_FIELDS)


def _schedules_of(changes: Iterable[Change]) -> list[Schedule]:
    return [c.target.schedule for c in changes if c.target is not None and c.target.schedule is not None]


def _released(changes: Iterable[Change]) -> dict[str, list[int]]:
    """Return the keys of the schedule rows that `changes` may have left unused, by kind."""
    released: dict[str, list[int]] = {}
    for change in changes:
        if change.schedule_kind is not None and change.schedule_id is not None:
            released.setdefault(change.schedule_kind, []).append(change.schedule_id)
    return released


def _keys_of(spec: TaskSpec, keys: Mapping[Schedule, schedules.Keys]) -> schedules.Keys:
    return schedules.NO_KEYS if spec.schedule is None else keys[spec.schedule]


def _insert(db: Dialect, changes: Sequence[Change], keys: Mapping[Schedule, schedules.Keys], now: datetime) -> None:
    date_changed, zone = times.write(now, db.zone), db.zone

    def row(change: Change) -> tuple[Value, ...]:
        spec = target(change)
        last_run_at = times.write(change.last_run_at, zone)
        return (*field_values(spec, zone), *_keys_of(spec, keys), last_run_at, 0, date_changed)

    if changes:
        db.insert(PERIODIC_TASK, tuple(PERIODIC_TASK.columns), map(row, changes))


def _update(db: Dialect, changes: Sequence[Change], keys: Mapping[Schedule, schedules.Keys], now: datetime) -> None:
    """Write the changed columns and no others, by one statement for all rows with changes in the same columns."""
    groups: dict[tuple[str, ...], list[BulkRow]] = {}
    for change in changes:
        columns = _written_columns(written_fields(change))
        values: dict[str, Value] = {
            **_changed_columns(change, keys, db.zone),
            "last_run_at": times.write(change.last_run_at, db.zone),
            "date_changed": times.write(now, db.zone),
        }
        groups.setdefault(columns, []).append({"id": change.row_id, **{name: values[name] for name in columns}})
    for columns, rows in sorted(groups.items()):
        db.update(PERIODIC_TASK, columns, rows)


def _changed_columns(change: Change, keys: Mapping[Schedule, schedules.Keys], zone: tzinfo) -> dict[str, Value]:
    if change.action is Action.DISABLE:
        return {"enabled": False}
    spec = target(change)
    values = (*field_values(spec, zone), *(_keys_of(spec, keys) if changes_schedule(change) else ()))
    return dict(zip(PERIODIC_TASK.columns, values, strict=False))


def _written_columns(fields: frozenset[str]) -> tuple[str, ...]:
    """Return the columns that hold `fields`, in the table's order."""
    columns = set(fields)
    if not fields.isdisjoint(SCHEDULE_FIELDS):
        columns.update(SCHEDULE_COLUMNS.values())
    if not fields.isdisjoint(_RESTARTING):
        columns.add("date_changed")
    return tuple(name for name in PERIODIC_TASK.columns if name in columns)


def _move_names_aside(db: Dialect, changes: Sequence[Change], observed: Observed) -> None:
    """Give temporary names to rows whose names, as the database compares them, other rows are about to take.

    Names are unique after each statement, not only at the commit.
    """

    def key(name: str) -> str:
        return collation_key(name, observed.name_rule)

    names = {row.row_id: name for name, row in observed.rows.items()}
    renamed = {c.row_id: target(c).name for c in changes if "name" in written_fields(c) and c.row_id is not None}
    takers = {key(name): row_id for row_id, name in renamed.items()}
    blocking = [row_id for row_id in renamed if row_id in names and takers.get(key(names[row_id]), row_id) != row_id]
    temporary: list[BulkRow] = [{"id": row_id, "name": f"beatsync-{uuid.uuid4().hex}"} for row_id in blocking]
    if temporary:
        db.update(PERIODIC_TASK, ("name",), temporary)


def target(change: Change) -> TaskSpec:
    """Return the values that the row shall have. Raises ValueError if the plan has none."""
    if change.target is None:
        raise ValueError(f"the plan has no values for the row {change.name!r}")
    return change.target
