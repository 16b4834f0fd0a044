"""Whether the tables exist and are new enough, which migration is missing, and running the migrations."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from beatsync.store.dialects import Dialect
from beatsync.store.errors import SchemaMissing, StoreError
from beatsync.store.tables import BEAT_TABLES, OWN_TABLES, Table

BEAT_APP = "django_celery_beat"
OWN_APP = "beatsync"


def check(db: Dialect, *, in_project: bool) -> None:
    """Raise SchemaMissing if a table or a column that BeatSync writes is missing, by two statements that read no row.

    `in_project` says whether the database belongs to a Django project, whose `manage.py` creates its tables.
    """
    db.check_server(_manage_migrate(db, "") if in_project else "`beatsync migrate --with-beat`")
    for app, tables in ((BEAT_APP, BEAT_TABLES), (OWN_APP, OWN_TABLES)):
        try:
            _probe(db, tables)
        except DatabaseError as error:
            if not _is_schema_error(db, tables):
                raise
            raise SchemaMissing(_advice(db, app, db.message_of(error), in_project=in_project)) from error


def _probe(db: Dialect, tables: Sequence[Table]) -> None:
    columns = [
        f"t{number}.{db.quote(name)}" for number, table in enumerate(tables) for name in (table.key, *table.columns)
    ]
    aliases = [f"{db.quote(table.name)} t{number}" for number, table in enumerate(tables)]
    connection = db.connection
    with transaction.atomic(using=connection.alias) if connection.in_atomic_block else nullcontext():
        db.fetch(f"SELECT {', '.join(columns)} FROM {', '.join(aliases)} WHERE 1 = 0")


def _is_schema_error(db: Dialect, tables: Sequence[Table]) -> bool:
    """Return whether a table or a column is really missing, rather than the connection or a right to read."""
    with db.connection.cursor() as cursor:
        existing = set(db.connection.introspection.table_names(cursor))
        for table in tables:
            if table.name not in existing:
                return True
            # One statement: Django's own introspection takes two, and fails if a migration runs between them.
            cursor.execute(f"SELECT * FROM {db.quote(table.name)} WHERE 1 = 0")
            if not {column[0] for column in cursor.description}.issuperset(table.columns):
                return True
    return False


def _advice(db: Dialect, app: str, reason: str, *, in_project: bool) -> str:
    tables = "the tables of django-celery-beat" if app == BEAT_APP else "BeatSync's own tables"
    missing = unapplied(db, app)
    if not missing:
        problem = f"its migrations are recorded as applied, and yet: {reason}"
        hint = "They were changed since, or a router's allow_migrate keeps them out of this database"
    else:
        name = f"{app}.{missing[0]}"
        more = len(missing) - 1
        problem = f"migrations {name} and {more} more are not applied" if more else f"migration {name} is not applied"
        hint = f"Run {_migrate_command(db, app, in_project=in_project)}"
    return f"{tables} in {db.describe()} are missing or too old: {problem}. {hint}"


def _migrate_command(db: Dialect, app: str, *, in_project: bool) -> str:
    """Return the command that applies what is missing."""
    if in_project:
        return _manage_migrate(db, app)
    if app == BEAT_APP:
        return "`python manage.py migrate django_celery_beat` in the project, or `beatsync migrate --with-beat`"
    return "`beatsync migrate`"


def _manage_migrate(db: Dialect, app: str) -> str:
    alias = db.connection.alias
    words = ["python manage.py migrate", app, "" if alias == "default" else f"--database {alias}"]
    return f"`{' '.join(filter(None, words))}`"


def unapplied(db: Dialect, app: str) -> list[str]:
    """Return the names of the migrations of `app` that are not applied, in their order."""
    try:
        loader = MigrationLoader(db.connection)
        plan = [node for leaf in loader.graph.leaf_nodes(app) for node in loader.graph.forwards_plan(leaf)]
    except (InconsistentMigrationHistory, NodeNotFoundError):
        return []
    applied = set(loader.applied_migrations)
    return [name for label, name in dict.fromkeys(plan) if label == app and (label, name) not in applied]


def migrate(db: Dialect, *, with_beat: bool) -> list[str]:
    """Create or update BeatSync's own tables, and django-celery-beat's if `with_beat`; return what was applied, as `app.name`."""
    recorder = MigrationRecorder(db.connection)
    before = set(recorder.applied_migrations())
    try:
        for app in (BEAT_APP, OWN_APP) if with_beat else (OWN_APP,):
            call_command("migrate", app, database=db.connection.alias, verbosity=0, interactive=False, skip_checks=True)
    except (CommandError, InconsistentMigrationHistory, NodeNotFoundError) as error:
        raise StoreError(f"{db.describe()} cannot be migrated: {error}") from error
    return [f"{app}.{name}" for app, name in recorder.applied_migrations() if (app, name) not in before]
