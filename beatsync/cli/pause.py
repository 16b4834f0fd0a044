"""`beatsync pause`."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("pause")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options.option(
    "--reason", metavar="TEXT", callback=options.reason, help="Why (required); shown wherever the schedule is."
)
@options.option(
    "--for", "duration", metavar="DURATION", callback=options.length,
    help="How long, such as 2d.  [default: until `unpause`]",
)  # fmt: skip
@options.option("--source", metavar="NAME", help="Only schedules of this source.  [default: all]")
@options.database
@options.actor
def command(names: tuple[str, ...], reason: str | None, duration: float | None, **flags: Any) -> int:
    """Disable schedules for a while; a sync leaves them disabled, also if the file says `enabled: true`.

    NAME is a schedule or a glob pattern such as 'billing-*'. The pause ends with `unpause`, when its time is over, or when the
    row is enabled in the admin.
    """
    from beatsync import pausing
    from beatsync.plan.observed import Pause, until_text
    from beatsync.reconcile import utc_now
    from beatsync.report import text

    if reason is None:
        raise click.UsageError("--reason is required: it is shown wherever the schedule is")
    now = utc_now()
    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        if flags["source"] is not None:
            wiring.require_source(store, flags["source"])
        actor = wiring.actor_of(cli_options)
        until = now + timedelta(seconds=duration) if duration else None
        sync_options = wiring.sync_options(cli_options, store, actor=actor)
        try:
            plans = pausing.pause(store, flags["source"], names, Pause(actor.name, reason, now, until), sync_options)
        except pausing.UnknownSchedules as error:
            raise click.ClickException(str(error)) from None
    output.print_result(text.render_pauses(plans, f"paused{until_text(until)}", output.painter(sys.stdout)))
    return exits.DONE
