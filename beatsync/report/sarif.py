"""SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

from typing import Any

from beatsync.report.jsonout import json_text
from beatsync.report.values import ValidationResult
from beatsync.specfile.shapes import mask_text
from beatsync.values import Diagnostic


def render_validation(result: ValidationResult, version: str) -> str:
    """Return a SARIF log with one run; `version` is BeatSync's."""
    codes = sorted({diagnostic.code for diagnostic in result.diagnostics})
    driver = {"name": "beatsync", "version": version, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic) for diagnostic in result.diagnostics],
    }
    return json_text({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    """Return the rule of a code, described by the code's own words."""
    return {"id": code, "shortDescription": {"text": f"{code.replace('-', ' ').capitalize()}."}}


def _result(diagnostic: Diagnostic) -> dict[str, Any]:
    from urllib.parse import quote

    location = diagnostic.location
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(location.path)}}
    if location.line is not None:
        physical["region"] = {"startLine": location.line, "startColumn": location.column or 1}
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    return {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity.value,
        "message": {"text": mask_text(diagnostic.text + hint)},
        "locations": [{"physicalLocation": physical}],
    }
