"""Lower bounds: what any program needs to read these files and rows. Nothing here is BeatSync."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import yaml

from benchmarks.task import Measurement, Task, timed

TABLE = "django_celery_beat_periodictask"


def _texts(task: Task) -> Iterator[bytes]:
    for path in sorted(task.root.rglob("*.yaml")):
        yield path.read_bytes()


def read_hash(task: Task) -> Measurement:
    """Read every file and compute its SHA-256."""
    measurement = Measurement()
    with timed(measurement):
        for text in _texts(task):
            hashlib.sha256(text).digest()
    return measurement


def yaml_events(task: Task) -> Measurement:
    """Parse every file into events with libyaml."""
    measurement = Measurement()
    with timed(measurement):
        for text in _texts(task):
            for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
                pass
    return measurement


def yaml_load(task: Task) -> Measurement:
    """L: load every file with PyYAML's CSafeLoader, without any check."""
    measurement = Measurement()
    with timed(measurement):
        for text in _texts(task):
            yaml.load(text, Loader=yaml.CSafeLoader)
    return measurement


def select_all(task: Task) -> Measurement:
    """Read all rows with one query."""
    connection = _connection(task)
    measurement = Measurement(statements=1)
    with connection.cursor() as cursor, timed(measurement):
        cursor.execute(f"SELECT * FROM {TABLE}")
        rows = cursor.fetchall()
    measurement.notes["rows"] = len(rows)
    return measurement


def insert_all(task: Task) -> Measurement:
    """Insert the same rows into an empty table with the same indexes, in the driver's fastest way; rolled back."""
    from django.db import transaction

    connection = _connection(task)
    rows = _rows(connection)
    _create_copy(connection)
    measurement = Measurement(statements=1, writes=len(rows))
    try:
        with transaction.atomic():
            with timed(measurement):
                _insert(connection, rows)
            transaction.set_rollback(True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_copy")
    return measurement


def _insert(connection: Any, rows: list[Any]) -> None:
    raw = connection.connection
    if connection.vendor == "postgresql":
        with raw.cursor() as cursor, cursor.copy("COPY bench_copy FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    mark = "?" if connection.vendor == "sqlite" else "%s"
    marks = ", ".join([mark] * len(rows[0]))
    # PyMySQL turns `executemany` into one statement if it ends with VALUES and the marks.
    raw.cursor().executemany(f"INSERT INTO bench_copy VALUES ({marks})", rows)


def _create_copy(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_copy")
        if connection.vendor == "postgresql":
            cursor.execute(f"CREATE TABLE bench_copy (LIKE {TABLE} INCLUDING ALL)")
        elif connection.vendor == "mysql":
            cursor.execute(f"CREATE TABLE bench_copy LIKE {TABLE}")
        else:
            cursor.execute(f"CREATE TABLE bench_copy AS SELECT * FROM {TABLE} WHERE 0")
            for column in ("id", "name"):
                cursor.execute(f"CREATE UNIQUE INDEX bench_{column} ON bench_copy ({column})")
            for kind in ("interval", "crontab", "solar", "clocked"):
                cursor.execute(f"CREATE INDEX bench_{kind} ON bench_copy ({kind}_id)")


def _rows(connection: Any) -> list[Any]:
    raw = connection.connection.cursor()
    raw.execute(f"SELECT * FROM {TABLE}")
    return list(raw.fetchall())


def _connection(task: Task) -> Any:
    from benchmarks.databases import connection_of

    return connection_of(task.url)
