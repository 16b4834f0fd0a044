"""`beatsync init`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from beatsync.cli import exits, options, output, wiring
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
def command(directory: Path | None) -> int:
    """Create DIR with a first spec file, and with the schema that editors use to complete and explain keys."""
    root = wiring.source_directory(wiring.with_settings(options.CliOptions(directory), click.get_current_context().obj))
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
    arguments = [str(root)] if directory else []
    validate, plan = (output.command_line(name, *arguments) for name in ("validate", "plan"))
    output.print_hint(f"edit {root / SPEC_FILE}, then run `{validate}` and `{plan}`")
    return exits.DONE
