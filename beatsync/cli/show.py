"""`beatsync show`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, output, wiring

if TYPE_CHECKING:
    from beatsync.report.values import ShownSchedule
    from beatsync.store import Store
    from beatsync.values import Location

_CHANGES = 5
"""Entries of the history that are shown."""


@click.command("show")
@click.argument("name", metavar="NAME")
@options.option(
    "--dir", "directory", metavar="DIR", type=click.Path(path_type=Path),
    help="Find the schedule's line in these files.  [default: the line at the last sync]",
)  # fmt: skip
@options.option(
    "--source-url", metavar="TEMPLATE",
    help="URL of a line, with {host}, {repository}, {commit}, {path} and {line}.  [default: that of a known code host]",
)  # fmt: skip
@options.environment
@options.timezone
@options.database
@options.output_format("text", "json")
def command(name: str, output_format: str, **flags: Any) -> int:
    """Show everything about the schedule NAME: where it is declared, its rows against the file, drift, pause, runs and changes."""
    from beatsync.report import details, jsonout

    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        shown = _shown(store, name, cli_options)
        if flags["directory"] is not None:
            place = _declared_in(cli_options, store, shown.details.name)
            shown = replace(shown, location=place or shown.location)
    if output_format == "json":
        output.print_result(jsonout.render_schedule(shown))
    else:
        output.print_result(details.render_schedule(shown, output.painter(sys.stdout)))
    return exits.DONE


def _shown(store: Store, name: str, cli_options: options.CliOptions) -> ShownSchedule:
    """Return what the database knows. Raises click.ClickException if there is no such schedule."""
    from beatsync.fingerprint import Scope
    from beatsync.plan.details import schedule_details
    from beatsync.reconcile import utc_now
    from beatsync.report.links import source_url
    from beatsync.report.values import ShownSchedule

    source = store.owner(name)
    observed = store.observe(source) if source is not None else store.observe("", Scope(frozenset({name})))
    details = schedule_details(name, observed, utc_now())
    if details is None:
        raise click.ClickException(f"there is no schedule and no row {name!r} in this database")
    authors = store.authors(details.row_ids)
    changes = store.history(None, _CHANGES, details.name)
    if source is None or details.path is None:
        return ShownSchedule(details, authors=authors, changes=changes)
    state = wiring.require_source(store, source)
    place = store.location(source, details.path, details.name)
    commit = state.revision.git if state.revision else None
    line = place.line if place else None
    url = source_url(state.origin, commit, details.path, line, cli_options.source_url)
    return ShownSchedule(details, source, state.origin, state.revision, state.synced_at, place, url, authors, changes)


def _declared_in(cli_options: options.CliOptions, store: Store, name: str) -> Location | None:
    """Return where the files of the directory declare a schedule; None if they do not."""
    from beatsync import reconcile

    directory = wiring.source_directory(cli_options)
    _, desired = reconcile.validate(directory, wiring.parse_options(cli_options, store.celery_timezone()))
    place = next((each.location for each in desired.schedules if each.schedule == name), None)
    return place and place._replace(path=f"{directory}/{place.path}")
