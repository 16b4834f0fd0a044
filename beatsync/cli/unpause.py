"""`beatsync unpause`."""

from __future__ import annotations

import sys
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring

_NO_PAUSE = "None of these schedules has a pause with a reason. To end what is paused by hand, enable the row in the Django admin."


@click.command("unpause")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options.option("--source", metavar="NAME", help="Only schedules of this source.  [default: all]")
@options.database
@options.actor
def command(names: tuple[str, ...], **flags: Any) -> int:
    """End the pause of schedules: `enabled` is again what the file says, or what it was.

    NAME is a schedule or a glob pattern. Nothing runs at once: the first run is the next one that the schedule names. A one-off that
    may have run stays disabled.
    """
    from beatsync import pausing
    from beatsync.report import text

    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        if flags["source"] is not None:
            wiring.require_source(store, flags["source"])
        sync_options = wiring.sync_options(cli_options, store, actor=wiring.actor_of(cli_options))
        try:
            plans = pausing.unpause(store, flags["source"], names, sync_options)
        except pausing.UnknownSchedules as error:
            raise click.ClickException(str(error)) from None
    result = text.render_pauses(plans, "no longer paused", output.painter(sys.stdout))
    output.print_result(result or _NO_PAUSE)
    return exits.DONE
