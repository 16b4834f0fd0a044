"""Below what nothing that reads these files and rows can go; none of it is BeatSync."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import yaml

from benchmarks.task import Answer, Task, clocked

TABLE = "django_celery_beat_periodictask"


def _texts(task: Task) -> Iterator[bytes]:
    for path in sorted(task.root.rglob("*.yaml")):
        yield path.read_bytes()


def read_hash(task: Task) -> Answer:
    """Read every file and take its SHA-256."""
    answer = Answer()
    with clocked(answer):
        for text in _texts(task):
            hashlib.sha256(text).digest()
    return answer


def yaml_events(task: Task) -> Answer:
    """Let libyaml alone find the events of every file."""
    answer = Answer()
    with clocked(answer):
        for text in _texts(task):
            for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
                pass
    return answer


def yaml_load(task: Task) -> Answer:
    """L: what PyYAML's fast loader needs for every file, without any check."""
    answer = Answer()
    with clocked(answer):
        for text in _texts(task):
            yaml.load(text, Loader=yaml.CSafeLoader)
    return answer


def select_all(task: Task) -> Answer:
    """Read all rows by one plain query."""
    connection = _connection(task)
    answer = Answer(statements=1)
    with connection.cursor() as cursor, clocked(answer):
        cursor.execute(f"SELECT * FROM {TABLE}")
        rows = cursor.fetchall()
    answer.notes["rows"] = len(rows)
    return answer


def insert_all(task: Task) -> Answer:
    """Insert the same rows into an empty table of the same form, by the fastest way that the driver has; rolled back."""
    from django.db import transaction

    connection = _connection(task)
    rows = _rows(connection)
    _make_copy(connection)
    answer = Answer(statements=1, writes=len(rows))
    try:
        with transaction.atomic():
            with clocked(answer):
                _insert(connection, rows)
            transaction.set_rollback(True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_copy")
    return answer


def _insert(connection: Any, rows: list[Any]) -> None:
    raw = connection.connection
    if connection.vendor == "postgresql":
        with raw.cursor() as cursor, cursor.copy("COPY bench_copy FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    mark = "?" if connection.vendor == "sqlite" else "%s"
    marks = ", ".join([mark] * len(rows[0]))
    # PyMySQL makes one statement of many rows where it reads VALUES so.
    raw.cursor().executemany(f"INSERT INTO bench_copy VALUES ({marks})", rows)


def _make_copy(connection: Any) -> None:
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
