"""Plans, diagnostics and statuses that together show everything that a report can show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from beatsync.plan.diff import make_plan
from beatsync.plan.drift import states
from beatsync.plan.guard import guard
from beatsync.plan.model import Plan
from beatsync.plan.observed import Observed, Suspension
from beatsync.plan.request import Request
from beatsync.report.values import SourceStatus, UnownedRow, ValidationResult
from beatsync.specfile import crontab
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.values import Clocked, Desired, Interval, OnRemove, Policy, Revision, SourceFile
from tests.builders import NOW, declared, desired, every, observed, owned, owning, request, row

BROKEN = """\
defalts: {queue: a}
schedules:
  nightly: {task: shop.bill, crontab: "0 25 * * 9"}
  tick|tock: {task: shop.tick, interval: 100%}
  "bell\\u0007": {task: shop.ring, interval: 30s, kwargs: {password: [hunter2, yes]}}
  friday-13: {task: shop.fear, crontab: "0 0 13 * fri"}
"""


def guarded_plan(files: Desired, database: Observed, request: Request) -> Plan:
    """Return the plan of a sync, with everything that blocks it."""
    return guard(make_plan(files, database, request), files, database, request)


def everything() -> Plan:
    """A plan with each action, cause, note and condition."""
    weekdays = crontab.from_expression("30 2 * * mon-fri", "Europe/Berlin")
    daily_schedule = crontab.from_expression("0 11 * * *", "Europe/Berlin")
    secret = Policy(sensitive=("kwargs.iban",))
    created = declared(
        "create",
        policy=secret,
        schedule=weekdays,
        kwargs='{"iban": "DE1", "note": "a`b"}',
        description="Zwölf | *",
        queue="q",
    )
    updated = declared(
        "update",
        schedule=Interval(30, "seconds"),
        expire_seconds=30,
        enabled=True,
        kwargs='{"limits": {"high": 2, "low": 1.0, "since": null}, "region": "eu", "token": "new", "x\\ny": []}',
        headers='{"password": "same", "trace": [1, 2]}',
    )
    previous = declared(
        "update",
        schedule=Interval(1, "minutes"),
        kwargs='{"gone": {"a": 1}, "limits": {"high": 2, "low": 1}, "region": "eu", "token": "old"}',
        headers='{"password": "same", "trace": [1]}',
    )
    daily = declared("moved", schedule=daily_schedule)
    daily_previous = declared("moved", schedule=crontab.from_expression("0 3 * * *", "Europe/Berlin"))
    adopted, paused, ended = (
        declared("adopt"),
        declared("paused"),
        declared("ended", schedule=Clocked(NOW), one_off=True),
    )
    renamed = declared("renamed", policy=Policy(renamed_from="old name"))
    deleted, disabled = declared("delete"), declared("disable", policy=Policy(on_remove=OnRemove.DISABLE))
    kept, protected = (
        declared("keep", policy=Policy(on_remove=OnRemove.KEEP)),
        declared("protected", policy=Policy(protect=True)),
    )
    gone = declared("deleted by hand")
    return guarded_plan(
        desired(created, updated, daily, adopted, paused, ended, renamed, gone, environment="production"),
        observed(
            row(previous, 1, queue="slow", enabled=False),
            row(daily_previous, 2, last_run_at=NOW - timedelta(hours=9)),
            row(adopted, 3, queue="theirs"),
            row(paused, 4, enabled=False),
            row(ended, 5, enabled=False),
            row(declared("old name"), 6),
            row(deleted, 7),
            row(disabled, 8),
            row(kept, 9),
            row(protected, 10),
            inventory=(
                owned(previous, 1), owned(daily_previous, 2), owned(paused, 4), owned(ended, 5), owned(declared("old name"), 6),
                owned(deleted, 7), owned(disabled, 8), owned(kept, 9), owned(protected, 10), owned(gone, 11),
            ),
        ),
        request(adopt=True, catch_up=True),
    )  # fmt: skip


def stopped() -> Plan:
    """A plan that every kind of guard blocks, with more conflicts than are listed."""
    names = [f"job-{number:02}" for number in range(30)]
    rows = [row(declared(name), number + 1) for number, name in enumerate(names)]
    removed = [declared(name) for name in ("a", "b", "c", "d", "e*f")]
    return guarded_plan(
        desired(*map(declared, names)),
        observed(
            *rows,
            *(row(schedule, number + 100) for number, schedule in enumerate(removed)),
            inventory=tuple(owned(schedule, number + 100) for number, schedule in enumerate(removed)),
            suspension=Suspension(
                "ann@host", "the move of @billing", NOW - timedelta(hours=1), NOW + timedelta(hours=1)
            ),
        ),
        request(),
    )


def isolated() -> Plan:
    """A plan that isolates an invalid file."""
    parsed = parse_file(SourceFile("broken.yaml", BROKEN.encode()), ParseOptions())
    good = declared("good", path="good.yaml")
    return guarded_plan(desired(good, diagnostics=parsed.diagnostics), observed(), request(isolate=True))


def grouped() -> Plan:
    """A plan that creates, moves, renames, pauses and removes schedules with several rows."""
    office, night = "* 8-17 * * 1-5", "*/15 0-7,18-23 * * 1-5"
    moved, shrunk = every("moved", office, night), every("shrunk", office, night, "0 12 * * 0")
    partly, removed, fewer = (
        every("partly", office, night),
        every("removed", office, night),
        every("plain", office, night),
    )
    new = every("create", office, night, queue="fast")
    later = every("moved", "* 9-17 * * 1-5", "*/15 0-8,18-23 * * 1-5", "*/15 * * * 0,6", queue="fast")
    plain = declared("plain", schedule=fewer[0].spec.schedule)
    current = owning(*moved, *shrunk, *partly, *removed, *fewer)
    stopped = current.rows["partly#2"]
    stopped = stopped._replace(spec=stopped.spec._replace(enabled=False))
    current = replace(current, rows={**current.rows, stopped.name: stopped})
    return guarded_plan(desired(*new, *later, *shrunk[:2], *partly, plain), current, request())


def nothing() -> Plan:
    """A plan for a git commit that changes nothing."""
    schedule = declared()
    plan = guarded_plan(desired(schedule), observed(row(schedule), inventory=(owned(schedule),)), request())
    return Plan(plan.source, Revision("0" * 64, "3f2a1c9"), unchanged=plan.unchanged)


def validation() -> ValidationResult:
    """A file with errors and a warning, and a valid file."""
    parsed = parse_file(SourceFile("broken.yaml", BROKEN.encode()), ParseOptions())
    return ValidationResult(["broken.yaml", "fine.yaml"], len(parsed.schedules), parsed.diagnostics)


def unowned() -> list[UnownedRow]:
    """The rows that no source owns."""
    return [
        UnownedRow("by hand", "shop.tasks.fix", False, "added in the Django admin by ann, 2026-06-01 12:00 UTC"),
        UnownedRow("celery.backend_cleanup", "celery.backend_cleanup", True, is_recreated=True),
        UnownedRow("täglich", "shop.tasks.daily", True),
    ]


def sources() -> list[SourceStatus]:
    """A source with everything that a status shows, and one that was never synced."""
    drifted, paused, missing = declared("drifted", kwargs='{"token": "a"}'), declared("paused"), declared("gone")
    peaks = every("peaks", "* 8-17 * * *", "*/15 0-7 * * *", "*/15 18-23 * * *")
    database = observed(
        row(drifted, 1, queue="slow", kwargs='{"token": "b"}'),
        row(paused, 2, enabled=False),
        row(peaks[0], 4, queue="slow"),
        row(peaks[2], 6, enabled=False),
        inventory=(
            owned(drifted, 1),
            owned(paused, 2),
            owned(missing, 3),
            *(owned(schedule, number) for number, schedule in enumerate(peaks, 4)),
        ),
    )
    return [
        SourceStatus(
            "shop", "git@host:shop#schedules.d", Revision("0" * 64, "3f2a1c9"), "production", NOW, "blocked",
            "too many deletions", states(database, NOW), Suspension("ann@host", "a move", NOW), "pod-1",
            {1: "changed by ann in the admin on 2026-06-01"}, timezone="Europe/Berlin",
        ),
        SourceStatus("new", None, None, None, None, "", "", ()),
        SourceStatus("user-reports", None, None, None, NOW, "", "", (), is_application=True),
    ]  # fmt: skip
