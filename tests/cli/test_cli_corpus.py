"""No secret of the corpus shows anywhere, and whatever only resembles a secret stays readable."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.daemon.logs import JsonFormatter, TextFormatter
from beatsync.daemon.metrics import Metrics
from beatsync.daemon.reporter import SourceReporter
from beatsync.daemon.state import Phase, SourceReport
from beatsync.models import FileRecord, Source, SyncRecord
from beatsync.reconcile import utc_now
from beatsync.specfile.shapes import mask_json, mask_text
from beatsync.store import Failure, Store, StoreError
from tests.cli.commanding import InProcess
from tests.golden import DATA

CORPUS = json.loads((DATA / "secrets" / "corpus.json").read_text(encoding="utf-8"))
SECRETS, NEAR_MISSES = CORPUS["secrets"], CORPUS["near_misses"]
MARK = "changed"


def spec(mark: str) -> str:
    """One schedule for each entry, with the value in `kwargs`, and in `description` if it is a text of that shape."""
    schedules: dict[str, Any] = {}
    for number, entry in enumerate((*SECRETS, *NEAR_MISSES)):
        value = entry["value"]
        schedule: dict[str, Any] = {"task": "t", "interval": "1h", "kwargs": {"mark": mark, entry["name"]: value}}
        if isinstance(value, str) and mask_text(value) != value:
            schedule["description"] = f"{mark} {value}"
            schedule["args"] = [{"deep": [value]}]
        schedules[f"job-{number:03}"] = schedule
    return json.dumps({"schedules": schedules})


def leaks(text: str) -> list[str]:
    # A part of a secret that a readable value contains too proves nothing.
    return sorted({part for entry in SECRETS for part in entry["secret"] if part in text})


def test_the_corpus_is_large_enough() -> None:
    assert len(SECRETS) >= 100
    assert len(NEAR_MISSES) >= 40
    readable = json.dumps(NEAR_MISSES)
    assert leaks(readable) == [], "a near miss contains a secret of the corpus, so that the tests cannot pass"


def test_no_output_and_no_table_shows_a_secret(here: InProcess) -> None:
    texts = ""
    for mark in ("before", MARK):
        here.spec(spec(mark), "schedules.d/tasks.json.yaml")
        for output in ("text", "json", "markdown"):
            result = here("plan", "--format", output, "--verbose")
            assert result.code == 0
            texts += result.out + result.err
        texts += "".join(vars(here("plan", "--out", "plan.json"))[part] for part in ("out", "err"))
        texts += (here.path / "plan.json").read_text(encoding="utf-8")
        done = here("sync", "--plan", "plan.json", "--format", "json")
        assert done.code == 0
        texts += done.out + done.err
    for row in PeriodicTask.objects.using(here.alias).all():
        row.kwargs, row.description = row.kwargs.replace(MARK, "drift"), row.description.replace(MARK, "drift")
        row.save(using=here.alias)
    for output in ("text", "json"):
        texts += here("status", "--format", output).out
    for model in (Source, SyncRecord, FileRecord):
        texts += json.dumps([str(values) for values in model.objects.using(here.alias).values()])
    assert leaks(texts) == []
    assert "***" in texts


@pytest.mark.parametrize("template", ["%s", "cannot connect: %s", 'refused {"%s"} by the server'])
def test_no_message_log_metric_or_status_shows_a_secret(here: InProcess, template: str) -> None:
    store, metrics = Store(here.alias, project_settings=False), Metrics()
    texts = ""
    for entry in SECRETS:
        value = entry["value"]
        if not isinstance(value, str) or mask_text(value) == value:
            value = json.dumps({entry["name"]: value})
        message = template % value if template.count('"') == 0 else f"refused {value} by the server"
        assert leaks(str(StoreError(message))) == []
        reporter = SourceReporter(SourceReport("shop", "schedules.d"), metrics)
        reporter.failure(message, 1, 1.0, 1.0, is_leader=True)
        reporter.update(phase=Phase.FAILED, watcher_problem=message)
        texts += json.dumps(reporter.report.json())
        record = logging.LogRecord("beatsync", logging.ERROR, "", 0, "%s", (message,), None)
        record.fields = {"reasons": (message,)}
        texts += TextFormatter().format(record) + JsonFormatter().format(record)
    store.record_failure("shop", Failure("failed", message, utc_now()))
    texts += str(store.sources()) + str(store.history("shop", 10)) + metrics.text().decode()
    assert leaks(texts) == []


@pytest.mark.parametrize("entry", NEAR_MISSES, ids=lambda entry: entry["name"])
def test_what_only_resembles_a_secret_stays_readable(entry: dict[str, Any]) -> None:
    value = {entry["name"]: entry["value"]}
    assert mask_json(value) == value
    for text in (json.dumps(value), f"error: {json.dumps(value)} refused"):
        assert mask_text(text) == text
    if isinstance(entry["value"], str):
        assert mask_text(f"the task: {entry['value']}") == f"the task: {entry['value']}"


@pytest.mark.parametrize("entry", SECRETS, ids=lambda entry: entry["name"])
def test_masking_twice_is_masking_once(entry: dict[str, Any]) -> None:
    once = mask_json({entry["name"]: entry["value"]})
    assert mask_json(once) == once
    assert json.loads(mask_text(json.dumps(once))) == once


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a:",
        "-",
        "'",
        "\\",
        "{",
        "@",
        "a=b ",
        "eyJ",
        "http://a:",
        "mysql ",
        "password='",
        '"a":',
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_masking_takes_linear_time(piece: str) -> None:
    from time import process_time

    started = process_time()
    mask_text(piece * (100_000 // len(piece)))
    assert process_time() - started < 2


def test_a_changed_secret_shows_as_a_change(here: InProcess) -> None:
    template = "schedules: {a: {task: t, interval: 1h, description: 'see postgres://app:%s@db/x', kwargs: {url: 'redis://:%s@c/0', n: 1}}}"
    here.spec(template % ("one", "one"))
    assert here("sync").code == 0
    here.spec(template % ("two", "two"))
    shown = here("plan").out
    assert '"see postgres://app:***@db/x (before)" → "see postgres://app:***@db/x (after)"' in shown
    assert 'kwargs.url   "redis://:***@c/0 (before)" → "redis://:***@c/0 (after)"' in shown
    assert "one" not in shown
