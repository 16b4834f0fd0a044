"""The metrics: named by Prometheus' conventions, bounded, and told of in docs/daemon.md."""

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
    moment = utc_now()
    return SourceReport(
        "shop", "/specs", **{"phase": Phase.SYNCED, "attempted_at": moment, "succeeded_at": moment, **fields}
    )


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of which every one has been told something."""
    one = Metrics()
    one.add_source("shop")
    one.planned("shop", plan(*CODES), applied=True, repairs=1)
    one.ended("shop", "applied", 0.1)
    one.reported(report(revision=Revision("a" * 64, "c0ffee", "..2026"), schedules=3))
    return one


def labels(metrics: Metrics) -> dict[str, set[str]]:
    """Return the labels of each metric that is ours, by the name under which it is asked for."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        if family.name.startswith("process_"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
    return found


def test_the_page_knows_each_of_them_and_no_other(metrics: Metrics) -> None:
    told = {name: set(re.findall(r"\w+", words)) for name, words in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    assert told == labels(metrics), "mend the table of metrics in docs/daemon.md"


def test_what_the_page_asks_for_is_there(metrics: Metrics) -> None:
    asked = set(re.findall(r"beatsync_\w+", PAGE.read_text(encoding="utf-8")))
    assert asked == labels(metrics).keys()


def test_they_keep_to_the_conventions(metrics: Metrics) -> None:
    for family in text_string_to_metric_families(metrics.text().decode()):
        assert family.documentation
        if family.name.startswith("process_"):
            continue
        assert re.fullmatch(r"beatsync(_[a-z]+)+", family.name)
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge", "histogram", "info"}
        assert ("timestamp" in family.name or "duration" in family.name) == family.name.endswith("_seconds")
        assert not family.name.endswith(("_count", "_sum", "_bucket"))


def test_revisions_do_not_pile_up(metrics: Metrics) -> None:
    before = metrics.text().count(b"\n")
    for number in range(50):
        metrics.reported(report(revision=Revision(f"{number:064x}", f"{number:040x}")))
        metrics.planned("shop", plan("max-deletes"), applied=False, repairs=0)
    assert metrics.text().count(b"\n") == before
    assert metrics.registry.get_sample_value("beatsync_blocked", {"source": "shop", "code": "empty"}) == 0


def test_a_suspension_counts_whatever_else_is_the_matter(metrics: Metrics) -> None:
    metrics.reported(report(phase=Phase.INVALID, suspension=Suspension("ann", "release")))
    assert metrics.registry.get_sample_value("beatsync_suspended", {"source": "shop"}) == 1


def test_the_process_is_told_of(metrics: Metrics) -> None:
    assert (metrics.registry.get_sample_value("process_open_fds") or 0) > 0
    assert (metrics.registry.get_sample_value("process_resident_memory_bytes") or 0) > 0
