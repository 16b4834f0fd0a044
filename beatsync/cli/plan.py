"""`beatsync plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.cli.databases import Embedded
from beatsync.cli.progress import show_progress

if TYPE_CHECKING:
    from beatsync.reconcile import Result


@click.command("plan")
@options.directory()
@options.planning
@options.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there are changes.")
@options.option(
    "--out", "out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan, to be applied by `sync --plan FILE`.",
)  # fmt: skip
@options.rows
@options.output_format("text", "json", "markdown")
@options.verbosity
def command(
    *,
    detailed_exitcode: bool,
    out: Path | None,
    with_rows: bool,
    output_format: str,
    verbose: bool,
    is_quiet: bool,
    **flags: Any,
) -> int:
    """Show what `sync` with the same flags would change, and write nothing."""
    from beatsync import reconcile
    from beatsync.cli import saved

    embedded = Embedded.READ if out is None else Embedded.EXISTING
    with (
        wiring.open_store(options.CliOptions(**flags), with_application=True, embedded=embedded) as (
            store,
            cli_options,
        ),
        show_progress(verbose=verbose, enabled=not is_quiet) as progress,
    ):
        directory = wiring.source_directory(cli_options)
        sync_options = wiring.sync_options(cli_options, store)
        result = reconcile.plan(directory, store, sync_options, progress=progress)
    if result.outcome is reconcile.Outcome.INVALID or not saved.can_be_saved(result.plan):
        out = None
    if out is not None:
        # Saved before it is printed: the reader of the output (`| head`) may stop after a few lines.
        saved.write(out, result.plan, sync_options)
    output.print_plan(result, directory, output_format, is_sync=False, with_rows=with_rows, is_quiet=is_quiet)
    if out is not None:
        words = [*([str(flags["directory"])] if flags["directory"] else []), "--plan", str(out)]
        output.print_hint(f"saved in {out}; run `{output.command_line('sync', *words)}` to apply exactly this plan")
    return _exit_code(result, is_saved=out is not None, detailed=detailed_exitcode)


def _exit_code(result: Result, *, is_saved: bool, detailed: bool) -> int:
    """Return the exit code; a blocked plan that was saved for a review is a success."""
    from beatsync.reconcile import Outcome

    if result.outcome is Outcome.INVALID:
        return exits.INVALID
    if result.outcome is Outcome.BLOCKED and not is_saved:
        return exits.BLOCKED
    return exits.CHANGES if detailed and result.plan.changes else exits.DONE
