"""The metrics for Prometheus; names, units and labels follow https://prometheus.io/docs/practices/naming/."""

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
from beatsync.plan.groups import schedule_changes, schedule_conditions
from beatsync.plan.model import Action, Cause, Condition, Plan
from beatsync.values import Severity

RESULTS = ("applied", "unchanged", "invalid", "blocked", "suspended", "failed")
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """All metrics of one daemon, in a separate registry."""

    def __init__(self) -> None:
        # `process_start_time_seconds` is already the time at which the counters started.
        disable_created_metrics()  # type: ignore[no-untyped-call,unused-ignore]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Info("beatsync_build", "Version of BeatSync.", registry=self.registry).info({"version": __version__})
        self._duration = Histogram(
            "beatsync_reconcile_duration_seconds", "Duration of reconciles.", ["source"],
            buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._results = self._counter("beatsync_reconciles", "Reconciles by result.", "result")
        self._changes = self._counter("beatsync_changes", "Rows changed, by action and cause.", "action", "cause")
        self._repairs = self._counter("beatsync_repairs", "Rows written again because beat had reverted them.")
        self._success = self._gauge("beatsync_last_success_timestamp_seconds", "When the rows last matched the files.")
        self._attempt = self._gauge("beatsync_last_reconcile_timestamp_seconds", "When the last reconcile ended.")
        self._info = self._gauge(
            "beatsync_source_info", "The revision that was last synced.", "digest", "git", "mount", "environment"
        )
        self._problems = self._gauge("beatsync_diagnostics", "Diagnostics of the current files.", "severity")
        self._valid = self._gauge("beatsync_source_valid", "1 if the current files are valid.")
        self._rows = self._gauge("beatsync_schedules", "Schedules that the source owns.")
        self._states = self._gauge(
            "beatsync_schedules_left_alone", "Schedules that syncs leave unchanged, by reason.", "condition"
        )
        self._blocked = self._gauge("beatsync_blocked", "1 for each code that blocks syncs now.", "code")
        self._suspended = self._gauge("beatsync_suspended", "1 if the source is suspended.")
        self._leader = self._gauge("beatsync_leader", "1 if this process leads the source.")
        self._failures = self._gauge("beatsync_consecutive_failures", "Failed reconciles since the last success.")
        self._events = self._gauge(
            "beatsync_watcher_events", "1 if file events are received, 0 if changes are only polled."
        )
        self._leader_series: dict[str, set[tuple[Gauge, tuple[str, ...]]]] = {}
        """By source: the series that only its leader can report."""

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, ["source", *labels], registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, ["source", *labels], registry=self.registry)

    def add_source(self, source: str) -> None:
        """Start every series of a source at zero, so that the first failure counts as an increase."""
        for result in RESULTS:
            self._results.labels(source, result)
        for action in Action:
            for cause in Cause:
                self._changes.labels(source, action.value, cause.value)
        for metric in (self._repairs, self._duration, self._leader, self._failures, self._suspended):
            metric.labels(source)

    def count_reconcile(self, source: str, result: str, seconds: float) -> None:
        """Count a finished reconcile."""
        self._results.labels(source, result).inc()
        self._duration.labels(source).observe(seconds)

    def update_plan(self, source: str, plan: Plan, *, applied: bool, repairs: int) -> None:
        """Update the gauges from a plan, and count its changes if it was applied."""
        severities = collections.Counter(diagnostic.severity for diagnostic in plan.diagnostics)
        for severity in Severity:
            self._leader_gauge(self._problems, source, severity.value).set(severities[severity])
        self._leader_gauge(self._valid, source).set(not severities[Severity.ERROR])
        codes = {blocked.code for blocked in plan.blocked}
        for code in codes | {labels[-1] for labels in self._reported(self._blocked, source)}:
            self._leader_gauge(self._blocked, source, code).set(code in codes)
        conditions = collections.Counter(condition for _, condition in schedule_conditions(plan))
        for condition in Condition:
            self._leader_gauge(self._states, source, condition.value).set(conditions[condition])
        if applied:
            for schedule in schedule_changes(plan):
                self._changes.labels(source, schedule.action.value, schedule.cause.value).inc()
            self._repairs.labels(source).inc(repairs)

    def _leader_gauge(self, gauge: Gauge, source: str, *labels: str) -> Gauge:
        self._leader_series.setdefault(source, set()).add((gauge, (source, *labels)))
        return gauge.labels(source, *labels)

    def _reported(self, gauge: Gauge, source: str) -> set[tuple[str, ...]]:
        """Return the labels of each series of a leader's gauge."""
        return {labels for other, labels in self._leader_series.get(source, ()) if other is gauge}

    def _remove(self, source: str, gauge: Gauge, labels: tuple[str, ...]) -> None:
        self._leader_series[source].remove((gauge, labels))
        gauge.remove(*labels)

    def update_report(self, report: SourceReport) -> None:
        """Update the gauges from the state of a source."""
        source = report.name
        self._leader.labels(source).set(report.is_leader)
        self._failures.labels(source).set(report.failures)
        self._suspended.labels(source).set(report.suspension is not None)
        self._events.labels(source).set(report.watcher_problem is None)
        if report.phase is Phase.STANDING_BY:
            # Another process reports these now, and an alert on ours would never end.
            for gauge, labels in list(self._leader_series.get(source, ())):
                self._remove(source, gauge, labels)
            return
        if report.phase is Phase.SYNCED:
            self._leader_gauge(self._rows, source).set(report.schedules)
        if report.attempted_at:
            self._attempt.labels(source).set(report.attempted_at.timestamp())
        if report.succeeded_at:
            self._success.labels(source).set(report.succeeded_at.timestamp())
        if report.revision:
            revision = report.revision
            labels = (source, revision.digest, revision.git or "", revision.mount or "", report.environment or "")
            for previous in self._reported(self._info, source) - {labels}:
                self._remove(source, self._info, previous)
            self._leader_gauge(self._info, *labels).set(1)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
