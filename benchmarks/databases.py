"""Databases that are created for the run and dropped after it; counting of statements."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

from benchmarks.task import wait_until_idle

if TYPE_CHECKING:
    from beatsync.store import Store
    from benchmarks.task import Measurement, Task

SERVERS = {
    "postgres": ("BEATSYNC_TEST_POSTGRES_URL", "postgres://root@127.0.0.1:5432/test"),
    "mariadb": ("BEATSYNC_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test"),
}
"""The environment variable with the server's URL, and the default, by database."""
NAMES = ("sqlite", *SERVERS)
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "COPY")
_APPS = ("beatsync", "django_celery_beat")


def create(database: str, directory: Path) -> str:
    """Create an empty database; return its URL."""
    name = f"beatsync_bench_{uuid.uuid4().hex[:8]}"
    if database == "sqlite":
        return f"sqlite:///{directory / name}.sqlite3"
    _execute(database, f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(_server_url(database))._replace(path=f"/{name}"))


def drop(database: str, url: str) -> None:
    """Drop the database that `create` created."""
    name = urlsplit(url).path.lstrip("/")
    if database == "sqlite":
        Path(urlsplit(url).path).unlink(missing_ok=True)
    else:
        _execute(database, f"DROP DATABASE {name}{' WITH (FORCE)' if database == 'postgres' else ''}")


def _server_url(database: str) -> str:
    variable, default = SERVERS[database]
    return os.environ.get(variable, default)


def _execute(database: str, sql: str) -> None:
    """Execute a statement on the server, outside any of the created databases."""
    url = _server_url(database)
    if database == "postgres":
        import psycopg

        with psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True) as session:
            session.execute(sql.encode())
        return
    import pymysql

    parts = urlsplit(url)
    session = pymysql.connect(
        host=parts.hostname, port=parts.port or 3306, user=parts.username, password=parts.password or ""
    )
    with session, session.cursor() as cursor:
        cursor.execute(sql)


@cache
def open_store(url: str) -> Store:
    """Return the store of a database; missing tables are created. The first URL becomes Django's default database."""
    from beatsync.store import DatabaseChoice, SchemaMissing, connect

    store = connect(DatabaseChoice(url=url))
    try:
        store.check_tables()
    except SchemaMissing:
        store.migrate(with_beat=True)
    return store


def connection_of(url: str) -> Any:
    """Return Django's connection to a database, open."""
    from django.db import connections

    connection = connections[open_store(url).alias]
    connection.ensure_connection()
    return connection


def empty(task: Task) -> None:
    """Make all tables as small as new ones, which deleting rows does not, and wait until the server has finished."""
    from django.apps import apps
    from django.core.management.color import no_style

    connection = connection_of(task.url)
    tables = [model._meta.db_table for app in _APPS for model in apps.get_app_config(app).get_models()]  # noqa: SLF001
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
    wait_until_idle(task.idle_timeout)


@contextmanager
def counted(url: str, measurement: Measurement) -> Iterator[None]:
    """Count the statements of the body, and those that write."""

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        measurement.statements += 1
        measurement.writes += sql[:20].lstrip().upper().startswith(_WRITES)  # a statement may have megabytes
        return execute(sql, params, many, context)

    connection = connection_of(url)
    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(count))
        if connection.vendor == "postgresql":
            stack.enter_context(_copies_counted(measurement))
        yield


@contextmanager
def _copies_counted(measurement: Measurement) -> Iterator[None]:
    """Count COPY, which Django's wrapper does not see."""
    import psycopg

    copy = psycopg.Cursor.copy

    def counting_copy(self: Any, *args: Any, **kwargs: Any) -> Any:
        measurement.statements += 1
        measurement.writes += 1
        return copy(self, *args, **kwargs)

    with patch.object(psycopg.Cursor, "copy", counting_copy):
        yield
