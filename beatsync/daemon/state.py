"""What is told of a source while the daemon runs: frozen values, replaced whole, so that any thread may read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from beatsync import reconcile
from beatsync.plan.guard import SUSPENDED
from beatsync.plan.jsonform import revision_json, suspension_json
from beatsync.plan.model import Action, Plan
from beatsync.plan.observed import Suspension
from beatsync.values import Revision, Severity


class Phase(str, Enum):
    """How a source stands."""

    STARTING = "starting"
    STANDING_BY = "standing by"
    SYNCED = "synced"
    INVALID = "invalid"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source, as the last look left it."""

    name: str
    directory: str
    phase: Phase = Phase.STARTING
    message: str = ""
    """Why it is not synced."""
    is_leader: bool = False
    leader: str | None = None
    """Who leads it, where that is somebody else."""
    revision: Revision | None = None
    """What was last synced."""
    suspension: Suspension | None = None
    """Only while it holds."""
    environment: str | None = None
    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    """In a row."""
    schedules: int = 0
    conditions: Mapping[str, int] = field(default_factory=dict)
    """How many rows are paused by hand, completed and so on."""
    watcher_problem: str | None = None
    """Why file events are not heard; the poll is."""
    was_ready: bool = False
    """Whether a revision of it is live, or another leads it: what a bad revision does not take back."""

    def json(self) -> dict[str, Any]:
        """Return the source's part of `schemas/daemon.schema.json`."""
        return {
            "name": self.name,
            "directory": self.directory,
            "phase": self.phase.value,
            "message": self.message or None,
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
            "watcher_problem": self.watcher_problem,
        }


def standing(result: reconcile.Result) -> tuple[Phase, str]:
    """Return how a source stands after a reconcile, and why where it is not synced."""
    plan = result.plan
    message = "; ".join(blocked.message for blocked in plan.blocked)
    if result.outcome is reconcile.Outcome.INVALID:
        errors = sum(one.severity is Severity.ERROR for one in plan.diagnostics)
        return Phase.INVALID, f"{errors} error{'s' * (errors != 1)} in the files; the rows stay as they were"
    if result.outcome is reconcile.Outcome.BLOCKED:
        is_meant = SUSPENDED in {blocked.code for blocked in plan.blocked}
        return (Phase.SUSPENDED if is_meant else Phase.BLOCKED), message
    return Phase.SYNCED, ""


def counts(plan: Plan) -> dict[str, int]:
    """Return how many changes of each kind there are, without those that there are not."""
    return {action.value: plan.count(action) for action in Action if plan.count(action)}
