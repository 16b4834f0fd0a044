"""`beatsync show`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, output, wiring

if TYPE_CHECKING:
    from beatsync.store import Store
    from beatsync.values import Location


@click.command("show")
@click.argument("name", metavar="NAME")
@options.option(
    "--dir", "directory", metavar="DIR", type=click.Path(path_type=Path),
    help="Find the schedule's line in these files.  [default: the line at the last sync]",
)  # fmt: skip
@options.source_url
@options.environment
@options.timezone
@options.database
@options.output_format("text", "json")
def command(name: str, output_format: str, **flags: Any) -> int:
    """Show everything about the schedule NAME: where it is declared, its rows against the file, drift, pause, runs and changes."""
    from beatsync.report import details, jsonout
    from beatsync.shown import shown_schedule
    from beatsync.sync_types import utc_now

    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        shown = shown_schedule(store, name, utc_now(), cli_options.source_url)
        if shown is None:
            raise click.ClickException(wiring.missing_name(name, wiring.names_of(store)))
        if flags["directory"] is not None:
            place = _declared_in(cli_options, store, shown.details.name)
            shown = replace(shown, location=place or shown.location)
    if output_format == "json":
        output.print_result(jsonout.render_schedule(shown))
    else:
        output.print_result(details.render_schedule(shown, output.painter(sys.stdout)))
    return exits.DONE


def _declared_in(cli_options: options.CliOptions, store: Store, name: str) -> Location | None:
    """Return where the files of the directory declare a schedule; None if they do not."""
    from beatsync import reconcile

    directory = wiring.source_directory(cli_options)
    _, desired = reconcile.validate(directory, wiring.parse_options(cli_options, store.celery_timezone()))
    place = next((each.location for each in desired.schedules if each.schedule == name), None)
    return place and place._replace(path=f"{directory}/{place.path}")
