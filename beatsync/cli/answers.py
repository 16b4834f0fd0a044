"""The answer of `plan` and of `sync`, in the format that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.report import plan as report
from beatsync.report.paint import Paint
from beatsync.report.places import located_plan

if TYPE_CHECKING:
    from beatsync.reconcile import Result


def plan_answer(result: Result, directory: Path, output_format: str, *, applied: bool, paint: Paint) -> str:
    """Return what a plan says, or what a sync did where `applied`."""
    from beatsync.reconcile import Outcome

    plan = located_plan(result.plan, str(directory))
    refused = result.outcome in {Outcome.BLOCKED, Outcome.INVALID}
    if output_format == "json":
        return report.json_report(plan, applied=applied)
    if output_format == "markdown":
        return report.markdown_report(plan, applied=applied, refused=refused)
    text = report.text_report(plan, applied=applied, refused=refused, paint=paint)
    if result.repairs:
        text += f"\nBeat undid {result.repairs:,} of these while they were written; they were written once more."
    return text
