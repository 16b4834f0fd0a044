"""`beatsync init`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from beatsync.cli import exits, options, output, wiring
from beatsync.published import NAMES, read_schema

SCHEMA = "_beatsync.schema.json"
"""Names that begin with an underscore are no spec files."""
EXAMPLE = "schedules.yaml"
_TEXT = f"""\
# yaml-language-server: $schema=./{SCHEMA}
version: 1

# Merged under every schedule of this file.
defaults:
  # timezone: Europe/Berlin  # left out, it is the project's CELERY_TIMEZONE, else UTC
  # queue: billing

# Each name is a PeriodicTask.name. Take the # away from what you want, or write your own.
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
@click.pass_obj
def command(settings: Any, /, *, directory: Path | None) -> int:
    """Lay out a new directory: a spec file to begin with, and the schema by which editors complete and explain keys."""
    root = wiring.directory(wiring.Given(directory), wiring.Project.read(settings))
    files = {
        EXAMPLE: _TEXT,
        SCHEMA: json.dumps(read_schema(NAMES[0]), indent=2, ensure_ascii=False) + "\n",
    }
    if root.exists() and not root.is_dir():
        raise click.ClickException(f"{root} is a file; name a directory, be it a new one")
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
    validate, plan = (output.command(word, *([str(root)] if directory else [])) for word in ("validate", "plan"))
    output.note(f"edit {root / EXAMPLE}, then run `{validate}` and `{plan}`", "hint")
    return exits.DONE
