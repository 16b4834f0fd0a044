"""Plans by hand for the store's tests, and applying one as a sync does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import connections
from django.test.utils import CaptureQueriesContext

from beatsync.fingerprint import FileChanges, FileRecord
from beatsync.plan.model import Action, Cause, Change, FieldChange, Plan, Record
from beatsync.plan.observed import Observed, Row
from beatsync.store import Store
from beatsync.store.dialects import Dialect, dialect_of
from beatsync.values import FileFacts, Policy, Revision, ScheduleFacts, TaskSpec

NOW = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)
LATER = NOW + timedelta(minutes=5)
REVISION = Revision("a" * 64, "c0ffee", "..2026_06_01_12_00_00.1234567890")
SOURCE = "shop"
NO_CHANGES = FileChanges()


def plan(*changes: Change, records: Iterable[Record] = (), source: str = SOURCE, **fields: Any) -> Plan:
    return Plan(source=source, revision=REVISION, changes=changes, records=tuple(records), **fields)


def record(spec: TaskSpec, row_id: int | None = None, **fields: Any) -> Record:
    values = {"name": spec.name, "row_id": row_id, "applied": json.dumps(spec.fields()), "path": "a.yaml"}
    return Record(**{**values, "policy": Policy(protect=False), **fields})


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
    return Change(Action.DELETE, row.name, Cause.SPEC, **_place(row))


def disable(row: Row) -> Change:
    enabled = FieldChange("enabled", before=True, after=False, cause=Cause.SPEC)
    return Change(Action.DISABLE, row.name, Cause.SPEC, (enabled,), **_place(row))


def _place(row: Row) -> dict[str, Any]:
    kind = row.spec.schedule.kind if row.spec.schedule else None
    return {"row_id": row.row_id, "schedule_id": row.schedule_id, "schedule_kind": kind}


def file_changes(*specs: TaskSpec, path: str = "a.yaml", removed: Iterable[str] = ()) -> FileChanges:
    """Return the record of one file that declares `specs`, which the rows are expected to have."""
    facts = FileFacts(path, tuple(ScheduleFacts(spec.name, 3, 3, spec.task) for spec in specs))
    expected = {spec.name: spec for spec in specs}
    return FileChanges({path: FileRecord("f" * 64, facts)}, frozenset(removed), expected)


def apply(
    store: Store, wanted: Plan | Callable[[Observed], Plan], now: datetime = NOW, changes: FileChanges = NO_CHANGES
) -> Observed:
    """Apply a plan under the lock, and return what is observed afterwards."""
    source = wanted.source if isinstance(wanted, Plan) else SOURCE
    with store.locked(source, 0, "tests"):
        observed = store.observe(source)
        store.apply(wanted if isinstance(wanted, Plan) else wanted(observed), observed, changes, now)
    return store.observe(source)


def create_all(store: Store, *specs: TaskSpec, now: datetime = NOW, source: str = SOURCE) -> Observed:
    return apply(store, plan(*map(create, specs), records=map(record, specs), source=source), now)


def write_files(store: Store, changes: FileChanges, now: datetime = NOW) -> Mapping[str, FileRecord]:
    """Apply a plan that changes no row, with these records of files, and return the records as written."""
    with store.locked(SOURCE, 0, "tests"):
        return store.apply(plan(), Observed(), changes, now)


def dialect(store: Store) -> Dialect:
    return dialect_of(connections[store.alias])


def queries(store: Store) -> CaptureQueriesContext:
    """Return a context that collects the statements on the store's connection."""
    connection = connections[store.alias]
    connection.ensure_connection()
    return CaptureQueriesContext(connection)


def run(store: Store, sql: str, *parameters: Any) -> int:
    """Run a statement and return how many rows it changed."""
    with connections[store.alias].cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return int(cursor.rowcount)


def scalar(store: Store, sql: str) -> Any:
    with connections[store.alias].cursor() as cursor:
        cursor.execute(sql)
        record = cursor.fetchone()
    return record and record[0]
