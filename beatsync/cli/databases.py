"""Which database the flags choose, and when the embedded one may be used: it is for trying BeatSync out."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from beatsync.cli import output
from beatsync.cli.options import CliOptions

if TYPE_CHECKING:
    from beatsync.store import DatabaseChoice

_SIGNS = (
    "KUBERNETES_SERVICE_HOST", "DATABASE_URL", "BEATSYNC_SOURCE", "BEATSYNC_ENV", "BEATSYNC_TIMEZONE", "BEATSYNC_ADOPT",
)  # fmt: skip
"""Variables of a deployment: where one is set, the variable that names the database was forgotten."""


class Embedded(Enum):
    """What a command may do with the embedded database, if no other one is chosen."""

    CREATE = "create"
    """Create the file and its tables."""
    READ = "read"
    """Use the file; if it is missing, an empty database in memory."""
    EXISTING = "existing"
    """Use the file, which must exist."""
    REFUSE = "refuse"


def choose_database(options: CliOptions, embedded: Embedded) -> DatabaseChoice:
    """Return the database that the options choose.

    Raises click.UsageError if they choose two, or none where the embedded one is not used.
    """
    from beatsync.store import DatabaseChoice
    from beatsync.store.connect import EMBEDDED, is_unchosen

    alias_source = click.get_current_context().get_parameter_source("alias")
    if alias_source is ParameterSource.COMMANDLINE and options.database_url is not None:
        raise click.UsageError(
            "--database names a database of the Django project, and --database-url (BEATSYNC_DATABASE_URL) chooses another:"
            " use only one of the two"
        )
    choice = DatabaseChoice(
        options.database_url, options.alias, options.settings_module, creates=embedded is Embedded.CREATE
    )
    if is_unchosen(choice):
        _check_embedded(EMBEDDED, embedded)
    return choice


def _check_embedded(file: Path, embedded: Embedded) -> None:
    """Print that the embedded database is used. Raises click.UsageError if it is not used here."""
    allow = f"--database-url sqlite:///{file}"
    if os.environ.get("BEATSYNC_DATABASE_URL") == "":
        # An empty URL is usually a missing secret. Without this check, the sync would succeed on a file that nothing reads.
        raise click.UsageError(
            f"BEATSYNC_DATABASE_URL is set but empty: set it to a URL, or unset it to use {file} in this directory"
        )
    if Path("manage.py").exists():
        command = click.get_current_context().info_name
        raise click.UsageError(
            f"no database was chosen, and this directory has a manage.py: run `python manage.py beatsync {command}`,"
            f" or set BEATSYNC_DATABASE_URL; {allow} uses a file in this directory"
        )
    reason = "`run` needs one" if embedded is Embedded.REFUSE else _sign()
    if reason is not None:
        raise click.UsageError(
            f"no database was chosen, and {reason}: set BEATSYNC_DATABASE_URL to its URL, or DJANGO_SETTINGS_MODULE;"
            f" {allow} uses a file in this directory"
        )
    if embedded is Embedded.EXISTING and not file.exists():
        raise click.UsageError(
            f"there is no {file} yet, and a saved plan applies only to the database that it was made for:"
            " run `beatsync migrate` first, or choose a database with --database-url"
        )
    place = f"{file} in this directory"
    if embedded is not Embedded.CREATE and not file.exists():
        place += ", which does not exist yet"
    text = f"no database was chosen (--database-url, --settings): using {place}"
    if embedded is Embedded.CREATE and os.environ.get("CI"):
        output.print_warning(text)
    else:
        output.print_hint(text)


def _sign() -> str | None:
    """Return what says that another database was meant; None if nothing does."""
    name = next((name for name in _SIGNS if os.environ.get(name)), None)
    return name and f"{name} is set"
