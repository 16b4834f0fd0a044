"""What is wrong with spec files, for people, programs and CI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from beatsync.plan.jsonform import FORMAT_VERSION, diagnostic_json
from beatsync.report.paint import Paint, clean, counted, json_text, plain
from beatsync.values import Diagnostic, Severity

_MOST_EXCERPT = 120


@dataclass(frozen=True, slots=True)
class Checked:
    """A source that was validated: how many files and schedules it has, and what is wrong with them."""

    files: int
    schedules: int
    diagnostics: Sequence[Diagnostic]
    paths: Sequence[str] = ()
    """Every file that was read, as the diagnostics name it."""


def text(diagnostic: Diagnostic, paint: Paint = plain) -> str:
    """Return one diagnostic in the way of compilers, with its source line and a caret where they may be shown."""
    severity = diagnostic.severity.value
    place, code = clean(str(diagnostic.location)), f"[{diagnostic.code}]"
    what = f"{paint(severity, severity)}: {clean(diagnostic.message)}"
    lines = [f"{paint(place, 'place')}: {what} {paint(code, 'quiet')}"]
    if diagnostic.excerpt and diagnostic.excerpt.strip():
        lines += _excerpt(diagnostic.excerpt, diagnostic.location.column or 1, paint)
    if diagnostic.hint:
        lines.append(f"  {paint('hint:', 'hint')} {clean(diagnostic.hint)}")
    return "\n".join(lines)


def _excerpt(excerpt: str, column: int, paint: Paint) -> list[str]:
    line = clean(excerpt.replace("\t", " "))
    first = max(0, min(column - 1, len(line)) - _MOST_EXCERPT // 2) if len(line) > _MOST_EXCERPT else 0
    shown = line[first : first + _MOST_EXCERPT].rstrip()
    caret = column - 1 - first
    bar = paint("|", "quiet")
    if not 0 <= caret <= len(shown):
        return [f"  {bar} {shown}"]
    return [f"  {bar} {shown}", f"  {bar} {' ' * caret}{paint('^', 'caret')}"]


def text_report(checked: Checked, paint: Paint = plain) -> str:
    """Return all diagnostics and the totals last."""
    blocks = [text(diagnostic, paint) for diagnostic in checked.diagnostics]
    return "\n".join([*blocks, totals(checked, paint)])


def totals(checked: Checked, paint: Paint = plain) -> str:
    """Return one line: how much was read, and how much of it is wrong."""
    errors = sum(one.severity is Severity.ERROR for one in checked.diagnostics)
    warnings = len(checked.diagnostics) - errors
    read = f"{counted(checked.files, 'file')}, {counted(checked.schedules, 'schedule')}"
    if not errors and not warnings:
        return f"{read}: {paint('valid', 'good')}"
    found = [counted(errors, "error")] if errors else [paint("valid", "good")]
    if warnings:
        found.append(counted(warnings, "warning"))
    return f"{read}: {', '.join(found)}"


def json_report(checked: Checked) -> str:
    """Return the JSON of `schemas/validate.schema.json`."""
    report = {
        "format_version": FORMAT_VERSION,
        "files": checked.files,
        "schedules": checked.schedules,
        "diagnostics": [diagnostic_json(one) for one in checked.diagnostics],
    }
    return json_text(report)


def github_report(checked: Checked) -> str:
    """Return GitHub's workflow commands, which show each diagnostic at its line in a pull request.

    Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "\n".join([*(_annotation(one) for one in checked.diagnostics), totals(checked)])


def _annotation(diagnostic: Diagnostic) -> str:
    where = diagnostic.location
    properties = {"file": where.path, "line": where.line, "col": where.column, "title": f"beatsync {diagnostic.code}"}
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    hint = f"\nhint: {clean(diagnostic.hint)}" if diagnostic.hint else ""
    return f"::{diagnostic.severity.value} {given}::{_data(clean(diagnostic.message) + hint)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(clean(value)).replace(":", "%3A").replace(",", "%2C")


def sarif_report(checked: Checked, version: str) -> str:
    """Return SARIF 2.1.0, which code scanning reads; `version` is that of BeatSync."""
    codes = sorted({one.code for one in checked.diagnostics})
    driver = {"name": "beatsync", "version": version, "rules": [{"id": code} for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(one) for one in checked.diagnostics],
    }
    report = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json_text(report)


def _sarif_result(diagnostic: Diagnostic) -> dict[str, Any]:
    from urllib.parse import quote

    where = diagnostic.location
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(where.path)}}
    if where.line is not None:
        physical["region"] = {"startLine": where.line, "startColumn": where.column or 1}
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    return {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity.value,
        "message": {"text": diagnostic.message + hint},
        "locations": [{"physicalLocation": physical}],
    }


def junit_report(checked: Checked) -> str:
    """Return JUnit XML: one test case a file, which fails where the file has an error."""
    by_path: dict[str, list[Diagnostic]] = {path: [] for path in checked.paths}
    for one in checked.diagnostics:
        by_path.setdefault(one.location.path, []).append(one)
    failed = sum(any(one.severity is Severity.ERROR for one in found) for found in by_path.values())
    counts = f'tests="{len(by_path)}" failures="{failed}" errors="0"'
    cases = [_case(path, found) for path, found in sorted(by_path.items())]
    suite = [f'  <testsuite name="beatsync" {counts}>', *cases, "  </testsuite>"]
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="beatsync" {counts}>', *suite, "</testsuites>"]
    )


def _case(path: str, found: Iterable[Diagnostic]) -> str:
    errors = [one for one in found if one.severity is Severity.ERROR]
    warnings = [one for one in found if one.severity is Severity.WARNING]
    from xml.sax.saxutils import quoteattr  # with it comes urllib: 15 ms

    head = f'    <testcase classname="beatsync.validate" name={quoteattr(clean(path))}'
    body = []
    if errors:
        first = quoteattr(clean(errors[0].message))
        body.append(f'      <failure message={first} type="error">{_xml(errors)}</failure>')
    if warnings:
        body.append(f"      <system-out>{_xml(warnings)}</system-out>")
    return "\n".join([f"{head}>", *body, "    </testcase>"]) if body else f"{head}/>"


def _xml(found: Iterable[Diagnostic]) -> str:
    from xml.sax.saxutils import escape

    return escape("\n".join(text(one) for one in found))
