"""`beatsync migrate`."""

from __future__ import annotations

from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("migrate")
@options.database
@options.option("--with-beat", is_flag=True, help="Also make or update the tables of django-celery-beat.")
@click.pass_obj
def command(settings: Any, /, *, with_beat: bool, **given: Any) -> int:
    """Make BeatSync's own tables, or bring them up to date.

    The tables of django-celery-beat belong to your project and are left to it, unless you say --with-beat.
    """
    with wiring.opened(wiring.Given(**given), settings, check=False) as (store, _):
        applied = store.migrate(with_beat)
        where = store.describe()
    for name in applied:
        output.answer(f"applied {name}")
    if not applied:
        output.answer(f"{where}: nothing to do")
    return exits.DONE
