"""`beatsync release`."""

from __future__ import annotations

import sys
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("release")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@options.source
@options.database
@click.pass_obj
def command(settings: Any, /, *, names: tuple[str, ...], **given: Any) -> int:
    """Give rows out of BeatSync's hands: they stay as they are and belong to nobody.

    Take their schedules out of the files first, or the next sync finds rows under their names that it does not own, and stops.
    """
    from beatsync import reconcile
    from beatsync.plan.release import UnknownNames
    from beatsync.report import text

    asked = wiring.Given(**given)
    with wiring.opened(asked, settings) as (store, project):
        try:
            made = reconcile.release(store, names, wiring.sync_options(asked, project, store))
        except UnknownNames as error:
            raise click.ClickException(str(error)) from None
    output.answer_lines(text.render_plan(made, applied=True, paint=output.painter(sys.stdout)))
    output.note("the rows stay as they are; a sync of files that still declare them stops, until --adopt", "hint")
    return exits.DONE
