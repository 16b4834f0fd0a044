"""The alerts and the dashboard use only existing metrics, labels and label values."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any

import pytest
import yaml

from tests.deploy.deploying import DEPLOY, check, need_module

ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
OPERATOR = DEPLOY / "kubernetes" / "monitoring" / "prometheusrule.yaml"
DASHBOARD = DEPLOY / "grafana" / "beatsync.json"
SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds to every series."""


@cache
def metrics() -> dict[str, set[str]]:
    """Return the labels of each series of the daemon's registry, by name."""
    from beatsync.daemon.metrics import Metrics

    registry = Metrics().registry
    result: dict[str, set[str]] = {}
    for name, collector in registry._names_to_collectors.items():
        labels = set(getattr(collector, "_labelnames", ()))
        result[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    result["beatsync_build_info"] = {"version"}
    # The series of the process collector on Linux are known only after a collection.
    for family in registry.collect():
        for sample in family.samples:
            result.setdefault(sample.name, set(sample.labels))
    return result


@cache
def values() -> dict[str, set[str]]:
    """Return the values of each label that has a fixed set of values."""
    from beatsync.daemon.metrics import RESULTS
    from beatsync.plan.model import Action, Cause, Condition
    from beatsync.values import Severity

    kinds: dict[str, type[Enum]] = {"action": Action, "cause": Cause, "condition": Condition, "severity": Severity}
    return {"result": set(RESULTS)} | {label: {str(item.value) for item in kind} for label, kind in kinds.items()}


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return panels


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in panels():
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    yield from ((item["name"], item["expr"]) for item in dashboard["annotations"]["list"])


def problems(expression: str) -> list[str]:
    """Return the unknown metrics, labels and label values of an expression, including the labels that it groups by."""
    promql = need_module("promql_parser")
    # Grafana replaces its variables before Prometheus parses the expression.
    return list(_problems(promql, promql.parse(re.sub(r"\$__?\w+", "5m", expression))))


def _problems(promql: Any, node: Any) -> Iterator[str]:
    selectors = list(_selectors(promql, node))
    for selector in selectors:
        labels = metrics().get(selector.name)
        if labels is None:
            yield f"there is no metric {selector.name}"
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name not in labels:
                yield f"{selector.name} has no label {matcher.name}"
            elif matcher.op == promql.MatchOp.Equal and matcher.value not in values().get(
                matcher.name, {matcher.value}
            ):
                yield f"{matcher.name} is never {matcher.value!r}"
    for grouped, part in _grouped(promql, node):
        for selector in _selectors(promql, part):
            for label in grouped - metrics().get(selector.name, set()) - SCRAPED:
                yield f"{selector.name} has no label {label} to group by"


def _children(node: Any) -> list[Any]:
    result = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param")]
    return [item for item in [*result, *(getattr(node, "args", None) or [])] if item is not None]


def _selectors(promql: Any, node: Any) -> Iterator[Any]:
    if isinstance(node, promql.VectorSelector):
        yield node
    for child in _children(node):
        yield from _selectors(promql, child)


def _grouped(promql: Any, node: Any) -> Iterator[tuple[set[str], Any]]:
    modifier = getattr(node, "modifier", None)
    if isinstance(node, promql.AggregateExpr) and modifier is not None:
        yield set(modifier.labels), node.expr
    for child in _children(node):
        yield from _grouped(promql, child)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_uses_existing_metrics(alert: dict[str, Any]) -> None:
    assert problems(alert["expr"]) == []


@pytest.mark.parametrize(("title", "expression"), list(dashboard_expressions()))
def test_a_panel_uses_existing_metrics(title: str, expression: str) -> None:
    assert problems(expression) == [], title


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("beatsync_leeder == 0", "there is no metric beatsync_leeder"),
        ('rate(beatsync_reconciles_total{outcome="failed"}[5m])', "beatsync_reconciles_total has no label outcome"),
        ('beatsync_reconciles_total{result="broken"}', "result is never 'broken'"),
        ("sum by (code) (beatsync_leader)", "beatsync_leader has no label code to group by"),
        ("histogram_quantile(0.9, sum by (le) (rate(beatsync_reconciles_total[5m])))", "beatsync_reconciles_total has no label le to group by"),
        ("time() - max(beatsync_last_sucess_timestamp_seconds) > 9", "there is no metric beatsync_last_sucess_timestamp_seconds"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_detected(expression: str, problem: str) -> None:
    assert problems(expression) == [problem]


def test_promtool_accepts_and_tests_the_rules() -> None:
    check("promtool", "check", "rules", ALERTS)
    check("promtool", "test", "rules", ALERTS.with_name("alerts.test.yaml"))


def test_every_alert_is_tested_firing_and_not_firing() -> None:
    tests = yaml.safe_load(ALERTS.with_name("alerts.test.yaml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    names = {alert["alert"] for alert in alerts()}
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names


def test_the_operator_has_the_same_rules() -> None:
    text = ALERTS.read_text()
    wanted = text[text.index("groups:") :]
    spec = yaml.safe_load(OPERATOR.read_text())["spec"]
    if spec != yaml.safe_load(wanted) and os.environ.get("BEATSYNC_RENEW") == "1":
        head = OPERATOR.read_text().partition("\nspec:\n")[0]
        OPERATOR.write_text(f"{head}\nspec:\n" + re.sub(r"(?m)^(?=.)", "  ", wanted))
        spec = yaml.safe_load(OPERATOR.read_text())["spec"]
    assert spec == yaml.safe_load(wanted), "BEATSYNC_RENEW=1 writes prometheusrule.yaml again"


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    places: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & places, f"{panel['title']} overlaps another panel"
        assert place["x"] + place["w"] <= 24, panel["title"]
        places |= cells
        for target in panel["targets"]:
            # A legend may only use labels of the result.
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                assert label == "instance" or re.search(rf"by \([^)]*\b{label}\b", target["expr"]), (
                    panel["title"],
                    label,
                )
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    variables = {item["name"] for item in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", DASHBOARD.read_text())) - {"__rate_interval", "__all"}
    assert used == variables
