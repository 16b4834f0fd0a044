"""Guards: the reasons why a plan may not be applied without a confirmation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from beatsync.plan.model import Action, Blocked, Cause, Change, Plan
from beatsync.plan.observed import Observed
from beatsync.plan.request import Request
from beatsync.values import Desired, Diagnostic, Location, Severity

SUSPENDED = "suspended"
"""The code of a blocked plan that is no failure: an operator suspended the source."""
DEFAULT_LIMIT_ROWS = 3
DEFAULT_LIMIT_PERCENT = 30
_HUNDRED_PERCENT = 100
_LIMIT = re.compile(r"(\d{1,9})(%?)")


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """How many rows one sync may delete or disable: a number, or a percentage of what the source owns."""

    number: int
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> DeleteLimit:
        """Return the limit that `N` or `N%` stands for. Raises ValueError with a message for people."""
        match = _LIMIT.fullmatch(text.strip())
        if match is None or (match[2] and int(match[1]) > _HUNDRED_PERCENT):
            raise ValueError(f"{text!r} is neither a number of rows nor a percentage from 0% to 100%")
        return cls(int(match[1]), bool(match[2]))

    def rows(self, owned: int) -> int:
        """Return the limit in rows for a source that owns `owned`."""
        return owned * self.number // _HUNDRED_PERCENT if self.percent else self.number


def removal_limit(text: str | None, owned: int) -> int:
    """Return how many rows may be deleted or disabled; if `text` is None, the larger of three rows and 30 %."""
    if text is None:
        return max(DEFAULT_LIMIT_ROWS, DeleteLimit(DEFAULT_LIMIT_PERCENT, percent=True).rows(owned))
    return DeleteLimit.parse(text).rows(owned)


def guard(plan: Plan, desired: Desired, observed: Observed, request: Request) -> Plan:
    """Return the plan with every reason why it may not be applied, and with warnings about likely mistakes."""
    checksum = plan.checksum if request.options.approved is not None else None
    removals = tuple(change.name for change in plan.changes if is_removal(change))
    blocked = (
        _stale(request, checksum),
        *plan.blocked,
        _suspended(plan),
        _other_origin(observed, request),
        _empty(desired, observed, request),
        _too_many_removals(removals, _owned(desired, observed), request, checksum),
    )
    return replace(
        plan,
        blocked=tuple(reason for reason in blocked if reason is not None),
        diagnostics=(*plan.diagnostics, *_environment_warnings(desired, observed)),
    )


def is_removal(change: Change) -> bool:
    """Return whether the files have the change take a schedule out of service: removed from them, or disabled in them now.

    Neither to disable again what an operator enabled nor to delete again what beat restored counts: that was counted before.
    """
    if change.action is Action.UPDATE:
        return any(f.field == "enabled" and f.after is False and f.cause is Cause.SPEC for f in change.fields)
    return (change.action is Action.DELETE or change.action is Action.DISABLE) and change.cause is Cause.SPEC


def _owned(desired: Desired, observed: Observed) -> int:
    """Return how many schedules the source owns; each unchanged name has one entry, whether or not it was read."""
    in_scope = sum(not entry.retired for entry in observed.inventory.values())
    return in_scope + len(desired.unchanged - observed.inventory.keys())


def _stale(request: Request, checksum: str | None) -> Blocked | None:
    if checksum == request.options.approved:
        return None
    return Blocked(
        "plan-stale",
        "the saved plan no longer holds: files or rows have changed since it was made",
        hint="make a new plan and review it",
    )


def _suspended(plan: Plan) -> Blocked | None:
    if plan.suspension is None:
        return None
    hint = f"`beatsync resume {plan.source}` resumes syncs"
    return Blocked(SUSPENDED, f"the source is {plan.suspension}", hint=hint)


def _other_origin(observed: Observed, request: Request) -> Blocked | None:
    origin = request.origin
    if not origin or not observed.origin or origin == observed.origin or request.options.accept_origin:
        return None
    return Blocked(
        "origin",
        f"this source belongs to {observed.origin}, and these files come from {origin}",
        hint="choose another source name for these files with --source NAME, or confirm with --accept-origin that they moved",
    )


def _empty(desired: Desired, observed: Observed, request: Request) -> Blocked | None:
    owned = _owned(desired, observed)
    if not owned or desired.schedules or desired.unchanged or request.options.allow_empty:
        return None
    return Blocked(
        "empty",
        f"the files declare no schedule, and the source owns {owned}; an empty directory never prunes",
        tuple(sorted(observed.inventory)),
        hint="check the directory and --env; --allow-empty confirms that it is intended",
    )


def _too_many_removals(names: tuple[str, ...], owned: int, request: Request, checksum: str | None) -> Blocked | None:
    limit = removal_limit(request.options.max_deletes, owned)
    is_approved = checksum is not None and checksum == request.options.approved
    if len(names) <= limit or is_approved:
        return None
    return Blocked(
        "max-deletes",
        f"{len(names)} of the {owned} schedules that this source owns would be deleted or disabled, "
        f"and the limit is {limit}",
        names,
        hint=f"--max-deletes {len(names)} allows it; or save the plan with `plan --out FILE`, review it, "
        "and apply exactly that with `sync --plan FILE`",
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
