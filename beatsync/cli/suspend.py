"""`beatsync suspend`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("suspend")
@click.argument("source")
@options.option("--reason", metavar="TEXT", help="Why; it is shown wherever a sync is refused.")
@options.option(
    "--for", "duration", metavar="DURATION", callback=options.duration, help="For how long.  [until resumed]"
)
@options.database
@click.pass_obj
def command(settings: Any, /, *, source: str, reason: str | None, duration: float | None, **given: Any) -> int:
    """Leave the rows of SOURCE alone: every sync of it is refused until it is resumed, or the time is over."""
    from beatsync.plan.observed import Suspension
    from beatsync.reconcile import utc_now

    if reason is None:
        raise click.UsageError("say why with --reason: whoever finds the source suspended wants to know")
    now = utc_now()
    until = now + timedelta(seconds=duration) if duration else None
    suspension = Suspension(wiring.user(), reason, now, until)
    with wiring.opened(wiring.Given(**given), settings) as (store, _):
        wiring.require_source(store, source)
        store.suspend(source, suspension)
    output.answer(f"{source} is {suspension}")
    return exits.DONE
