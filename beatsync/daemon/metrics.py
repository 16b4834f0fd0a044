"""What Prometheus is told; names, units and labels by its own conventions (https://prometheus.io/docs/practices/naming/)."""

from __future__ import annotations

import collections

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from beatsync import __version__
from beatsync.daemon.state import Phase, SourceReport
from beatsync.plan.model import Action, Cause, Condition, Plan
from beatsync.values import Severity

RESULTS = ("applied", "unchanged", "invalid", "blocked", "suspended", "failed")
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """All metrics of one daemon, in a registry of its own."""

    def __init__(self) -> None:
        # When a counter began is what `process_start_time_seconds` tells.
        disable_created_metrics()  # type: ignore[no-untyped-call,unused-ignore]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Info("beatsync_build", "Which BeatSync this is.", registry=self.registry).info({"version": __version__})
        self._duration = Histogram(
            "beatsync_reconcile_duration_seconds", "How long a reconcile took.", ["source"],
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._results = self._counter("beatsync_reconciles", "Reconciles by how they ended.", "result")
        self._changes = self._counter("beatsync_changes", "Rows changed, by what was done and why.", "action", "cause")
        self._repairs = self._counter("beatsync_repairs", "Rows that beat undid while they were written.")
        self._success = self._gauge(
            "beatsync_last_success_timestamp_seconds", "When the rows last said what the files say."
        )
        self._attempt = self._gauge("beatsync_last_reconcile_timestamp_seconds", "When the last reconcile ended.")
        self._info = self._gauge(
            "beatsync_source_info", "The revision that was last synced.", "digest", "git", "mount", "environment"
        )
        self._problems = self._gauge("beatsync_diagnostics", "What is wrong with the files now.", "severity")
        self._valid = self._gauge("beatsync_source_valid", "1 where the files as they are now are valid.")
        self._rows = self._gauge("beatsync_schedules", "Schedules that the source owns.")
        self._states = self._gauge(
            "beatsync_schedules_left_alone", "Schedules that a sync leaves as they are.", "condition"
        )
        self._blocked = self._gauge("beatsync_blocked", "1 for each reason why syncs are blocked now.", "code")
        self._suspended = self._gauge("beatsync_suspended", "1 where somebody has suspended the source.")
        self._leader = self._gauge("beatsync_leader", "1 where this process leads the source.")
        self._failures = self._gauge(
            "beatsync_consecutive_failures", "Reconciles that failed since the last that did not."
        )
        self._events = self._gauge(
            "beatsync_watcher_events", "1 where file events are heard, 0 where only the poll is."
        )
        self._revision: dict[str, tuple[str, ...]] = {}
        self._judged: dict[str, set[tuple[Gauge, tuple[str, ...]]]] = {}
        """What the leader of a source says of it, and nobody else can."""

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, ["source", *labels], registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, ["source", *labels], registry=self.registry)

    def add_source(self, source: str) -> None:
        """Let every series of a source begin at zero, so that a first failure is an increase."""
        for result in RESULTS:
            self._results.labels(source, result)
        for action in Action:
            for cause in Cause:
                self._changes.labels(source, action.value, cause.value)
        for one in (self._repairs, self._duration, self._leader, self._failures, self._suspended):
            one.labels(source)

    def ended(self, source: str, result: str, seconds: float) -> None:
        """Count a reconcile that ended."""
        self._results.labels(source, result).inc()
        self._duration.labels(source).observe(seconds)

    def planned(self, source: str, plan: Plan, *, applied: bool, repairs: int) -> None:
        """Tell what a plan says of the files and the rows, and of what was done where it was applied."""
        severities = collections.Counter(diagnostic.severity for diagnostic in plan.diagnostics)
        for severity in Severity:
            self._judge(self._problems, source, severity.value).set(severities[severity])
        self._judge(self._valid, source).set(not severities[Severity.ERROR])
        codes = {blocked.code for blocked in plan.blocked}
        known = {labels[1] for gauge, labels in self._judged[source] if gauge is self._blocked}
        for code in codes | known:
            self._judge(self._blocked, source, code).set(code in codes)
        conditions = collections.Counter(condition for _, condition in plan.conditions)
        for condition in Condition:
            self._judge(self._states, source, condition.value).set(conditions[condition])
        if applied:
            for change in plan.changes:
                self._changes.labels(source, change.action.value, change.cause.value).inc()
            self._repairs.labels(source).inc(repairs)

    def _judge(self, gauge: Gauge, *labels: str) -> Gauge:
        self._judged.setdefault(labels[0], set()).add((gauge, labels))
        return gauge.labels(*labels)

    def _forget(self, source: str) -> None:
        """Take back what was said as the source's leader: another says it now, and an alert on ours would never end."""
        for gauge, labels in self._judged.pop(source, set()):
            gauge.remove(*labels)
        self._forget_revision(source)

    def _forget_revision(self, source: str) -> None:
        if source in self._revision:
            self._info.remove(*self._revision.pop(source))

    def reported(self, report: SourceReport) -> None:
        """Tell how a source stands."""
        source = report.name
        self._leader.labels(source).set(report.is_leader)
        self._failures.labels(source).set(report.failures)
        self._suspended.labels(source).set(report.suspension is not None)
        self._events.labels(source).set(report.watcher_problem is None)
        if report.phase is Phase.STANDING_BY:
            self._forget(source)
            return
        if report.phase is Phase.SYNCED:
            self._judge(self._rows, source).set(report.schedules)
        if report.attempted_at:
            self._attempt.labels(source).set(report.attempted_at.timestamp())
        if report.succeeded_at:
            self._success.labels(source).set(report.succeeded_at.timestamp())
        if report.revision:
            revision = report.revision
            labels = (source, revision.digest, revision.git or "", revision.mount or "", report.environment or "")
            if self._revision.get(source) != labels:
                self._forget_revision(source)
                self._revision[source] = labels
                self._info.labels(*labels).set(1)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
