"""`beatsync resume`."""

from __future__ import annotations

from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("resume")
@click.argument("source")
@options.database
@click.pass_obj
def command(settings: Any, /, *, source: str, **given: Any) -> int:
    """Let syncs of a suspended SOURCE go on."""
    with wiring.opened(wiring.Given(**given), settings) as (store, _):
        state = wiring.require_source(store, source)
        if state.suspension is not None:
            store.suspend(source, None)
    output.answer(f"{source} is synced again" if state.suspension else f"{source} was not suspended")
    return exits.DONE
