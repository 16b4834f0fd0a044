"""Whether the tables are there and new enough, which migration is missing, and making them."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from beatsync.store.bulk import fetch
from beatsync.store.errors import SchemaMissing, StoreError
from beatsync.store.guarded import describe, message_of
from beatsync.store.tables import BEAT_TABLES, OWN_TABLES, Table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

BEAT_APP = "django_celery_beat"
OWN_APP = "beatsync"
SQLITE_LEAST = (3, 33)
"""The first SQLite with UPDATE … FROM."""


def check(connection: BaseDatabaseWrapper) -> None:
    """Raise SchemaMissing where a table or a column that BeatSync writes is missing; two statements that read no row."""
    if connection.vendor == "sqlite":
        _check_sqlite(connection)
    for app, tables in ((BEAT_APP, BEAT_TABLES), (OWN_APP, OWN_TABLES)):
        try:
            _probe(connection, tables)
        except DatabaseError as error:
            if not _is_schema_error(connection, tables):
                raise
            raise SchemaMissing(_advice(connection, app, message_of(connection, error))) from error


def _check_sqlite(connection: BaseDatabaseWrapper) -> None:
    import sqlite3

    if sqlite3.sqlite_version_info < SQLITE_LEAST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: BeatSync needs 3.33 or newer")
    name = str(connection.settings_dict["NAME"])
    if connection.connection is None and not (":memory:" in name or name.startswith("file:") or Path(name).exists()):
        raise SchemaMissing(f"there is no database file {name}; `beatsync migrate --with-beat` makes it")


def _probe(connection: BaseDatabaseWrapper, tables: Sequence[Table]) -> None:
    quote = connection.ops.quote_name
    columns = [f"t{i}.{quote(name)}" for i, table in enumerate(tables) for name in (table.key, *table.columns)]
    places = [f"{quote(table.name)} t{i}" for i, table in enumerate(tables)]
    sql = f"SELECT {', '.join(columns)} FROM {', '.join(places)} WHERE 1 = 0"
    if connection.in_atomic_block:
        with transaction.atomic(using=connection.alias):
            fetch(connection, sql)
    else:
        fetch(connection, sql)


def _is_schema_error(connection: BaseDatabaseWrapper, tables: Sequence[Table]) -> bool:
    """Whether a table or a column is really missing, rather than the connection or a right to read."""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for table in tables:
            if table.name not in existing:
                return True
            found = {column.name for column in connection.introspection.get_table_description(cursor, table.name)}
            if not found.issuperset(table.columns):
                return True
    return False


def _advice(connection: BaseDatabaseWrapper, app: str, reason: str) -> str:
    missing = unapplied(connection, app)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        what = (
            f"migration {app}.{missing[0]}{more} is not applied"
            if not more
            else f"migrations {app}.{missing[0]}{more} are not applied"
        )
    else:
        what = f"its migrations are recorded as applied, and yet: {reason}"
    if app == BEAT_APP:
        return (
            f"the tables of django-celery-beat in {describe(connection)} are missing or too old: {what}."
            " Run `python manage.py migrate django_celery_beat` in the project, or `beatsync migrate --with-beat`"
        )
    return f"BeatSync's own tables in {describe(connection)} are missing or too old: {what}. Run `beatsync migrate`"


def unapplied(connection: BaseDatabaseWrapper, app: str) -> list[str]:
    """Return the names of the migrations of `app` that are not applied, in their order."""
    try:
        loader = MigrationLoader(connection)
        plan = [node for leaf in loader.graph.leaf_nodes(app) for node in loader.graph.forwards_plan(leaf)]
    except (InconsistentMigrationHistory, NodeNotFoundError):
        return []
    applied = set(loader.applied_migrations)
    return [name for place, name in dict.fromkeys(plan) if place == app and (place, name) not in applied]


def migrate(connection: BaseDatabaseWrapper, *, with_beat: bool) -> list[str]:
    """Make or update BeatSync's own tables, and django-celery-beat's if told to; return what was applied, as `app.name`."""
    recorder = MigrationRecorder(connection)
    before = set(recorder.applied_migrations())
    for app in (BEAT_APP, OWN_APP) if with_beat else (OWN_APP,):
        call_command("migrate", app, database=connection.alias, verbosity=0, interactive=False, skip_checks=True)
    return [f"{app}.{name}" for app, name in recorder.applied_migrations() if (app, name) not in before]
