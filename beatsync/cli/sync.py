"""`beatsync sync`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("sync")
@options.directory()
@options.source
@options.parsing
@options.jobs
@options.database
@options.planning
@options.option(
    "--plan",
    "saved",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Do what a saved plan says, and only if that is still exactly what would be done.",
)
@options.option("--no-wait", is_flag=True, help="Do not wait where another BeatSync is at work on the source.")
@options.option(
    "--lock-timeout", metavar="DURATION", callback=options.duration, help="How long to wait for it.  [for ever]"
)
@options.output_format("text", "json", "markdown")
@options.talking
@click.pass_obj
def command(
    settings: Any,
    /,
    *,
    saved: Path | None,
    no_wait: bool,
    lock_timeout: float | None,
    output_format: str,
    verbose: bool,
    quiet: bool,
    **given: Any,
) -> int:  # fmt: skip
    """Make the database say what the files of DIR say, once, whole or not at all."""
    from beatsync import reconcile
    from beatsync.cli.answers import plan_answer
    from beatsync.cli.saved import read

    asked, checksum = wiring.Given(**given), None
    if saved is not None:
        asked, checksum = read(saved, asked)
    with wiring.opened(asked, settings) as (store, project), output.watching(verbose=verbose, quiet=quiet) as watch:
        directory = wiring.directory(asked, project)
        sync_options = wiring.sync_options(asked, project, store, lock_wait=0.0 if no_wait else lock_timeout)
        result = reconcile.sync(directory, store, sync_options, expected=checksum, watch=watch)
    outcome = result.outcome
    applied = outcome in {reconcile.Outcome.APPLIED, reconcile.Outcome.UNCHANGED}
    if output_format != "text" or outcome is not reconcile.Outcome.UNCHANGED or result.plan.diagnostics or not quiet:
        output.answer_lines(
            plan_answer(result, directory, output_format, applied=applied, paint=output.painter(sys.stdout))
        )
    if applied:
        return exits.DONE
    return exits.INVALID if outcome is reconcile.Outcome.INVALID else exits.BLOCKED
