"""`beatsync import`."""

# ruff: noqa: N999  a module has the name of its command

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from beatsync.cli import options, output, specfiles, wiring
from beatsync.convert.remarks import Conversion

FORMATS = ("crontab", "kubernetes", "sidekiq-cron")
_MAX_BYTES = 5 * 1024 * 1024


@click.command("import")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, allow_dash=True))
@options.option(
    "--from", "source_format", type=click.Choice(FORMATS),
    help="Read FILE (or - for standard input) of another scheduler instead of an application.",
)  # fmt: skip
@options.option(
    "--timezone", metavar="ZONE", callback=options.callback(options.validate_zone),
    help="With --from: the time zone of schedules that name none.  [default: UTC]",
)  # fmt: skip
@options.app
@options.settings
@specfiles.layout
def command(
    *,
    file: Path | None,
    source_format: str | None,
    timezone: str | None,
    split: str,
    out: Path | None,
    update: bool,
    with_secrets: bool,
    **flags: Any,
) -> int:
    """Write spec files from the beat_schedule of a celery application, its add_periodic_task entries included.

    Exits with 2 if an entry cannot be written. The application's database is not used.
    """
    specfiles.check(out, update=update)
    if (file is None) != (source_format is None):
        raise click.UsageError("FILE and --from belong to each other: --from names the format of FILE")
    if file is not None and source_format is not None:
        options.refuse({"app", "settings_module"}, "--from reads FILE, and no application")
        conversion = _convert_file(file, source_format, timezone)
    else:
        options.refuse({"timezone"}, "without --from, the application's own zone applies")
        conversion = _convert_application(options.CliOptions(**flags))
    if conversion.without_zone:
        output.print_hint(
            f"schedules without a time zone ({conversion.without_zone:,}) are written with UTC; --timezone sets another zone"
        )
    return specfiles.write(conversion, split, out, update=update, with_secrets=with_secrets)


def _convert_application(cli_options: options.CliOptions) -> Conversion:
    from beatsync import transfer

    application = wiring.load_application(cli_options)
    return transfer.import_entries(application)


def _convert_file(file: Path, source_format: str, timezone: str | None) -> Conversion:
    """Return the jobs of a file. Raises click.ClickException if it cannot be read."""
    from beatsync.convert import crontabs, kubernetes, sidekiq
    from beatsync.specfile.problems import SpecError

    # The crontabs of a system have a column for the user.
    has_user = file.resolve().is_relative_to("/etc")
    converters: dict[str, Callable[[bytes, str | None], Conversion]] = {
        "crontab": lambda data, zone: crontabs.convert_crontab(data, zone, has_user=has_user),
        "kubernetes": kubernetes.convert_kubernetes,
        "sidekiq-cron": sidekiq.convert_sidekiq,
    }
    try:
        return converters[source_format](_read(file), timezone)
    except SpecError as error:
        raise click.ClickException(f"{file} cannot be read: {error.message}") from None


def _read(file: Path) -> bytes:
    """Return the content of a regular file, or of standard input for `-`. Raises click.ClickException."""
    if str(file) == "-":
        data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        if not file.is_file():
            raise click.ClickException(f"{file} is not a file")
        try:
            with file.open("rb") as stream:
                data = stream.read(_MAX_BYTES + 1)
        except OSError as error:
            raise click.ClickException(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise click.ClickException(f"{file} is larger than {_MAX_BYTES // 1024 // 1024} MiB")
    return data
