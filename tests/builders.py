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
from beatsync.specfile import crontab
from beatsync.values import Declared, Desired, Interval, Location, Policy, Revision, TaskSpec, group_row_name

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


def every(
    name: str, *crontabs: str, path: str = "a.yaml", policy: Policy | None = None, **fields: Any
) -> list[Declared]:
    """Return the rows of a schedule with `every`, one for each crontab in UTC."""
    numbered = enumerate(crontabs, 1)
    rows = [(number, crontab.from_expression(expression, "UTC")) for number, expression in numbered]
    return [
        declared(group_row_name(name, number), schedule=schedule, path=path, policy=policy, **fields)._replace(
            group=name, clauses=f"window {number}: 1m"
        )
        for number, schedule in rows
    ]


def row(of: TaskSpec | Declared, row_id: int = 1, **changes: Any) -> Row:
    """Return a row with the values of `of`; `changes` are attributes of `Row`, or else values that differ from `of`."""
    values = of.spec if isinstance(of, Declared) else of
    names = {"last_run_at", "total_run_count", "date_changed"} & changes.keys()
    attributes = {"date_changed": NOW - timedelta(days=30), **{name: changes.pop(name) for name in names}}
    return Row(row_id=row_id, spec=values._replace(**changes), schedule_id=1, **attributes)


def owned(of: Declared, row_id: int = 1, **changes: Any) -> Owned:
    policy = replace(of.policy, protect=bool(of.policy.protect), renamed_from=None)
    entry = Owned(of.spec.name, row_id, applied_text(of), policy, of.location.path)
    return entry._replace(group=of.group, **changes)


def owning(*schedules: Declared, **changes: Any) -> Observed:
    """Return a database that holds exactly these schedules, all of them owned; `changes` are as for `row`."""
    return observed(
        *(row(schedule, number, **changes) for number, schedule in enumerate(schedules, 1)),
        inventory=tuple(owned(schedule, number) for number, schedule in enumerate(schedules, 1)),
    )


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
