"""Hostile names, and every output format with what its reader must never find in it. A new format joins `FORMATS`."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import NamedTuple
from xml.etree import ElementTree as ET

from beatsync.daemon.logs import JsonFormatter, TextFormatter
from beatsync.plan.details import schedule_details
from beatsync.plan.drift import states
from beatsync.plan.groups import row_counts
from beatsync.plan.history import HistoryEntry
from beatsync.plan.jsonform import change_json, summary_json
from beatsync.plan.leveling import Leveling, level
from beatsync.plan.load import Load, count_load
from beatsync.plan.model import Blocked, Condition, Plan
from beatsync.plan.observed import ListedRow, Pause, Suspension
from beatsync.plan.upcoming import Run, Upcoming, merged, of_files
from beatsync.report import details, github, jsonout, junit, loadtext, markdown, nexttext, sarif, text
from beatsync.report.board import Board, Outlook, SourceBoard
from beatsync.report.history import HistoryView
from beatsync.report.html import history, lists, overview, schedule, times
from beatsync.report.html.frame import Site, render_page
from beatsync.report.html.tables import part_of
from beatsync.report.values import ShownSchedule, SourceStatus, ValidationResult
from beatsync.specfile import crontab
from beatsync.values import Declared, Diagnostic, Location, Revision, Severity
from tests.builders import NOW, declared, desired, every, observed, owned, request, row
from tests.report import samples

NAMES = (
    "a\x00b", "a\x07b", "a\x08\x08b", "a\x1b[2Jb", "a\x1b]0;title\x07b", "a\x1b]8;;https://evil.example\x1b\\b", "a\x9b31mb", "a\x7fb",
    "a\nb", "a\r\nb", "a\rb", "a\x85b", "a\u2028b", "a\u2029b", "a\tb",
    "a\u202eb", "a\u2066b\u2069", "a\u200bb", "a\u200eb", "\ufeffa",
    "`a`", "```\n# a", "@ann", "@org/team", "::error::a", "\n::set-output name=a::b", "##[error]a##vso[task.complete]",
    "<script>alert(1)</script>", "<!-- a --><img src=x onerror=a>", "]]></failure><x/>", "\"a\" 'b', c: 100% | %0A::error::a",
    "[a](javascript:b) *c* _d_ ~e~ #1", "x" * 5_000,
)  # fmt: skip


class Format(NamedTuple):
    """One output format: `render` puts a name in every place that text from files or rows can reach."""

    module: str
    """The module that renders it."""
    render: Callable[[str], str]
    check: Callable[[str, str], None]
    """Fails if `output` lets the name leave its place."""


def _plan(name: str) -> Plan:
    before, after = (
        declared(name, task=name, queue=name),
        declared(name, task=f"{name}2", kwargs=json.dumps({name: name})),
    )
    plan = samples.guarded_plan(
        desired(after, declared(f"{name}-new", description=name), *_rows(name)),
        observed(row(before), inventory=(owned(before),)),
        request(),
    )
    diagnostics = _validation(name).diagnostics
    return replace(
        plan,
        source=name,
        environment=name,
        revision=Revision("0" * 64, name),
        conditions=((name, Condition.PAUSED),),
        blocked=(
            Blocked("conflict", f"message {name}", (name, name), f"hint {name}"),
            Blocked("other", name, (), name),
        ),
        diagnostics=tuple(diagnostics),
        changes=tuple(change._replace(note=name) for change in plan.changes),
    )


def _rows(name: str) -> list[Declared]:
    return [each._replace(clauses=name) for each in every(f"{name}-all", "* 8 * * *", "* 9 * * *", queue=name)]


def _validation(name: str) -> ValidationResult:
    places = (Location(name, 3, 1), Location(f"a/{name}", 3, 1), Location(f" {name}", None, None))
    diagnostics = [
        Diagnostic(severity, "some-code", name, place, name, name) for severity in Severity for place in places
    ]
    return ValidationResult([name], 1, diagnostics)


def _status(name: str) -> list[SourceStatus]:
    kept, gone = declared(name, queue=name), declared(f"{name}-gone")
    rows = enumerate(_rows(name), 3)
    database = observed(
        row(kept, 1, queue=f"{name}2", enabled=False),
        inventory=(owned(kept, 1), owned(gone, 2), *(owned(each, number) for number, each in rows)),
    )
    suspension = Suspension(name, name, NOW)
    return [
        SourceStatus(
            name,
            name,
            Revision("0" * 64, name),
            name,
            NOW,
            name,
            name,
            states(database, NOW),
            suspension,
            name,
            {1: name},
            timezone=name,
        )
    ]


def _runs(name: str) -> tuple[Iterator[Run], Upcoming]:
    upcoming = replace(of_files([declared(name)], NOW), unknown=((name, name),))
    return merged(upcoming, NOW, NOW + timedelta(hours=3)), upcoming


def _load(name: str) -> tuple[Load, Leveling]:
    daily = crontab.from_expression("0 * * * *", "UTC")
    schedules = [declared(each, schedule=daily, queue=name) for each in (name, f"{name}2")]
    upcoming = of_files(schedules, NOW)
    load = count_load(upcoming.schedules, NOW, NOW + timedelta(days=1))
    return load, level(upcoming.schedules, load)


def _history(name: str) -> list[HistoryEntry]:
    plan = _plan(name)
    # In the order of their length: the first change of a long name still has to fit.
    ordered = sorted(plan.changes, key=lambda change: len(str(change_json(change, {}))))
    changes = tuple(json.loads(json.dumps(change_json(change, row_counts(plan)))) for change in ordered)
    return [
        HistoryEntry(name, NOW, NOW, plan.revision, name, name, summary_json(plan), changes, name, name, 7, name, 3)
    ]


def _shown(name: str) -> ShownSchedule:
    rows = _rows(name)
    database = observed(
        *(row(each, number, queue=f"{name}2", enabled=False) for number, each in enumerate(rows, 1)),
        inventory=tuple(owned(each, number) for number, each in enumerate(rows, 1)),
    )
    pause = Pause(name, name, NOW)
    entries = {key: entry._replace(pause=pause) for key, entry in database.inventory.items()}
    schedule = schedule_details(f"{name}-all", replace(database, inventory=entries), NOW)
    assert schedule is not None
    place = Location(name, 3, 1)
    return ShownSchedule(
        schedule, name, name, Revision("0" * 64, name), NOW, place, name, {1: name, 2: name}, _history(name)
    )


def _pages(name: str) -> str:
    """Return every page, as pages of the dashboard and as one file."""
    site = Site("/", NOW, home="/admin/", with_arguments=True)
    warnings = [each for each in _validation(name).diagnostics if each.location.line]
    sources = [SourceBoard(status, 2, 3, warnings) for status in _status(name)]
    board = Board(NOW, sources, 1)
    runs, upcoming = _runs(name)
    load, _ = _load(name)
    outlook = Outlook(NOW, list(runs), True, upcoming.unknown, load)
    listed = [ListedRow(row(declared(name, task=name, queue=name)), name, f"{name}2")]
    entries = _history(name)
    bodies = [
        body
        for shown in (site, replace(site, base=None))
        for body in (
            overview.render(board, part_of(sources, 1), shown),
            times.render_timeline(outlook, part_of(outlook.runs, 1), shown),
            times.render_load(outlook, shown),
            lists.render_drift(part_of(lists.drifted(board), 1), shown),
            lists.render_pauses(part_of(lists.paused(board), 1), shown),
            lists.render_blocked(board, part_of(lists.skipped(board), 1), shown),
            lists.render_schedules(part_of(listed, 1), name, shown),
            lists.render_unowned(part_of(listed, 1), name, {1: name}, shown),
            history.render_list(entries, 7, shown, name),
            history.render_entry(entries[0], 1, shown),
            schedule.render(_shown(name), shown),
        )
    ]
    return render_page(name, bodies, site)


def _fail(name: str) -> None:
    raise ValueError(name)


def _record(name: str) -> logging.LogRecord:
    try:
        _fail(name)
    except ValueError:
        record = logging.LogRecord("beatsync", logging.ERROR, "", 0, "%s", (name,), sys.exc_info())
    record.fields = {"source": name, "reasons": (name,)}
    return record


def _lines(_: str, output: str) -> None:
    """A terminal, and the log of a CI server: no character that acts, no line that is a command."""
    assert output.replace("\n", "").isprintable()
    for line in output.split("\n"):
        assert not line.lstrip().startswith("::"), line
        assert re.search(r"##\w*\[", line) is None, line


def _workflow(name: str, output: str) -> None:
    assert output.replace("\n", "").isprintable()
    *commands, _ = output.split("\n")
    assert len(commands) == len(_validation(name).diagnostics)
    for command in commands:
        assert re.fullmatch(
            r"::(error|warning) file=[^:,]*(,line=\d+,col=\d+)?,title=beatsync some-code::.*", command
        ), command
        assert re.search(r"##\w*\[", command) is None, command


def _json(_: str, output: str) -> None:
    json.loads(output)
    assert output.replace("\n", "").isprintable()
    assert re.search(r"##\w*\[", output) is None


def _json_with(key: str, *path: object) -> Callable[[str, str], None]:
    def check(name: str, output: str) -> None:
        _json(name, output)
        value = json.loads(output)
        for part in path:
            value = value[part]
        assert value[key] == name

    return check


def _xml(name: str, output: str) -> None:
    root = ET.fromstring(output)
    assert {element.tag for element in root.iter()} <= {"testsuites", "testsuite", "testcase", "failure", "system-out"}
    assert len(root.findall("testsuite/testcase")) == len({name, f"a/{name}", f" {name}"})
    _lines(name, "\n".join(root.itertext()))


class _Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.opened: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, "", "")] + [(tag, key, text) for key, text in attrs]
        if tag not in {"meta", "input"}:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.opened[-1:] != ["style"]:
            self.texts.append(data)


_TAGS = frozenset(
    "html head meta title style body header footer main nav section div p a span ul ol li dl dt dd h1 h2 h3 h4 h5 table caption"
    " thead tbody tr th td code form label input button svg desc rect line text".split()
)


def _html(_: str, output: str) -> None:
    """A browser: no element, attribute or address but ours, and every element is closed."""
    page = _Tags()
    page.feed(output)
    page.close()
    assert not page.opened
    for tag, key, text_ in page.attributes:
        assert tag in _TAGS, tag
        assert not key.startswith("on")
        assert key not in {"style", "src", "srcdoc"}
        if key in {"href", "action"}:
            assert (text_ or "").startswith(("/", "#", "https://", "http://")), text_
            assert not (text_ or "").startswith("//")
    assert "".join(page.texts).replace("\n", "").isprintable()


def _markdown(_: str, output: str) -> None:
    fence = re.search(r"^(`{3,})diff\n(.*?)\n\1$", output, re.DOTALL | re.MULTILINE)
    assert fence is not None
    outside = output.replace(fence[0], "")
    without_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert output.replace("\n", "").isprintable()
    assert re.search(r"(?<!\\)<(?!!-- -->)", without_code) is None, without_code
    assert re.search(r"@(?!<!-- -->)", without_code) is None, without_code
    assert re.search(r"(?<!\\)[\]\[]\(", without_code) is None, without_code
    for line in output.split("\n"):
        assert not line.lstrip().startswith("::"), line
        assert re.search(r"##\w*\[", line) is None, line
        assert not re.match(r"# |\|", line), line


FORMATS = {
    "plan as text": Format(
        "text", lambda name: "\n".join(text.render_plan(_plan(name), applied=False, with_rows=True)), _lines
    ),
    "validation as text": Format("text", lambda name: text.render_validation(_validation(name)), _lines),
    "status as text": Format("text", lambda name: text.render_status(_status(name), with_rows=True), _lines),
    "plan as JSON": Format(
        "jsonout", lambda name: "\n".join(jsonout.render_plan(_plan(name), applied=False)), _json_with("source")
    ),
    "validation as JSON": Format(
        "jsonout", lambda name: jsonout.render_validation(_validation(name)), _json_with("message", "diagnostics", 0)
    ),
    "status as JSON": Format(
        "jsonout", lambda name: jsonout.render_status(_status(name)), _json_with("name", "sources", 0)
    ),
    "next runs as text": Format(
        "nexttext", lambda name: "\n".join(nexttext.render_next(*_runs(name), NOW, None, "UTC")), _lines
    ),
    "next runs as JSON": Format(
        "jsonout", lambda name: "\n".join(jsonout.render_next(_runs(name)[0], "UTC")), _json_with("name", "runs", 0)
    ),
    "load as text": Format(
        "loadtext", lambda name: "\n".join(loadtext.render_load(_load(name)[0], "UTC", _load(name)[1])), _lines
    ),
    "load as JSON": Format("jsonout", lambda name: jsonout.render_load(*_load(name)), _json_with("queue", "queues", 0)),
    "history as text": Format("text", lambda name: text.render_history(_history(name), HistoryView()), _lines),
    "history as JSON": Format(
        "jsonout", lambda name: jsonout.render_history(_history(name)), _json_with("source", "entries", 0)
    ),
    "history as Markdown": Format(
        "markdown", lambda name: markdown.render_history(_history(name), HistoryView()), _markdown
    ),
    "schedule as text": Format("details", lambda name: details.render_schedule(_shown(name)), _lines),
    "schedule as JSON": Format("jsonout", lambda name: jsonout.render_schedule(_shown(name)), _json_with("source")),
    "pages": Format("html", _pages, _html),
    "plan as Markdown": Format(
        "markdown", lambda name: markdown.render_plan(_plan(name), applied=False, with_rows=True), _markdown
    ),
    "validation for GitHub": Format("github", lambda name: github.render_validation(_validation(name)), _workflow),
    "validation as SARIF": Format("sarif", lambda name: sarif.render_validation(_validation(name), "1"), _json),
    "validation as JUnit": Format("junit", lambda name: junit.render_validation(_validation(name)), _xml),
    "log as text": Format("daemon", lambda name: TextFormatter().format(_record(name)), _lines),
    "log as JSON": Format("daemon", lambda name: JsonFormatter().format(_record(name)), _json_with("message")),
}
NO_FORMATS = {
    "board",
    "changes",
    "escape",
    "groups",
    "history",
    "links",
    "paint",
    "places",
    "runs",
    "schedules",
    "states",
    "summary",
    "values",
}
"""The modules of `beatsync/report` that only the formats use."""
