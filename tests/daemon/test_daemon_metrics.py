"""The metrics follow Prometheus' conventions, are bounded, and are documented in docs/daemon.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from beatsync.daemon.metrics import Metrics
from beatsync.daemon.state import Phase, SourceReport
from beatsync.plan.model import Blocked, Condition, Plan
from beatsync.plan.observed import Suspension
from beatsync.reconcile import utc_now
from beatsync.values import Diagnostic, Location, Revision, Severity

PAGE = Path(__file__).parents[2] / "docs" / "daemon.md"
ROW = re.compile(r"^\| `(beatsync_\w+)` \| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)
CODES = {"max-deletes", "empty"}


def plan(*codes: str) -> Plan:
    return Plan(
        "shop",
        Revision("a" * 64),
        conditions=(("nightly", Condition.PAUSED),),
        blocked=tuple(Blocked(code, "because") for code in codes),
        diagnostics=(Diagnostic(Severity.ERROR, "crontab-range", "no", Location("a.yaml")),),
    )


def report(**fields: Any) -> SourceReport:
    now = utc_now()
    return SourceReport("shop", "/specs", **{"phase": Phase.SYNCED, "attempted_at": now, "succeeded_at": now, **fields})


@pytest.fixture
def metrics() -> Metrics:
    """Metrics that all have a value."""
    metrics = Metrics()
    metrics.add_source("shop")
    metrics.update_plan("shop", plan(*CODES), applied=True, repairs=1)
    metrics.count_reconcile("shop", "applied", 0.1)
    metrics.update_report(report(revision=Revision("a" * 64, "c0ffee", "..2026"), schedules=3))
    return metrics


def labels(metrics: Metrics) -> dict[str, set[str]]:
    """Return the labels of each of our metrics, by the name that queries use."""
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        if family.name.startswith("process_"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        names[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
    return names


def test_the_page_lists_every_metric_with_its_labels(metrics: Metrics) -> None:
    documented = {name: set(re.findall(r"\w+", words)) for name, words in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    assert documented == labels(metrics), "update the table of metrics in docs/daemon.md"


def test_the_queries_of_the_page_use_existing_metrics(metrics: Metrics) -> None:
    used = set(re.findall(r"beatsync_\w+", PAGE.read_text(encoding="utf-8")))
    assert used == labels(metrics).keys()


def test_names_and_units_follow_the_conventions(metrics: Metrics) -> None:
    for family in text_string_to_metric_families(metrics.text().decode()):
        assert family.documentation
        if family.name.startswith("process_"):
            continue
        assert re.fullmatch(r"beatsync(_[a-z]+)+", family.name)
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge", "histogram", "info"}
        assert ("timestamp" in family.name or "duration" in family.name) == family.name.endswith("_seconds")
        assert not family.name.endswith(("_count", "_sum", "_bucket"))


def test_the_number_of_series_does_not_grow_with_revisions(metrics: Metrics) -> None:
    before = metrics.text().count(b"\n")
    for number in range(50):
        metrics.update_report(report(revision=Revision(f"{number:064x}", f"{number:040x}")))
        metrics.update_plan("shop", plan("max-deletes"), applied=False, repairs=0)
    assert metrics.text().count(b"\n") == before
    assert metrics.registry.get_sample_value("beatsync_blocked", {"source": "shop", "code": "empty"}) == 0


def test_a_suspension_counts_in_every_phase(metrics: Metrics) -> None:
    metrics.update_report(report(phase=Phase.INVALID, suspension=Suspension("ann", "release")))
    assert metrics.registry.get_sample_value("beatsync_suspended", {"source": "shop"}) == 1


def test_metrics_of_the_process_are_included(metrics: Metrics) -> None:
    assert (metrics.registry.get_sample_value("process_open_fds") or 0) > 0
    assert (metrics.registry.get_sample_value("process_resident_memory_bytes") or 0) > 0
