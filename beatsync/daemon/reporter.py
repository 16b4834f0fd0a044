"""Publishes the state of one source: the report for `/status`, the metrics and the log."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

from beatsync import reconcile
from beatsync.daemon.metrics import Metrics
from beatsync.daemon.state import Phase, SourceReport, change_counts
from beatsync.plan.groups import count_actions, schedule_changes, schedule_conditions
from beatsync.plan.model import Action, Plan
from beatsync.values import Diagnostic, Severity

# Log filters select the records of a source by the logger of the loop.
log = logging.getLogger("beatsync.daemon.loop")
_LOGGED_SCHEDULES = 20
"""How many of the schedules that a sync changed are named in the log."""


class SourceReporter:
    """Holds the current report of a source. Any thread may read it; only the source's own thread updates it."""

    def __init__(self, report: SourceReport, metrics: Metrics) -> None:
        self.report = report
        self._metrics = metrics
        self._logged: frozenset[Diagnostic] = frozenset()
        metrics.add_source(report.name)

    def update(self, **changes: Any) -> None:
        """Replace fields of the report."""
        self.report = replace(self.report, **changes)
        self._metrics.update_report(self.report)

    def log_fields(self, **fields: object) -> dict[str, object]:
        """Return the `extra` argument for a log record of this source."""
        return {"fields": {"source": self.report.name, **fields}}

    def watcher_state(self, problem: str | None) -> None:
        """Report whether there are file events."""
        if problem == self.report.watcher_problem:
            return
        if problem:
            log.warning("file events are unavailable, polling instead: %s", problem, extra=self.log_fields())
        self.update(watcher_problem=problem)

    def standby(self, leader: str | None) -> None:
        """Report that another process leads; None if that process is not known yet."""
        if leader is None:
            self.update(is_leader=False)
            return
        self.update(
            phase=Phase.STANDING_BY, leader=leader, is_leader=False, was_ready=True, message="", failures=0,
            suspension=None,
        )  # fmt: skip

    def failure(self, message: str, failures: int, retry_in: float, seconds: float, *, is_leader: bool) -> None:
        """Report a failed reconcile. The same message again is logged at a lower level."""
        level = logging.ERROR if message != self.report.message else logging.INFO
        log.log(level, "sync failed, retry in %.0f s: %s", retry_in, message, extra=self.log_fields(failures=failures))
        self._metrics.count_reconcile(self.report.name, "failed", seconds)
        now = reconcile.utc_now()
        self.update(phase=Phase.FAILED, message=message, failures=failures, attempted_at=now, is_leader=is_leader)

    def result(
        self, result: reconcile.Result, phase: Phase, message: str, reasons: tuple[str, ...], seconds: float
    ) -> None:
        """Report a reconcile that made a plan, with the phase that it led to and why."""
        plan, name = result.plan, self.report.name
        outcome = result.outcome.value if phase is Phase.SYNCED else phase.value
        self._log_diagnostics(plan.diagnostics)
        self._metrics.update_plan(name, plan, applied=outcome == "applied", repairs=result.repairs)
        self._metrics.count_reconcile(name, outcome, seconds)
        changed = outcome == "applied" or (phase, message) != (self.report.phase, self.report.message)
        fields = {
            "outcome": outcome,
            "reasons": reasons,
            "seconds": round(seconds, 3),
        }
        if phase is not Phase.INVALID:
            fields |= change_counts(plan)
        if outcome == "applied":
            fields |= _changed_schedules(plan)
        log.log(_level(phase, changed=changed), "%s", message or outcome, extra=self.log_fields(**fields))
        if result.unverified:
            log.warning("changes committed but not verified: %s", result.unverified, extra=self.log_fields())

        changes: dict[str, Any] = {}
        now = reconcile.utc_now()
        if phase is Phase.SYNCED:
            counts = count_actions(plan)
            owned = plan.unchanged + sum(counts[action] for action in (Action.CREATE, Action.UPDATE, Action.ADOPT))
            conditions = Counter(condition.value for _, condition in schedule_conditions(plan))
            changes = {
                "revision": plan.revision,
                "succeeded_at": now,
                "was_ready": True,
                "schedules": owned,
                "conditions": conditions,
            }
        self.update(
            phase=phase, message=message, failures=0, is_leader=True, leader=None, attempted_at=now,
            suspension=plan.suspension, **changes,
        )  # fmt: skip

    def _log_diagnostics(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Log each diagnostic once, as long as it stays."""
        for diagnostic in diagnostics:
            if diagnostic not in self._logged:
                level = logging.ERROR if diagnostic.severity is Severity.ERROR else logging.WARNING
                text = f"{diagnostic.location}: {diagnostic.text} [{diagnostic.code}]"
                log.log(level, "%s", text, extra=self.log_fields())
        self._logged = frozenset(diagnostics)


def _level(phase: Phase, *, changed: bool) -> int:
    """Return the level of a result's log record. A result like the previous one is of no interest."""
    if not changed:
        return logging.DEBUG
    return logging.WARNING if phase in {Phase.BLOCKED, Phase.INVALID} else logging.INFO


def _changed_schedules(plan: Plan) -> dict[str, Any]:
    """Return log fields: the first changed schedules, each with its action and cause, and the number of the others."""
    shown = tuple(islice(schedule_changes(plan), _LOGGED_SCHEDULES))
    more = count_actions(plan).total() - len(shown)
    names = tuple(f"{schedule.action.value} {schedule.name} ({schedule.cause.value})" for schedule in shown)
    return {"schedules": names} | ({"more": more} if more > 0 else {})
