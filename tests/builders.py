"""Small values for tests: a schedule, its row and its inventory entry, with defaults for what a test is not about."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from beatsync.plan.diff import make_plan
from beatsync.plan.guard import guard
from beatsync.plan.inventory import applied_text
from beatsync.plan.model import Plan
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
    """Return a row with the values of `of`; `changes` are attributes of `Row`, or else values that differ from `of`."""
    values = of.spec if isinstance(of, Declared) else of
    names = {"last_run_at", "total_run_count", "date_changed"} & changes.keys()
    attributes = {"date_changed": NOW - timedelta(days=30), **{name: changes.pop(name) for name in names}}
    return Row(row_id=row_id, spec=values._replace(**changes), schedule_id=1, **attributes)


def owned(of: Declared, row_id: int = 1, **changes: Any) -> Owned:
    policy = replace(of.policy, protect=bool(of.policy.protect), renamed_from=None)
    entry = Owned(of.spec.name, row_id, applied_text(of), policy, of.location.path)
    return entry._replace(**changes)


def desired(*schedules: Declared, **fields: Any) -> Desired:
    return Desired(tuple(sorted(schedules, key=lambda schedule: schedule.spec.name)), **fields)


def observed(*rows: Row, inventory: tuple[Owned, ...] = (), **fields: Any) -> Observed:
    return Observed(
        rows={row.name: row for row in rows}, inventory={entry.name: entry for entry in inventory}, **fields
    )


def request(*, origin: str | None = None, now: datetime = NOW, **options: Any) -> Request:
    return Request("default", now, REVISION, origin, PlanOptions(**options))


def guarded(files: Desired, current: Observed, options: Request | None = None) -> Plan:
    """Return the plan after its guards, as a sync sees it."""
    options = options or request()
    return guard(make_plan(files, current, options), files, current, options)
