"""The answer of `plan` and of `sync`, in the format that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.report import plan as report
from beatsync.report.paint import Paint
from beatsync.report.places import located_plan

if TYPE_CHECKING:
    from beatsync.reconcile import Result


def plan_answer(result: Result, directory: Path, output_format: str, *, applied: bool, paint: Paint) -> Iterator[str]:
    """Yield what a plan says, or what a sync did where `applied`, in blocks of lines."""
    from beatsync.reconcile import Outcome

    plan = located_plan(result.plan, str(directory))
    refused = result.outcome in {Outcome.BLOCKED, Outcome.INVALID}
    if output_format == "json":
        yield from report.json_report(plan, applied=applied)
    elif output_format == "markdown":
        yield report.markdown_report(plan, applied=applied, refused=refused)
    else:
        yield from report.text_report(plan, applied=applied, refused=refused, paint=paint)
        if result.repairs:
            yield f"Beat undid {result.repairs:,} of these while they were written; they were written once more."
