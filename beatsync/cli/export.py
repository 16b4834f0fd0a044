"""`beatsync export`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from beatsync.cli import options, output, specfiles, wiring

_SHOWN = 10
"""Names in a warning."""


@click.command("export")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@options.option("--unowned", is_flag=True, help="Export the rows that no source owns.  [default]")
@options.option("--all", "include_owned", is_flag=True, help="Export the rows of every source as well.")
@options.option("--task", metavar="PATTERN", help="Export only rows whose task matches, as in 'billing.*'.")
@specfiles.layout
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
    **flags: Any,
) -> int:
    """Write spec files from the rows of the database, for `sync --adopt` to take over without changing a row.

    Finished one-offs are left out. Exits with 2 if a row cannot be written.
    """
    from beatsync import transfer
    from beatsync.convert.rows import Selection

    if unowned and include_owned:
        raise click.UsageError("--unowned and --all exclude each other")
    specfiles.check(out, update=update)
    selection = Selection(names, include_owned, task)
    with wiring.open_store(options.CliOptions(**flags), with_application=True) as (store, _):
        try:
            conversion = transfer.export(store, selection)
        except transfer.UnknownRowError as error:
            raise click.ClickException(str(error)) from None
        in_settings = store.beat_schedule_names().intersection(conversion.names)
    specfiles.write(conversion, split, out, update=update, with_secrets=with_secrets)
    if in_settings:
        output.print_warning(
            f"beat_schedule has {_listing(in_settings)} as well, and beat writes its entries at every start:"
            " remove them from it before the sync"
        )
    return specfiles.report(conversion)


def _listing(names: Collection[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(map(repr, shown)) + more
