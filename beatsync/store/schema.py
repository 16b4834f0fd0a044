"""Whether the tables are there and new enough, which migration is missing, and making them."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management import CommandError, call_command
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


def check(connection: BaseDatabaseWrapper, *, in_project: bool) -> None:
    """Raise SchemaMissing where a table or a column that BeatSync writes is missing; two statements that read no row.

    `in_project` says whether the database is one of a Django project's, whose `manage.py` makes its tables.
    """
    if connection.vendor == "sqlite":
        _check_sqlite(connection, in_project=in_project)
    for app, tables in ((BEAT_APP, BEAT_TABLES), (OWN_APP, OWN_TABLES)):
        try:
            _probe(connection, tables)
        except DatabaseError as error:
            if not _is_schema_error(connection, tables):
                raise
            raise SchemaMissing(
                _advice(connection, app, message_of(connection, error), in_project=in_project)
            ) from error


def _check_sqlite(connection: BaseDatabaseWrapper, *, in_project: bool) -> None:
    import sqlite3

    if sqlite3.sqlite_version_info < SQLITE_LEAST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: BeatSync needs 3.33 or newer")
    name = str(connection.settings_dict["NAME"])
    if connection.connection is None and not (":memory:" in name or name.startswith("file:") or Path(name).exists()):
        mend = _manage_migrate(connection, "") if in_project else "`beatsync migrate --with-beat`"
        raise SchemaMissing(f"there is no database file {name}; {mend} makes it")


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
            # One statement, where Django's own look at a table is two, and fails if a migration is at work between them.
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table.name)} WHERE 1 = 0")
            if not {column[0] for column in cursor.description}.issuperset(table.columns):
                return True
    return False


def _advice(connection: BaseDatabaseWrapper, app: str, reason: str, *, in_project: bool) -> str:
    whose = "the tables of django-celery-beat" if app == BEAT_APP else "BeatSync's own tables"
    missing = unapplied(connection, app)
    if not missing:
        what = f"its migrations are recorded as applied, and yet: {reason}"
        mend = "Somebody has changed them since, or a router's allow_migrate keeps them out of this database"
    else:
        name = f"{app}.{missing[0]}"
        more = len(missing) - 1
        what = f"migrations {name} and {more} more are not applied" if more else f"migration {name} is not applied"
        mend = f"Run {_mend(connection, app, in_project=in_project)}"
    return f"{whose} in {describe(connection)} are missing or too old: {what}. {mend}"


def _mend(connection: BaseDatabaseWrapper, app: str, *, in_project: bool) -> str:
    """Return the command that applies what is missing."""
    if in_project:
        return _manage_migrate(connection, app)
    if app == BEAT_APP:
        return "`python manage.py migrate django_celery_beat` in the project, or `beatsync migrate --with-beat`"
    return "`beatsync migrate`"


def _manage_migrate(connection: BaseDatabaseWrapper, app: str) -> str:
    words = ["python manage.py migrate", app, "" if connection.alias == "default" else f"--database {connection.alias}"]
    return f"`{' '.join(filter(None, words))}`"


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
    try:
        for app in (BEAT_APP, OWN_APP) if with_beat else (OWN_APP,):
            call_command("migrate", app, database=connection.alias, verbosity=0, interactive=False, skip_checks=True)
    except (CommandError, InconsistentMigrationHistory, NodeNotFoundError) as error:
        raise StoreError(f"{describe(connection)} cannot be migrated: {error}") from error
    return [f"{app}.{name}" for app, name in recorder.applied_migrations() if (app, name) not in before]
