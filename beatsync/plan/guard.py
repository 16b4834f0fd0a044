"""What a plan may not do unasked (DESIGN, section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from beatsync.plan.model import Action, Blocked, Cause, Change
from beatsync.plan.observed import Observed
from beatsync.plan.request import Request
from beatsync.values import Desired, Diagnostic, Location, Severity

SUSPENDED = "suspended"
"""The code of what is no failure: somebody wants it so."""
DEFAULT_LIMIT_ROWS = 3
DEFAULT_LIMIT_PERCENT = 30
_WHOLE = 100
_LIMIT = re.compile(r"(\d{1,9})(%?)")


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """How many rows one sync may delete or disable: a number, or a percentage of what the source owns."""

    number: int
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> DeleteLimit:
        """Read `N` or `N%`; raises ValueError with a message for people."""
        match = _LIMIT.fullmatch(text.strip())
        if match is None or (match[2] and int(match[1]) > _WHOLE):
            raise ValueError(f"{text!r} is neither a number of rows nor a percentage from 0% to 100%")
        return cls(int(match[1]), bool(match[2]))

    def rows(self, owned: int) -> int:
        """Return the limit in rows for a source that owns `owned`."""
        return owned * self.number // _WHOLE if self.percent else self.number


def removal_limit(text: str | None, owned: int) -> int:
    """Return how many rows may go; without a text, the larger of three rows and 30 %."""
    if text is None:
        return max(DEFAULT_LIMIT_ROWS, DeleteLimit(DEFAULT_LIMIT_PERCENT, percent=True).rows(owned))
    return DeleteLimit.parse(text).rows(owned)


def guard(
    desired: Desired, observed: Observed, request: Request, removals: Iterable[Change], *, checksum: str
) -> Iterator[Blocked]:
    """Yield every reason why these removals may not be carried out."""
    options, origin = request.options, request.origin
    owned = sum(not entry.retired for entry in observed.inventory.values())
    owned += len(observed.settled - observed.inventory.keys())
    names = tuple(change.name for change in removals)
    if observed.suspension is not None and observed.suspension.holds(request.now):
        yield Blocked(
            SUSPENDED,
            f"the source is {observed.suspension}",
            hint=f"`beatsync resume {request.source}` lets syncs go on",
        )
    if origin and observed.origin and origin != observed.origin and not options.accept_origin:
        yield Blocked(
            "origin",
            f"this source belongs to {observed.origin}, and these files come from {origin}",
            hint="give these files a source name of their own with --source NAME, "
            "or, where the files have moved, say so with --accept-origin",
        )
    if owned and not (desired.schedules or desired.known) and not options.allow_empty:
        yield Blocked(
            "empty",
            f"the files declare no schedule, and the source owns {owned}; an empty directory never prunes",
            tuple(sorted(observed.inventory)),
            hint="check the directory and --env; --allow-empty where it is meant",
        )
    limit = removal_limit(options.max_deletes, owned)
    if len(names) > limit and options.approved != checksum:
        yield Blocked(
            "max-deletes",
            f"{len(names)} of the {owned} schedules that this source owns would be deleted or disabled, "
            f"and the limit is {limit}",
            names,
            hint=f"--max-deletes {len(names)} allows it; or save the plan with `plan --out FILE`, review it, "
            "and apply exactly that with `sync --plan FILE`",
        )


def warnings(desired: Desired, observed: Observed) -> Iterator[Diagnostic]:
    """Yield what may be a mistake and need not be."""
    if observed.revision is not None and observed.environment != desired.environment:
        before, now = (
            f"under --env {one}" if one else "without --env" for one in (observed.environment, desired.environment)
        )
        yield Diagnostic(
            Severity.WARNING,
            "environment-changed",
            f"this source was last synced {before}, and this is {now}",
            Location("."),
            hint="check --env and BEATSYNC_ENV; two environments in one database want a source name each",
        )


def is_removal(change: Change) -> bool:
    """Whether the files have the change take a schedule out of service: it left them, or they switch it off now.

    To switch off again what somebody switched on is drift that is healed, and was agreed to when the file said so first.
    """
    if change.action is Action.UPDATE:
        return any(f.field == "enabled" and f.after is False and f.cause is Cause.SPEC for f in change.fields)
    return change.action is Action.DELETE or change.action is Action.DISABLE
