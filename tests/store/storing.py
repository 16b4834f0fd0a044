"""What the store's tests share: plans by hand, and applying one the way a sync does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import connections
from django.test.utils import CaptureQueriesContext

from beatsync.plan.model import Action, Cause, Change, FieldChange, Plan, Record
from beatsync.plan.observed import Observed, Row
from beatsync.store import Store
from beatsync.values import Policy, Revision, TaskSpec

NOW = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)
LATER = NOW + timedelta(minutes=5)
REVISION = Revision("a" * 64, "c0ffee", "..2026_06_01_12_00_00.1234567890")
SOURCE = "shop"


def plan(*changes: Change, records: Iterable[Record] = (), source: str = SOURCE, **fields: Any) -> Plan:
    return Plan(source=source, revision=REVISION, changes=changes, records=tuple(records), **fields)


def record(spec: TaskSpec, row_id: int | None = None, **fields: Any) -> Record:
    policy = Policy(protect=False)
    return Record(
        **{
            "name": spec.name,
            "row_id": row_id,
            "applied": json.dumps(spec.fields()),
            "policy": policy,
            "path": "a.yaml",
            **fields,
        }
    )


def create(spec: TaskSpec, **fields: Any) -> Change:
    return Change(Action.CREATE, spec.name, Cause.SPEC, target=spec, **fields)


def update(row: Row, target: TaskSpec, *, action: Action = Action.UPDATE, **fields: Any) -> Change:
    before, after = row.spec.fields(), target.fields()
    changed = tuple(
        FieldChange(name, before.get(name), after.get(name), Cause.SPEC)
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )
    return Change(action, target.name, Cause.SPEC, changed, target=target, **_place(row), **fields)


def delete(row: Row) -> Change:
    return Change(Action.DELETE, row.spec.name, Cause.SPEC, **_place(row))


def disable(row: Row) -> Change:
    switched = FieldChange("enabled", before=True, after=False, cause=Cause.SPEC)
    return Change(Action.DISABLE, row.spec.name, Cause.SPEC, (switched,), **_place(row))


def _place(row: Row) -> dict[str, Any]:
    kind = row.spec.schedule.kind if row.spec.schedule else None
    return {"row_id": row.row_id, "schedule_id": row.schedule_id, "schedule_kind": kind}


def apply(store: Store, made: Plan | Callable[[Observed], Plan], now: datetime = NOW) -> Observed:
    """Apply a plan under the lock, and return what is observed afterwards."""
    source = made.source if isinstance(made, Plan) else SOURCE
    with store.locked(source, 0, "tests"):
        observed = store.observe(source)
        store.apply(made if isinstance(made, Plan) else made(observed), observed, now)
    return store.observe(source)


def create_all(store: Store, *specs: TaskSpec, now: datetime = NOW, source: str = SOURCE) -> Observed:
    return apply(store, plan(*map(create, specs), records=map(record, specs), source=source), now)


def queries(store: Store) -> CaptureQueriesContext:
    """Return a context that collects the statements on the store's connection."""
    connection = connections[store.alias]
    connection.ensure_connection()
    return CaptureQueriesContext(connection)


def scalar(store: Store, sql: str) -> Any:
    with connections[store.alias].cursor() as cursor:
        cursor.execute(sql)
        found = cursor.fetchone()
    return found and found[0]
