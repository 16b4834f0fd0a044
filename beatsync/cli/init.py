"""`beatsync init`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.cli.databases import Embedded
from beatsync.published import NAMES, read_schema

SCHEMA_FILE = "_beatsync.schema.json"
"""A file whose name begins with an underscore is not read as a spec file."""
SPEC_FILE = "schedules.yaml"
_SPEC_TEXT = f"""\
# yaml-language-server: $schema=./{SCHEMA_FILE}
version: 1

# Values that apply to every schedule of this file.
defaults:
  # timezone: Europe/Berlin  # default: the project's CELERY_TIMEZONE, else UTC
  # queue: billing

# Each key is the name of a PeriodicTask. Uncomment an example, or write your own schedule.
schedules:
  # nightly-invoices:
  #   task: billing.tasks.generate_invoices
  #   crontab: "30 2 * * mon-fri"
  #   kwargs: {{dry_run: false}}
  #   expire_seconds: 30m
  # heartbeat:
  #   task: ops.tasks.heartbeat
  #   interval: 30s
"""


@click.command("init")
@options.directory()
@options.database
@options.app
def command(directory: Path | None, **flags: Any) -> int:
    """Create DIR with a first spec file, and with the schema that editors use to complete and explain keys.

    In a project that has schedules already, it names the commands that write them into the file.
    """
    cli_options = options.CliOptions(directory, **flags)
    root = wiring.source_directory(wiring.with_project_settings(cli_options))
    files = {
        SPEC_FILE: _SPEC_TEXT,
        SCHEMA_FILE: json.dumps(read_schema(NAMES[0]), indent=2, ensure_ascii=False) + "\n",
    }
    if root.exists() and not root.is_dir():
        raise click.ClickException(f"{root} is a file; name a directory, which may be new")
    existing = [name for name in files if (root / name).exists()]
    if existing:
        raise click.ClickException(f"{root / existing[0]} already exists; nothing was written. Name another directory")
    try:
        root.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (root / name).open("x", encoding="utf-8") as file:
                file.write(text)
            output.print_result(f"created {root / name}")
    except OSError as error:
        raise click.ClickException(f"{root} cannot be written: {error.strerror}") from None
    for hint in _existing_schedules(cli_options, root):
        output.print_hint(hint)
    arguments = [str(root)] if directory else []
    validate, plan = (output.command_line(name, *arguments) for name in ("validate", "plan"))
    output.print_hint(f"edit {root / SPEC_FILE}, then run `{validate}` and `{plan}`")
    return exits.DONE


def _existing_schedules(cli_options: options.CliOptions, root: Path) -> Iterator[str]:
    """Yield which schedules the application and the database have, and the command that writes them into the files.

    What cannot be read is not offered: the files that `init` creates need neither.
    """
    from beatsync.convert.rows import CLEANUP
    from beatsync.store import StoreError
    from beatsync.transfer import unowned_rows

    names: frozenset[str] = frozenset()
    with suppress(StoreError, click.UsageError):
        names = wiring.load_application(cli_options).beat_schedule
    if names:
        yield f"beat_schedule has schedules ({len(names):,}): `{_adding('import', cli_options, root)}` adds them to the files"
    rows = 0
    with suppress(StoreError, click.UsageError), wiring.open_store(cli_options, embedded=Embedded.REFUSE) as (store, _):
        rows = sum(row.name not in names | {CLEANUP} for row in unowned_rows(store))
    if rows:
        yield f"the database has rows without a source ({rows:,}): `{_adding('export', cli_options, root)}` adds them to the files"


def _adding(command_name: str, cli_options: options.CliOptions, root: Path) -> str:
    """Return the command line that adds schedules to the files, with the flags of this run."""
    app = ["--app", cli_options.app] if cli_options.app else []
    return output.command_line(command_name, *app, "--out", str(root), "--update")
