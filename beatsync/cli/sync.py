"""`beatsync sync`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.cli.databases import Embedded
from beatsync.cli.progress import show_progress


@click.command("sync")
@options.directory()
@options.planning
@options.option(
    "--plan", "plan_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Apply a saved plan, and only if the sync would still do exactly what was reviewed.",
)  # fmt: skip
@options.option("--no-wait", is_flag=True, help="Fail at once if another process holds a lock that the sync needs.")
@options.option(
    "--lock-timeout", metavar="DURATION", callback=options.duration,
    help="How long to wait for locks.  [default: without limit for the lock of the source, 30s for rows]",
)  # fmt: skip
@options.actor
@options.rows
@options.output_format("text", "json", "markdown")
@options.verbosity
def command(
    *,
    plan_file: Path | None,
    no_wait: bool,
    lock_timeout: float | None,
    with_rows: bool,
    output_format: str,
    verbose: bool,
    is_quiet: bool,
    **flags: Any,
) -> int:
    """Make the database equal to the files of DIR, once and in one transaction."""
    from beatsync import reconcile
    from beatsync.cli import saved

    cli_options = options.CliOptions(**flags)
    reviewed = saved.read(plan_file, cli_options) if plan_file is not None else None
    if reviewed is not None:
        cli_options = reviewed.options
    with (
        wiring.open_store(cli_options, with_application=True, embedded=Embedded.CREATE) as (store, cli_options),
        show_progress(verbose=verbose, enabled=not is_quiet) as progress,
    ):
        if reviewed is not None:
            reviewed.check_unedited(store.plan_key())
        checksum = reviewed.checksum if reviewed else None
        directory = wiring.source_directory(cli_options)
        timeout = 0.0 if no_wait else lock_timeout
        actor = wiring.actor_of(cli_options)
        sync_options = wiring.sync_options(cli_options, store, actor=actor, lock_timeout=timeout, approved=checksum)
        result = reconcile.sync(directory, store, sync_options, progress=progress)
    if result.unverified:
        output.print_warning(f"the changes are committed, but could not be verified: {result.unverified}")
    outcome = result.outcome
    output.print_plan(result, directory, output_format, is_sync=True, with_rows=with_rows, is_quiet=is_quiet)
    return {reconcile.Outcome.INVALID: exits.INVALID, reconcile.Outcome.BLOCKED: exits.BLOCKED}.get(outcome, exits.DONE)
