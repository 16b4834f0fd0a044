"""Guards: the reasons why a plan may not be applied without a confirmation."""

from __future__ import annotations

import hmac
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import replace

from beatsync.plan.groups import count_owned
from beatsync.plan.lost import lost_rows, missing_rows, replaced_rows
from beatsync.plan.model import Action, Blocked, Cause, Change, Plan
from beatsync.plan.observed import APPLICATION, Observed
from beatsync.plan.renames import possible_renames
from beatsync.plan.request import PlanOptions, Request
from beatsync.values import Desired, Diagnostic, Location, Severity

SUSPENDED = "suspended"
"""The code that marks a suspended source; it is not a failure."""
SET_OF_APPLICATION = "application-set"
"""The code of a source of files whose name a set of an application has."""
_STALE = Blocked(
    "plan-stale",
    "the saved plan is out of date: files or rows changed after it was made",
    hint="make a new plan and review it",
)
_ZONE_FIELDS = frozenset({"timezone", "clocked", "start_time", "expires"})
"""The fields whose values depend on the zone."""
_LIMIT = re.compile(r"(?P<rows>\d{1,9})|0*(?P<percent>100|\d{1,2})%")


def removal_limit(text: str | None, owned: int) -> int:
    """Return how many rows of a source that owns `owned` a sync may delete or disable.

    `text` is `N` or `N%`; if it is None, the limit is the larger of three rows and 30 %. Raises ValueError with a message for
    people.
    """
    if text is None:
        return max(3, removal_limit("30%", owned))
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is neither a number of rows nor a percentage from 0% to 100%")
    return int(match["rows"]) if match["rows"] else owned * int(match["percent"]) // 100


def guard(plan: Plan, desired: Desired, observed: Observed, request: Request) -> Plan:
    """Return the plan with every reason why it may not be applied, and with warnings about likely mistakes."""
    approved = request.options.approved
    is_approved = approved is not None and hmac.compare_digest(approved, plan.checksum)
    # To apply a saved plan again is a success that writes nothing.
    was_applied = approved == observed.checksum and not plan.does_something
    stale = () if is_approved or approved is None or was_applied else (_STALE,)
    origin = _source_blockers(plan, observed, request)
    removals = _removal_blockers(plan, desired, observed, request.options, is_approved=is_approved)
    losses = [*_losses(plan, desired, observed)]
    replaced = () if is_approved or request.options.adopt else (loss for loss in losses if isinstance(loss, Blocked))
    return replace(
        plan,
        blocked=(*stale, *plan.blocked, *origin, *replaced, *removals),
        diagnostics=(
            *plan.diagnostics,
            *_environment_warnings(desired, observed),
            *_late_runs(desired, observed),
            *_zone_warnings(plan, desired, observed),
            *(loss for loss in losses if isinstance(loss, Diagnostic)),
            *possible_renames(plan, observed),
        ),
    )


def is_removal(change: Change) -> bool:
    """Return whether the files have the change take a schedule out of service: removed from them, or disabled in them now.

    Neither to disable again what an operator enabled nor to delete again what beat restored counts: that was counted before.
    """
    if change.action is Action.UPDATE:
        return any(f.field == "enabled" and f.after is False and f.cause is Cause.SPEC for f in change.fields)
    return (change.action is Action.DELETE or change.action is Action.DISABLE) and change.cause is Cause.SPEC


def _removed_schedules(plan: Plan) -> tuple[str, ...]:
    """Return the names of the schedules that the files take out of service. One that only loses a row is not among them."""
    staying = {group.name for group in plan.groups if group.rows}
    removals = (
        change for change in plan.changes if is_removal(change) and not (change.ends_row and change.group in staying)
    )
    return tuple(dict.fromkeys(change.schedule for change in removals))


def _source_blockers(plan: Plan, observed: Observed, request: Request) -> Iterator[Blocked]:
    """Yield why the source may not be synced now, or not from these files."""
    if plan.suspension is not None:
        hint = f"`{shlex.join(['beatsync', 'resume', plan.source])}` resumes syncs"
        yield Blocked(SUSPENDED, f"the source is {plan.suspension}", hint=hint)
    if observed.kind == APPLICATION:
        message = f"the application declares the schedules of {plan.source!r} (beatsync.dynamic), so no files can"
        yield Blocked(SET_OF_APPLICATION, message, hint="choose another source name for these files with --source NAME")
    origin = request.origin
    if origin and observed.origin and origin != observed.origin and not request.options.accept_origin:
        yield Blocked(
            "origin",
            f"this source belongs to {observed.origin}, and these files come from {origin}",
            hint="choose another source name for these files with --source NAME, "
            "or confirm with --accept-origin that the files have moved",
        )


