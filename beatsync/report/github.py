"""GitHub workflow commands, which show each diagnostic at its line of a pull request.

Reference: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from beatsync.report.escape import one_line, workflow_message, workflow_property
from beatsync.report.summary import validation_totals
from beatsync.report.values import ValidationResult
from beatsync.values import Diagnostic


def render_validation(result: ValidationResult) -> str:
    """Return one workflow command per diagnostic, then the totals."""
    return "\n".join([*map(_command, result.diagnostics), validation_totals(result)])


def _command(diagnostic: Diagnostic) -> str:
    location = diagnostic.location
    properties = {
        "file": location.path,
        "line": location.line,
        "col": location.column,
        "title": f"beatsync {diagnostic.code}",
    }
    written = ",".join(
        f"{key}={workflow_property(str(value))}" for key, value in properties.items() if value is not None
    )
    hint = f"\nhint: {one_line(diagnostic.hint)}" if diagnostic.hint else ""
    return f"::{diagnostic.severity.value} {written}::{workflow_message(one_line(diagnostic.text) + hint)}"
