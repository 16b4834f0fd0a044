"""The reported state of a source: a frozen value that is replaced as a unit, so that any thread may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from beatsync import reconcile
from beatsync.plan.groups import count_actions
from beatsync.plan.guard import SUSPENDED
from beatsync.plan.jsonform import revision_json, suspension_json
from beatsync.plan.model import Action, Plan
from beatsync.plan.observed import Suspension
from beatsync.specfile.shapes import mask_text
from beatsync.values import Revision, Severity

_LISTED = 5
"""Errors that the history names."""


class Phase(str, Enum):
    """The state of a source. Only `synced` means that the rows match the files."""

    STARTING = "starting"
    STANDING_BY = "standing by"
    SYNCED = "synced"
    INVALID = "invalid"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SourceReport:
    """The state of one source after its last reconcile."""

    name: str
    directory: str
    phase: Phase = Phase.STARTING
    message: str = ""
    """Why it is not synced; empty if it is."""
    is_leader: bool = False
    leader: str | None = None
    """The other process that leads it, if any."""
    revision: Revision | None = None
    """The revision that was last synced."""
    suspension: Suspension | None = None
    """None once it is over."""
    environment: str | None = None
    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    """Failures in a row."""
    schedules: int = 0
    conditions: Mapping[str, int] = field(default_factory=dict)
    """The number of rows that syncs leave unchanged, by the reason (`beatsync.plan.model.Condition`)."""
    watcher_problem: str | None = None
    """Why there are no file events, only the poll; None if there are."""
    was_ready: bool = False
    """Whether a revision was ever synced, or another process leads. An invalid revision does not reset it."""

    def json(self) -> dict[str, Any]:
        """Return the JSON of a source as in `schemas/daemon.schema.json`."""
        return {
            "name": self.name,
            "directory": self.directory,
            "phase": self.phase.value,
            "message": mask_text(self.message) or None,
            "is_leader": self.is_leader,
            "leader": self.leader,
            "revision": revision_json(self.revision) if self.revision else None,
            "environment": self.environment,
            "suspended": suspension_json(self.suspension) if self.suspension else None,
            "attempted_at": self.attempted_at.isoformat() if self.attempted_at else None,
            "succeeded_at": self.succeeded_at.isoformat() if self.succeeded_at else None,
            "failures": self.failures,
            "schedules": self.schedules,
            "conditions": dict(self.conditions),
            "watcher": "polling" if self.watcher_problem else "events",
            "watcher_problem": self.watcher_problem and mask_text(self.watcher_problem),
        }


def phase_of(result: reconcile.Result) -> tuple[Phase, str]:
    """Return the phase after a reconcile, and the reason if it is not `synced`."""
    plan = result.plan
    message = "; ".join(blocked.message for blocked in plan.blocked)
    if result.outcome is reconcile.Outcome.INVALID:
        errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in plan.diagnostics)
        return Phase.INVALID, f"{errors} error{'s' * (errors != 1)} in the files; the rows are unchanged"
    if result.outcome is reconcile.Outcome.BLOCKED:
        is_suspended = SUSPENDED in {blocked.code for blocked in plan.blocked}
        return (Phase.SUSPENDED if is_suspended else Phase.BLOCKED), message
    return Phase.SYNCED, ""


def first_errors(plan: Plan) -> str:
    """Return the first errors of the files at their lines, and how many more there are."""
    errors = [each for each in plan.diagnostics if each.severity is Severity.ERROR]
    listed = [f"{each.location}: {each.message} [{each.code}]" for each in errors[:_LISTED]]
    more = len(errors) - len(listed)
    return "; ".join([*listed, *([f"and {more:,} more"] if more else [])])


def change_counts(plan: Plan) -> dict[str, int]:
    """Return the number of schedules that each action changes, without the zeros."""
    counts = count_actions(plan)
    return {action.value: counts[action] for action in Action if counts[action]}
