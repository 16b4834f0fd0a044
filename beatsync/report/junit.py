"""JUnit XML, which CI servers read: one test case per file; it fails if the file has an error."""

from __future__ import annotations

from collections.abc import Sequence

from beatsync.report.escape import xml_attribute, xml_text
from beatsync.report.text import render_diagnostic
from beatsync.report.values import ValidationResult
from beatsync.values import Diagnostic, Severity


def render_validation(result: ValidationResult) -> str:
    """Return a report with one test suite. Warnings are the output of a test case that passes."""
    by_path: dict[str, list[Diagnostic]] = {path: [] for path in result.paths}
    for diagnostic in result.diagnostics:
        by_path.setdefault(diagnostic.location.path, []).append(diagnostic)
    failures = sum(bool(_of(diagnostics, Severity.ERROR)) for diagnostics in by_path.values())
    counts = f'tests="{len(by_path)}" failures="{failures}" errors="0"'
    cases = [_case(path, diagnostics) for path, diagnostics in sorted(by_path.items())]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="beatsync" {counts}>',
            f'  <testsuite name="beatsync" {counts}>',
            *cases,
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(path: str, diagnostics: Sequence[Diagnostic]) -> str:
    errors, warnings = _of(diagnostics, Severity.ERROR), _of(diagnostics, Severity.WARNING)
    head = f'    <testcase classname="beatsync.validate" name={xml_attribute(path)}'
    body = []
    if errors:
        message = xml_attribute(errors[0].text)
        body.append(f'      <failure message={message} type="error">{_text(errors)}</failure>')
    if warnings:
        body.append(f"      <system-out>{_text(warnings)}</system-out>")
    return "\n".join([f"{head}>", *body, "    </testcase>"]) if body else f"{head}/>"


def _of(diagnostics: Sequence[Diagnostic], severity: Severity) -> list[Diagnostic]:
    return [diagnostic for diagnostic in diagnostics if diagnostic.severity is severity]


def _text(diagnostics: Sequence[Diagnostic]) -> str:
    return xml_text("\n".join(render_diagnostic(diagnostic) for diagnostic in diagnostics))
