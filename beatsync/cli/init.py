"""`beatsync init`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from beatsync.cli import exits, options, output
from beatsync.cli.wiring import DIRECTORY
from beatsync.spec.published import NAMES, read_schema

SCHEMA = "_beatsync.schema.json"
"""Names that begin with an underscore are no spec files."""
EXAMPLE = "schedules.yaml"
_TEXT = f"""\
# yaml-language-server: $schema=./{SCHEMA}
version: 1

# Merged under every schedule of this file.
defaults:
  timezone: UTC

schedules: {{}}
  # Each name is a PeriodicTask.name. Take the braces above away and write for example:
  #
  # nightly-invoices:
  #   task: billing.tasks.generate_invoices
  #   crontab: "30 2 * * mon-fri"
  #   kwargs: {{dry_run: false}}
  #   expire_seconds: 30m
  #
  # heartbeat:
  #   task: ops.tasks.heartbeat
  #   interval: 30s
"""


@click.command("init")
@options.directory()
def command(directory: Path | None) -> int:
    """Lay out a new directory: a spec file to begin with, and the schema by which editors complete and explain keys."""
    root = directory or DIRECTORY
    files = {
        EXAMPLE: _TEXT,
        SCHEMA: json.dumps(read_schema(NAMES[0]), indent=2, ensure_ascii=False) + "\n",
    }
    taken = [name for name in files if (root / name).exists()]
    if taken:
        raise click.ClickException(f"{root / taken[0]} exists already, and nothing was written")
    try:
        root.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (root / name).open("x", encoding="utf-8") as file:
                file.write(text)
            output.answer(f"made {root / name}")
    except OSError as error:
        raise click.ClickException(f"{root} cannot be written: {error.strerror}") from None
    output.note(f"edit {root / EXAMPLE}, then run `beatsync validate {root}` and `beatsync plan {root}`", "hint")
    return exits.DONE
