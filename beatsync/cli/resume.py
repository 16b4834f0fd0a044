"""`beatsync resume`."""

from __future__ import annotations

from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("resume")
@click.argument("source")
@options.database
@options.actor
def command(source: str, **flags: Any) -> int:
    """Allow syncs of the suspended source SOURCE again."""
    from beatsync.reconcile import utc_now

    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        state = wiring.require_source(store, source)
        if state.suspension is not None:
            store.suspend(source, None, wiring.actor_of(cli_options), utc_now())
    output.print_result(f"{source} is resumed" if state.suspension else f"{source} was not suspended")
    return exits.DONE
