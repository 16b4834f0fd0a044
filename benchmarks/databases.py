"""Databases to measure on, made for the run and dropped after it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from benchmarks.task import rest

if TYPE_CHECKING:
    from beatsync.store import Store
    from benchmarks.task import Answer, Task

SERVERS = {
    "postgres": ("BEATSYNC_TEST_POSTGRES_URL", "postgres://root@127.0.0.1:5432/test"),
    "mariadb": ("BEATSYNC_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test"),
}
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "COPY")


def create(database: str, folder: Path) -> str:
    """Return the URL of a new, empty database."""
    name = f"beatsync_bench_{uuid.uuid4().hex[:8]}"
    if database == "sqlite":
        return f"sqlite:///{folder / name}.sqlite3"
    _run(database, f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(_server(database))._replace(path=f"/{name}"))


def drop(database: str, url: str) -> None:
    """Drop it."""
    name = urlsplit(url).path.lstrip("/")
    if database == "sqlite":
        Path(urlsplit(url).path).unlink(missing_ok=True)
    else:
        _run(database, f"DROP DATABASE {name}{' WITH (FORCE)' if database == 'postgres' else ''}")


def _server(database: str) -> str:
    variable, default = SERVERS[database]
    return os.environ.get(variable, default)


def _run(database: str, sql: str) -> None:
    url = _server(database)
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
    """Return the store of a database whose tables are there after this; the first one asked for is Django's default."""
    from beatsync.store import DatabaseChoice, SchemaMissing, connect

    store = connect(DatabaseChoice(url=url))
    try:
        store.check_tables()
    except SchemaMissing:
        store.migrate(with_beat=True)
    return store


def connection_of(url: str) -> Any:
    """Return Django's connection, open."""
    from django.db import connections

    connection = connections[open_store(url).alias]
    connection.ensure_connection()
    return connection


def empty(task: Task) -> None:
    """Make all tables as they are when they are new, of which mere deletes make none, and wait until that is done."""
    from django.core.management.color import no_style

    from beatsync.store.tables import BEAT_TABLES, OWN_TABLES

    connection = connection_of(task.url)
    tables = (*OWN_TABLES, *BEAT_TABLES)
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), [table.name for table in tables]))
    rest(task.rest)


@contextmanager
def counted(url: str, answer: Answer) -> Iterator[None]:
    """Count the statements of the body, and those among them that write."""
    from beatsync.store.dialects.postgresql import PostgreSQL

    def count(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        answer.statements += 1
        answer.writes += sql[:20].lstrip().upper().startswith(WRITES)  # it may be megabytes long
        return execute(sql, params, many, context)

    def copy(*args: Any) -> None:
        # Django sees no COPY.
        answer.statements += 1
        answer.writes += 1
        copying(*args)

    copying: Any = PostgreSQL.copy
    PostgreSQL.copy = copy  # type: ignore[method-assign]
    try:
        with connection_of(url).execute_wrapper(count):
            yield
    finally:
        PostgreSQL.copy = copying  # type: ignore[method-assign]
