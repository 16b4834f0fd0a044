"""`beatsync import`."""

# ruff: noqa: N999  a module has the name of its command

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from beatsync.cli import options, specfiles, wiring
from beatsync.convert.remarks import Conversion


@click.command("import")
@options.app
@options.settings
@specfiles.layout
def command(*, split: str, out: Path | None, update: bool, with_secrets: bool, **flags: Any) -> int:
    """Write spec files from the beat_schedule of a celery application, its add_periodic_task entries included.

    Exits with 2 if an entry cannot be written. The application's database is not used.
    """
    conversion = _convert(options.CliOptions(**flags), with_secrets=with_secrets)
    specfiles.write(conversion, split, out, update=update)
    return specfiles.report(conversion)


def _convert(cli_options: options.CliOptions, *, with_secrets: bool) -> Conversion:
    from beatsync import transfer

    application = wiring.load_application(cli_options)
    return transfer.import_entries(application, with_secrets=with_secrets)
