"""`beatsync migrate`."""

from __future__ import annotations

from typing import Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.cli.databases import Embedded


@click.command("migrate")
@options.database
@options.option("--with-beat", is_flag=True, help="Also create or update the tables of django-celery-beat.")
def command(with_beat: bool, **flags: Any) -> int:
    """Create BeatSync's own tables, or update them.

    The tables of django-celery-beat belong to your project; they change only with --with-beat.
    """
    with wiring.open_store(options.CliOptions(**flags), check_tables=False, embedded=Embedded.CREATE) as (store, _):
        applied = store.migrate(with_beat)
        database = store.describe()
    for name in applied:
        output.print_result(f"applied {name}")
    if not applied:
        output.print_result(f"{database}: nothing to do")
    return exits.DONE
