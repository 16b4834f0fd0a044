"""The output of `plan` and `sync` in each format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from beatsync.report import jsonout, markdown, text
from beatsync.report.paint import Paint
from beatsync.report.places import plan_with_directory

if TYPE_CHECKING:
    from beatsync.reconcile import Result


def render_plan(result: Result, directory: Path, output_format: str, *, applied: bool, paint: Paint) -> Iterator[str]:
    """Yield blocks of lines: what the plan would do, or what the sync did if `applied`."""
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
            yield f"celery beat overwrote {result.repairs:,} of these rows during the sync; they were applied again."
