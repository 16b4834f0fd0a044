"""Small values for tests: a schedule, its row and its inventory entry, with only what a test is about spelled out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from beatsync.plan.compare import applied_text
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.plan.request import PlanOptions, Request
from beatsync.values import Declared, Desired, Interval, Location, Policy, Revision, TaskSpec

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
REVISION = Revision("0" * 64)
HOURLY = Interval(1, "hours")


def spec(name: str = "nightly", **fields: Any) -> TaskSpec:
    return TaskSpec(**{"name": name, "task": "shop.tasks.bill", "schedule": HOURLY, **fields})


def declared(name: str = "nightly", *, policy: Policy | None = None, path: str = "a.yaml", **fields: Any) -> Declared:
    return Declared(
        spec=spec(name, **fields),
        location=Location(path, 3, 3),
        policy=policy or Policy(),
        enabled_declared="enabled" in fields,
    )


def row(of: TaskSpec | Declared, row_id: int = 1, **changes: Any) -> Row:
    """Return a row that says what `of` says; `changes` go to the row where it has such a field, else to its values."""
    base = of.spec if isinstance(of, Declared) else of
    own = {key: changes.pop(key) for key in list(changes) if key in {"last_run_at", "total_run_count", "date_changed"}}
    own.setdefault("date_changed", NOW - timedelta(days=30))
    return Row(row_id=row_id, spec=base._replace(**changes), schedule_id=1, **own)


def owned(of: Declared, row_id: int = 1, **changes: Any) -> Owned:
    policy = replace(of.policy, protect=bool(of.policy.protect), renamed_from=None)
    entry = Owned(of.spec.name, row_id, applied_text(of), policy, of.location.path)
    return entry._replace(**changes)


def desired(*schedules: Declared, **fields: Any) -> Desired:
    return Desired(tuple(sorted(schedules, key=lambda one: one.spec.name)), **fields)


def observed(*rows: Row, inventory: tuple[Owned, ...] = (), **fields: Any) -> Observed:
    return Observed(rows={one.spec.name: one for one in rows}, inventory={one.name: one for one in inventory}, **fields)


def request(*, origin: str | None = None, now: datetime = NOW, **options: Any) -> Request:
    return Request("default", now, REVISION, origin, PlanOptions(**options))
