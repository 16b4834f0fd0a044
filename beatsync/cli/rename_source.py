"""`beatsync rename-source`."""

from __future__ import annotations

from typing import Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.plan.observed import APPLICATION


@click.command("rename-source")
@click.argument("old")
@click.argument("new", callback=lambda _ctx, _param, value: wiring.validate_source(value))
@options.database
@options.actor
def command(old: str, new: str, **flags: Any) -> int:
    """Rename the source OLD to NEW: NEW owns its rows, with its history, and no row changes.

    Then run every sync and every daemon with `--source NEW`.
    """
    from beatsync.reconcile import utc_now

    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        state = wiring.require_source(store, old)
        leader = store.leader(old)
        store.rename_source(old, new, wiring.actor_of(cli_options), utc_now())
    output.print_result(f"{old} is renamed to {new}")
    if state.kind == APPLICATION:
        output.print_hint(
            f"write {new!r} in the application that declares this set; as {old!r}, its next change is a conflict"
        )
    if leader is not None:
        output.print_hint(f"restart the daemon {leader.holder} with --source {new}: as {old!r}, its syncs are blocked")
    return exits.DONE
