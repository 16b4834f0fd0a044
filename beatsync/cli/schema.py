"""`beatsync schema`."""

from __future__ import annotations

import json

import click

from beatsync.cli import exits, output
from beatsync.published import NAMES, read_schema


@click.command("schema")
@click.argument("name", metavar="[NAME]", type=click.Choice(NAMES), default=NAMES[0])
def command(name: str) -> int:
    """Print a published JSON Schema: of spec files (the default), or of the JSON output that NAME names."""
    output.print_result(json.dumps(read_schema(name), indent=2, ensure_ascii=False))
    return exits.DONE
