"""`beatsync schema`."""

from __future__ import annotations

import json

import click

from beatsync.cli import exits, output
from beatsync.published import NAMES, read_schema


@click.command("schema")
@click.argument("name", metavar="[NAME]", type=click.Choice(NAMES), default=NAMES[0])
def command(name: str) -> int:
    """Print a published JSON Schema: that of spec files, or of the JSON of plan, validate, status or the daemon."""
    output.answer(json.dumps(read_schema(name), indent=2, ensure_ascii=False))
    return exits.DONE