def _removal_blockers(
    plan: Plan, desired: Desired, observed: Observed, options: PlanOptions, *, is_approved: bool
) -> Iterator[Blocked]:
    """Yield why the plan may not take so many schedules out of service."""
    if observed.kind == APPLICATION:
        return  # the files are not those of this source
    owned = count_owned(desired, observed, retired=False)
    is_empty = not (desired.schedules or desired.unchanged)
    # Invalid files are refused anyway unless they are isolated; they may declare schedules.
    is_refused = not options.isolate and any(each.severity is Severity.ERROR for each in plan.diagnostics)
    if owned and is_empty and not options.allow_empty and not is_refused:
        yield Blocked(
            "empty",
            f"the files declare no schedule, and the source owns {owned}; an empty directory never prunes",
            tuple(sorted({entry.schedule for entry in observed.inventory.values()})),
            hint="check the directory and --env; --allow-empty confirms that it is intended",
        )
    blocked = None if is_approved else _too_many_removals(plan, owned, options, is_empty=is_empty)
    if blocked is not None:
        yield blocked


def _too_many_removals(plan: Plan, owned: int, options: PlanOptions, *, is_empty: bool) -> Blocked | None:
    """Return why so many schedules may not leave, or every one; None if they may. A source that `is_empty` has another blocker."""
    names = _removed_schedules(plan)
    limit = removal_limit(options.max_deletes, owned)
    # A single schedule may be most of a small source, so no share of it says that these are the files of another one.
    leaves_none = _leaves_none(plan, names, owned)
    is_unconfirmed = leaves_none and options.max_deletes is None and not is_empty
    if len(names) <= limit and not is_unconfirmed:
        return None
    reason = f"and the limit is {limit}" if len(names) > limit else "and none would be left"
    subject = f"none of the {owned} schedules" if owned > 1 else "not even the one schedule"
    looks_like = f"{subject} that this source owns is in these files: another directory or --source? If it is intended,"
    return Blocked(
        "max-deletes",
        f"{len(names)} of the {owned} schedules that this source owns would be deleted or disabled, {reason}",
        names,
        hint=f"{looks_like if leaves_none else 'check the directory and --env;'} --max-deletes {len(names)} allows it; "
        "or save the plan with `plan --out FILE`, review it, and apply exactly that with `sync --plan FILE`",
    )


def _leaves_none(plan: Plan, names: Collection[str], owned: int) -> bool:
    """Return whether every schedule that the source owns leaves the files. Schedules that the files disable stay in them."""
    disabled = {change.schedule for change in plan.changes if change.action is Action.UPDATE and is_removal(change)}
    return 0 < owned == len(set(names) - disabled)


def _losses(plan: Plan, desired: Desired, observed: Observed) -> Iterator[Blocked | Diagnostic]:
    """Yield what it looks like if most rows of the source are gone: a blocker if other rows have their keys, else a warning."""
    lost = lost_rows(plan, desired, observed)
    if not lost:
        return
    owned, count = count_owned(desired, observed, retired=True), len({entry.schedule for entry, _ in lost})
    if count <= removal_limit(None, owned) and not count == owned > 1:
        return
    yield replaced_rows(lost, owned) if any(stranger for _, stranger in lost) else missing_rows(lost, owned)


def _late_runs(desired: Desired, observed: Observed) -> Iterator[Diagnostic]:
    """Yield the warning that a schedule with windows may run outside them."""
    late = observed.late_runs
    if late is not None and (desired.unchanged_groups or any(each.group is not None for each in desired.valid)):
        message = f"after beat was down, it may run schedules with windows outside them: {late.reason}"
        yield Diagnostic(Severity.WARNING, "window-deadline", message, Location("."), late.hint)


def _zone_warnings(plan: Plan, desired: Desired, observed: Observed) -> Iterator[Diagnostic]:
    """Yield the warning that the zone of schedules without one is another than at the last sync."""
    last, now = observed.timezone, desired.timezone
    if last is None or now is None or last == now:
        return
    assuming = {declared.spec.name for declared in desired.valid if declared.assumes_zone}
    moved = {
        change.schedule
        for change in plan.changes
        if change.name in assuming and any(field.field in _ZONE_FIELDS for field in change.fields)
    }
    schedules = "schedule" if len(moved) == 1 else "schedules"
    yield Diagnostic(
        Severity.WARNING,
        "zone-changed",
        f"the time zone of schedules that name none changes from {last} to {now}; it moves {len(moved):,} {schedules}",
        Location("."),
        hint=f"--timezone {last} keeps it; check --timezone, BEATSYNC_TIMEZONE, BEATSYNC['TIMEZONE'] and CELERY_TIMEZONE",
    )


def _environment_warnings(desired: Desired, observed: Observed) -> Iterator[Diagnostic]:
    if observed.revision is None or observed.environment == desired.environment:
        return
    last, now = (
        f"under --env {environment}" if environment else "without --env"
        for environment in (observed.environment, desired.environment)
    )
    yield Diagnostic(
        Severity.WARNING,
        "environment-changed",
        f"this source was last synced {last}, and this is {now}",
        Location("."),
        hint="check --env and BEATSYNC_ENV; two environments in one database need a source name each",
    )
