"""`beatsync suspend`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("suspend")
@click.argument("source")
@options.option(
    "--reason",
    metavar="TEXT",
    callback=options.reason,
    help="Why syncs are refused (required); shown with every refusal.",
)
@options.option(
    "--for", "duration", metavar="DURATION", callback=options.length,
    help="How long syncs are refused.  [default: until `resume`]",
)  # fmt: skip
@options.database
@options.actor
def command(source: str, reason: str | None, duration: float | None, **flags: Any) -> int:
    """Refuse every sync of SOURCE until it is resumed or the time is over; its rows stay unchanged."""
    from beatsync.plan.observed import Suspension
    from beatsync.reconcile import utc_now

    if reason is None:
        raise click.UsageError("--reason is required: it is shown with every sync that is refused")
    now = utc_now()
    until = now + timedelta(seconds=duration) if duration else None
    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        wiring.require_source(store, source)
        actor = wiring.actor_of(cli_options)
        suspension = Suspension(actor.name, reason, now, until)
        store.suspend(source, suspension, actor, now)
    output.print_result(f"{source} is {suspension}")
    return exits.DONE
