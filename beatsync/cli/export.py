"""`beatsync export`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import accepting, options, output, specfiles, wiring

if TYPE_CHECKING:
    from beatsync.convert.remarks import Conversion
    from beatsync.convert.rows import Selection
    from beatsync.store import Store

_OF_ROWS = frozenset({"unowned", "include_owned", "task", "split", "out", "update", "beat_schedule"})
"""Flags that choose rows, and where they are written to."""
_OF_FILES = frozenset({"directory", "source", "environment"})
"""Flags that say which files declare the rows."""


@click.command("export")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@options.option("--unowned", is_flag=True, help="Export the rows that no source owns.  [default]")
@options.option("--all", "include_owned", is_flag=True, help="Export the rows of every source as well.")
@options.option("--task", metavar="PATTERN", help="Export only rows whose task matches, as in 'billing.*'.")
@specfiles.layout
@options.option(
    "--beat-schedule", is_flag=True, help="Print a beat_schedule in Python instead, as the way back to the settings."
)
@options.option(
    "--accept", is_flag=True, help="Write what an operator changed in the rows NAME into the files that declare them."
)
@options.option("--drifted", is_flag=True, help="As --accept, for every row that has drifted.")
@options.option(
    "--dir",
    "directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="With --accept or --drifted: the directory of the source.  [default: as for sync]",
)
@options.source
@options.environment
@options.timezone
@options.database
@options.app
def command(
    *,
    names: tuple[str, ...],
    unowned: bool,
    include_owned: bool,
    task: str | None,
    split: str,
    out: Path | None,
    update: bool,
    with_secrets: bool,
    beat_schedule: bool,
    accept: bool,
    drifted: bool,
    **flags: Any,
) -> int:
    """Write spec files from the rows of the database, for `sync --adopt` to take over without changing a row.

    Finished one-offs are left out. Exits with 2 if a row cannot be written.
    """
    from beatsync.convert.rows import Selection

    if accept or drifted:
        if accept != bool(names) or accept == drifted:
            raise click.UsageError("--accept needs the names of schedules; --drifted takes none")
        options.refuse(_OF_ROWS, "--accept and --drifted edit the files")
        return accepting.accept_drift(options.CliOptions(**flags), names, with_secrets=with_secrets)
    options.refuse(_OF_FILES, "without --accept or --drifted, no file of a source is read")
    if unowned and include_owned:
        raise click.UsageError("--unowned and --all exclude each other")
    if beat_schedule:
        options.refuse({"out", "split", "update"}, "--beat-schedule prints one text")
    else:
        options.refuse({"timezone"}, "without --beat-schedule, each schedule is written with its own zone")
    specfiles.check(out, update=update)
    with wiring.open_store(options.CliOptions(**flags), with_application=True) as (store, cli_options):
        conversion = _selected(store, Selection(names, include_owned, task, each_row=beat_schedule))
        if beat_schedule:
            zone = wiring.parse_options(cli_options, store.celery_timezone()).timezone
            return specfiles.print_beat_schedule(conversion, zone, with_secrets=with_secrets)
        _warn_of_settings(store.beat_schedule_names().intersection(conversion.names))
    return specfiles.write(conversion, split, out, update=update, with_secrets=with_secrets)


def _selected(store: Store, selection: Selection) -> Conversion:
    """Return the selected rows as schedules. Raises click.ClickException if a named row does not exist."""
    from beatsync import transfer

    try:
        return transfer.export(store, selection)
    except transfer.UnknownRowError as error:
        raise click.ClickException(str(error)) from None


def _warn_of_settings(names: Collection[str]) -> None:
    """Warn of exported schedules that `beat_schedule` has too."""
    from beatsync.report.groups import first_names

    if names:
        output.print_warning(
            f"beat_schedule has {first_names(list(map(repr, sorted(names))))} as well, and beat writes its entries at every start:"
            " remove them from it before the sync"
        )
