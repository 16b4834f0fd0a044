"""`beatsync plan`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("plan")
@options.directory()
@options.source
@options.parsing
@options.jobs
@options.database
@options.planning
@options.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@options.option(
    "--out", "out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan; `sync --plan FILE` does exactly that.",
)  # fmt: skip
@options.output_format("text", "json", "markdown")
@options.talking
@click.pass_obj
def command(
    settings: Any,
    /,
    *,
    detailed_exitcode: bool,
    out: Path | None,
    output_format: str,
    verbose: bool,
    quiet: bool,
    **given: Any,
) -> int:
    """Show what `sync` would do with the same flags, and do nothing."""
    from beatsync import reconcile
    from beatsync.cli import saved
    from beatsync.cli.answers import plan_answer

    asked = wiring.Given(**given)
    with wiring.opened(asked, settings) as (store, project), output.watching(verbose=verbose, quiet=quiet) as watch:
        directory = wiring.directory(asked, project)
        sync_options = wiring.sync_options(asked, project, store)
        result = reconcile.plan(directory, store, sync_options, watch=watch)
    if result.outcome is reconcile.Outcome.INVALID or not saved.may_be_saved(result.plan):
        out = None
    if out is not None:
        # Before the answer, of whose reader (`| head`) may want no more than its first lines.
        saved.write(out, result.plan, sync_options)
    output.answer_lines(plan_answer(result, directory, output_format, applied=False, paint=output.painter(sys.stdout)))
    if result.outcome is reconcile.Outcome.INVALID:
        return exits.INVALID
    if out is not None:
        words = [*([str(asked.directory)] if asked.directory else []), "--plan", str(out)]
        output.note(f"saved in {out}; `{output.command('sync', *words)}` does exactly this", "hint")
    elif result.outcome is reconcile.Outcome.BLOCKED:
        return exits.BLOCKED
    return exits.CHANGES if detailed_exitcode and result.plan.changes else exits.DONE
