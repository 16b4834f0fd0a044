"""Connecting to the chosen database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from beatsync.cli.options import CliOptions
from beatsync.cli.output import print_hint, print_warning
from beatsync.cli.settings import ProjectSettings

if TYPE_CHECKING:
    from beatsync.store import DatabaseChoice, Store


@contextmanager
def open_store(
    options: CliOptions, settings: Any, *, check_tables: bool = True
) -> Iterator[tuple[Store, ProjectSettings]]:
    """Connect to the chosen database; yield its store and the project's settings.

    `settings` is the `BEATSYNC` setting of a Django project that is already loaded, else None. With `check_tables`, raises
    StoreError if a table is missing or too old.
    """
    from beatsync.store import connect
    from beatsync.store.project import warnings

    store = connect(_choose_database(options, settings))
    try:
        for warning in warnings():
            print_warning(warning)
        if check_tables:
            store.check_tables()
        yield store, ProjectSettings.read(settings if settings is not None else store.project_settings())
    finally:
        store.close()


def _choose_database(options: CliOptions, settings: Any) -> DatabaseChoice:
    """Return the database that the flags and settings choose. Raises click.UsageError if they choose two, or an empty URL."""
    from beatsync.store import DatabaseChoice
    from beatsync.store.connect import EMBEDDED, is_unchosen

    alias_source = click.get_current_context().get_parameter_source("alias")
    if alias_source is ParameterSource.COMMANDLINE and options.database_url is not None:
        raise click.UsageError(
            "--database names a database of the Django project, and --database-url (BEATSYNC_DATABASE_URL) chooses another:"
            " use only one of the two"
        )
    alias = options.alias or ProjectSettings.read(settings).get("DATABASE")
    choice = DatabaseChoice(options.database_url, alias, options.settings_module)
    if is_unchosen(choice):
        if os.environ.get("BEATSYNC_DATABASE_URL") == "":
            # An empty URL is usually a missing secret. Without this check, the sync would succeed on a file that nothing reads.
            raise click.UsageError(
                f"BEATSYNC_DATABASE_URL is set but empty: set it to a URL, or unset it to use {EMBEDDED} in this directory"
            )
        print_hint(f"no database was chosen (--database-url, --settings): using {EMBEDDED} in this directory")
    return choice
