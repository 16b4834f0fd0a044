"""The answer of `plan` and of `sync`, in the format that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.report import jsonout, markdown, text
from beatsync.report.paint import Paint
from beatsync.report.places import plan_with_directory

if TYPE_CHECKING:
    from beatsync.reconcile import Result


def plan_answer(result: Result, directory: Path, output_format: str, *, applied: bool, paint: Paint) -> Iterator[str]:
    """Yield what a plan says, or what a sync did where `applied`, in blocks of lines."""
    from beatsync.reconcile import Outcome

    plan = plan_with_directory(result.plan, str(directory))
    refused = result.outcome in {Outcome.BLOCKED, Outcome.INVALID}
    if output_format == "json":
        yield from jsonout.render_plan(plan, applied=applied)
    elif output_format == "markdown":
        yield markdown.render_plan(plan, applied=applied, refused=refused)
    else:
        yield from text.render_plan(plan, applied=applied, refused=refused, paint=paint)
        if result.repairs:
            yield f"Beat overwrote {result.repairs:,} of these rows during the sync; they were written again."
