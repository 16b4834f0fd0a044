"""What one source's loop tells of itself: a report for those who ask, figures for those who count, a log for those who read."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import Any

from beatsync import reconcile
from beatsync.daemon.metrics import Metrics
from beatsync.daemon.state import Phase, SourceReport, counts
from beatsync.plan.model import Plan
from beatsync.values import Diagnostic, Severity

# Those who sort logs by their logger know a source's by the loop's name.
log = logging.getLogger("beatsync.daemon.loop")


class Telling:
    """The last report of a source, replaced whole so that any thread may read it; told by the source's own thread alone."""

    def __init__(self, report: SourceReport, metrics: Metrics) -> None:
        self.report = report
        self._metrics = metrics
        self._said: frozenset[Diagnostic] = frozenset()
        metrics.add_source(report.name)

    def tell(self, **changes: Any) -> None:
        """Report what changed."""
        self.report = replace(self.report, **changes)
        self._metrics.reported(self.report)

    def extra(self, **fields: object) -> dict[str, object]:
        """Return what a log record of this source carries."""
        return {"fields": {"source": self.report.name, **fields}}

    def hearing(self, problem: str | None) -> None:
        """Tell whether file events are heard."""
        if problem == self.report.watcher_problem:
            return
        if problem:
            log.warning("file events are not heard, polling instead: %s", problem, extra=self.extra())
        self.tell(watcher_problem=problem)

    def failed(self, message: str, failures: int, wait: float, seconds: float, *, is_leader: bool) -> None:
        """Tell of a look that failed; the same message again is no news."""
        level = logging.ERROR if message != self.report.message else logging.INFO
        log.log(level, "failed, next try in %.0f s: %s", wait, message, extra=self.extra(failures=failures))
        self._metrics.ended(self.report.name, "failed", seconds)
        self.tell(
            phase=Phase.FAILED,
            message=message,
            failures=failures,
            attempted_at=reconcile.utc_now(),
            is_leader=is_leader,
        )

    def ended(
        self, result: reconcile.Result, phase: Phase, message: str, reasons: tuple[str, ...], seconds: float
    ) -> None:
        """Tell how a look ended that came to a plan."""
        plan, name = result.plan, self.report.name
        outcome = result.outcome.value if phase is Phase.SYNCED else phase.value
        self._metrics.planned(name, plan, applied=outcome == "applied", repairs=result.repairs)
        self._metrics.ended(name, outcome, seconds)
        changed = outcome == "applied" or (phase, message) != (self.report.phase, self.report.message)
        extra = self.extra(outcome=outcome, reasons=reasons, seconds=round(seconds, 3), **counts(plan))
        log.log(logging.INFO if changed else logging.DEBUG, "%s", message or outcome, extra=extra)
        now = reconcile.utc_now()
        self.tell(
            phase=phase, message=message, failures=0, is_leader=True, leader=None, attempted_at=now,
            suspension=plan.suspension, **(_of_success(plan) | {"succeeded_at": now} if phase is Phase.SYNCED else {}),
        )  # fmt: skip

    def diagnose(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Log what is wrong with the files, once."""
        for one in diagnostics:
            if one not in self._said:
                level = logging.ERROR if one.severity is Severity.ERROR else logging.WARNING
                log.log(level, "%s: %s [%s]", one.location, one.message, one.code, extra=self.extra())
        self._said = frozenset(diagnostics)


def _of_success(plan: Plan) -> dict[str, Any]:
    return {
        "revision": plan.revision,
        "was_ready": True,
        "schedules": plan.unchanged + sum(change.target is not None for change in plan.changes),
        "conditions": Counter(condition.value for _, condition in plan.conditions),
    }
