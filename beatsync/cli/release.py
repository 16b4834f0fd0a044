"""`beatsync release`."""

from __future__ import annotations

import sys
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("release")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@options.option("--all", "is_all", is_flag=True, help="All rows that the source owns.")
@options.source
@options.database
@options.actor
def command(names: tuple[str, ...], is_all: bool, **flags: Any) -> int:
    """Stop managing rows: BeatSync no longer owns them, and they stay unchanged in the database.

    First remove their schedules from the files. Otherwise the next sync finds rows that it does not own, and is blocked.
    """
    from beatsync import reconcile
    from beatsync.plan.release import UnknownNames
    from beatsync.report import text

    if is_all == bool(names):
        raise click.UsageError("name the schedules to release, or use --all for all of the source")
    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        sync_options = wiring.sync_options(cli_options, store, actor=wiring.actor_of(cli_options))
        if is_all:
            wiring.require_source(store, sync_options.source)
        try:
            plan = reconcile.release(store, None if is_all else names, sync_options)
        except UnknownNames as error:
            raise click.ClickException(str(error)) from None
    output.print_result(text.render_release(plan, output.painter(sys.stdout)))
    if plan.changes:
        output.print_hint("remove the schedules from the files; otherwise the next sync is blocked until --adopt")
    return exits.DONE
