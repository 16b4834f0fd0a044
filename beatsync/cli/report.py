"""`beatsync report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring


@click.command("report")
@options.option(
    "--html", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the pages to this file (required); `-` is standard output.",
)  # fmt: skip
@options.option("--with-arguments", is_flag=True, help="Also show arguments and headers of tasks, secrets masked.")
@options.source_url
@options.timezone
@options.database
def command(*, file: Path | None, with_arguments: bool, **flags: Any) -> int:
    """Write the pages of the dashboard as one HTML file without links to other files, for example for the artifact of a CI run.

    It shows sources, next runs, load, drift, pauses, unowned rows and the history. Each list has its first 100 entries, the history its newest 20.
    """
    from beatsync.web.dashboard.file import render
    from beatsync.web.dashboard.pages import Dashboard

    if file is None:
        raise click.UsageError("--html FILE is required: HTML is the only format")
    with wiring.open_store(options.CliOptions(**flags)) as (store, cli_options):
        page = render(Dashboard(store, cli_options.source_url, cli_options.timezone), with_arguments=with_arguments)
    if str(file) == "-":
        output.print_result(page)
        return exits.DONE
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror or error}") from None
    output.print_hint(f"the report is in {file}")
    return exits.DONE
