"""Rows in bulk, by what is the fastest correct statement of each database: the benchmarks measure it beside the drivers' own.

New rows are a prepared statement on SQLite, a COPY on PostgreSQL, and long lists of literals on MariaDB and MySQL, which take three
times as long to unpack JSON; rows that change are one JSON parameter for thousands, which the server unpacks.

Every dialect of SQL that BeatSync needs beyond the common one is in this file. Names of tables and columns come from
`beatsync.store.tables`, never from outside; values are parameters, or literals in which no character can end a text (`_literal`).
"""

# ruff: noqa: S608  names come from our own constants, values are parameters or literals that cannot be left

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from beatsync.store.errors import StoreError
from beatsync.store.tables import Kind, Table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

MAX_ROWS = 20_000
MAX_BYTES = 7_500_000
"""Of what these make up; MariaDB takes packets of 16 MB by default, and escaping may double a parameter."""
MAX_IDS = 5_000
MAX_NAMES = 1_000
STREAMED = 2_000
"""Rows that are held at a time while they are read."""

Value = str | int | bool | None
BulkRow = Mapping[str, Value]

_TYPES: Mapping[str, Mapping[Kind, str]] = {
    "postgresql": {
        Kind.INTEGER: "bigint",
        Kind.TEXT: "text",
        Kind.FLAG: "boolean",
        Kind.MOMENT: "timestamptz",
        Kind.DEGREES: "numeric",
    },
    "mysql": {
        Kind.INTEGER: "BIGINT",
        Kind.TEXT: "LONGTEXT",
        Kind.FLAG: "TINYINT",
        Kind.MOMENT: "VARCHAR(40)",
        Kind.DEGREES: "DECIMAL(9,6)",
    },
}


def insert(
    connection: BaseDatabaseWrapper, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Value]]
) -> None:
    """Insert `rows`, each of which has a value for each of `columns`."""
    target, names = _quote(connection, table.name), ", ".join(_names(connection, columns))
    if connection.vendor == "sqlite":
        _execute_many(connection, f"INSERT INTO {target} ({names}) VALUES ({_marks(columns)})", rows)
    elif _can_copy(connection):
        _copy(connection, f"COPY {target} ({names}) FROM STDIN", rows)
    elif connection.vendor == "mysql":
        literal = partial(_literal, backslash=_backslash(connection))
        for listed in _ahead(_chunks(f"({','.join(map(literal, row))})" for row in rows)):
            execute(connection, f"INSERT INTO {target} ({names}) VALUES {listed}")
    else:
        wanted, source = _unpacked(connection, table, columns)
        _each_chunk(connection, f"INSERT INTO {target} ({names}) SELECT {', '.join(wanted)} FROM {source}", rows)


def update(connection: BaseDatabaseWrapper, table: Table, columns: Sequence[str], rows: Iterable[BulkRow]) -> None:
    """Write only `columns` of the rows that `table.key` names; a row that is gone is passed over."""
    target, key = _quote(connection, table.name), _quote(connection, table.key)
    names = _names(connection, columns)
    values = ([row.get(column) for column in (*columns, table.key)] for row in rows)
    if connection.vendor == "sqlite":
        assignments = ", ".join(f"{name} = %s" for name in names)
        _execute_many(connection, f"UPDATE {target} SET {assignments} WHERE {key} = %s", values)
        return
    wanted, source = _unpacked(connection, table, (*columns, table.key))
    pairs = list(zip(names, wanted, strict=False))
    if connection.vendor == "mysql":
        assignments = ", ".join(f"t.{name} = {value}" for name, value in pairs)
        sql = f"UPDATE {target} AS t JOIN {source} ON t.{key} = {wanted[-1]} SET {assignments}"
    else:
        assignments = ", ".join(f"{name} = {value}" for name, value in pairs)
        sql = f"UPDATE {target} SET {assignments} FROM {source} WHERE {target}.{key} = {wanted[-1]}"
    _each_chunk(connection, sql, values)


def _execute_many(connection: BaseDatabaseWrapper, sql: str, rows: Iterable[Sequence[Value]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _can_copy(connection: BaseDatabaseWrapper) -> bool:
    """Whether the driver is psycopg 3, which makes rows into a COPY's text itself."""
    return connection.vendor == "postgresql" and hasattr(getattr(connection, "Database", None), "Copy")


def _copy(connection: BaseDatabaseWrapper, sql: str, rows: Iterable[Sequence[Value]]) -> None:
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)


def _marks(columns: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(columns))


def delete(connection: BaseDatabaseWrapper, table: Table, ids: Iterable[int], unless: str = "") -> None:
    """Delete the rows that `ids` name, by plain SQL that cannot cascade; `unless` is a further SQL condition."""
    target, key = _quote(connection, table.name), _quote(connection, table.key)
    for chunk in id_lists(ids):
        execute(connection, f"DELETE FROM {target} WHERE {target}.{key} IN ({chunk}){unless}")


def id_lists(ids: Iterable[int]) -> Iterator[str]:
    """Yield `ids` as lists for `IN (…)`, whole numbers by construction and so safe to be part of the text."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), MAX_IDS):
        yield ", ".join(str(int(number)) for number in ordered[start : start + MAX_IDS])


def name_lists(column: str, names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield conditions that `column` is one of `names`, each with its parameters."""
    ordered = sorted(set(names))
    for start in range(0, len(ordered), MAX_NAMES):
        chunk = ordered[start : start + MAX_NAMES]
        yield f"{column} IN ({', '.join(['%s'] * len(chunk))})", chunk


def execute(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Value] = ()) -> int:
    """Run one statement that yields no rows and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters) or None)
        return int(cursor.rowcount)


def fetch(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
    """Run one statement and return all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters) or None)
        return [tuple(row) for row in cursor.fetchall()]


def stream(
    connection: BaseDatabaseWrapper, columns: Sequence[str], rest: str, parameters: Sequence[Value] = ()
) -> Generator[Sequence[Any], None, None]:
    """Select `columns`, of texts and whole numbers, and yield the rows, of which a few thousand are held at a time.

    Where the driver lets us. Nothing else may be asked of the connection before all rows are read or the generator is closed.
    """
    if connection.vendor == "mysql":
        yield from _stream_json(connection, columns, rest, parameters)
        return
    # Behind a pooler that gives each statement another session, a cursor on the server is told to be left alone.
    on_server = connection.vendor == "postgresql" and not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    with connection.chunked_cursor() if on_server else connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} {rest}", list(parameters) or None)
        while rows := cursor.fetchmany(STREAMED):
            yield from rows


def _stream_json(
    connection: BaseDatabaseWrapper, columns: Sequence[str], rest: str, parameters: Sequence[Value]
) -> Generator[Sequence[Any], None, None]:
    """The same where the driver is plain Python and takes its time for each value: each row comes as one JSON text."""
    is_whole = True
    with _unbuffered_cursor(connection) as cursor:
        cursor.execute(f"SELECT CAST(JSON_ARRAY({', '.join(columns)}) AS CHAR) {rest}", list(parameters) or None)
        while rows := cursor.fetchmany(STREAMED):
            texts = [text for (text,) in rows if text is not None]
            is_whole = is_whole and len(texts) == len(rows)
            yield from json.loads(f"[{','.join(texts)}]")
    if not is_whole:
        # What is longer than `max_allowed_packet` as JSON is NULL; nothing makes such a row but a hand.
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(columns)} {rest}", list(parameters) or None)
            yield from cursor.fetchall()


def _unbuffered_cursor(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor of MariaDB's and MySQL's drivers that reads rows as they are asked for; closed, it reads the rest."""
    connection.ensure_connection()  # MySQLdb knows its cursors only from then on
    unbuffered = getattr(getattr(getattr(connection, "Database", None), "cursors", None), "SSCursor", None)
    if unbuffered is None:
        return connection.cursor()
    with connection.wrap_database_errors:
        return connection.make_cursor(connection.connection.cursor(unbuffered))


def _each_chunk(connection: BaseDatabaseWrapper, sql: str, rows: Iterable[Sequence[Value]]) -> None:
    for listed in _chunks(_packed(rows, as_objects=connection.vendor == "mysql")):
        execute(connection, sql, [f"[{listed}]"])


def _packed(rows: Iterable[Sequence[Value]], *, as_objects: bool) -> Iterator[str]:
    """Yield each row as a JSON array, or as an object without what is NULL: what becomes of JSON's null in a JSON_TABLE differs."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for row in rows:
        yield encode({f"c{i}": value for i, value in enumerate(row) if value is not None} if as_objects else row)


def _chunks(parts: Iterable[str]) -> Iterator[str]:
    """Yield `parts` with commas between them, at most MAX_ROWS and about MAX_BYTES at a time."""
    chunk: list[str] = []
    size = 0
    for part in parts:
        weight = len(part) if part.isascii() else len(part.encode())
        if chunk and (len(chunk) >= MAX_ROWS or size + weight > MAX_BYTES):
            yield ",".join(chunk)
            chunk, size = [], 0
        chunk.append(part)
        size += weight
    if chunk:
        yield ",".join(chunk)


def _ahead(chunks: Iterator[str]) -> Iterator[str]:
    """Yield `chunks`, the next of which is made while the server is busy with the one before."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = maker.submit(next, chunks, None)
            yield chunk


def _backslash(connection: Any) -> str:
    """Return how the connection's SQL mode has a backslash written in a text; Django asks for it once."""
    return "\\" if "NO_BACKSLASH_ESCAPES" in connection.sql_mode else "\\\\"


def _literal(value: Value, backslash: str) -> str:
    """Return a value as MariaDB and MySQL read it, whatever the session's character set.

    Only ASCII without an apostrophe stands between apostrophes, so nothing in it can end the text; all else is hexadecimal.
    """
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return str(int(value))
    if value.isascii() and "'" not in value:
        text = value.replace("\\", backslash)
        return f"'{text}'"
    return f"_utf8mb4 x'{value.encode().hex()}'"


def _unpacked(connection: BaseDatabaseWrapper, table: Table, columns: Sequence[str]) -> tuple[list[str], str]:
    """Return the SQL of each column, and of the table `j` that the server makes of one JSON parameter."""
    vendor = connection.vendor
    if vendor not in _TYPES:
        raise StoreError(
            f"BeatSync does not know the database {vendor}; it works on SQLite, PostgreSQL, MariaDB and MySQL"
        )
    types = [_TYPES[vendor][table.kind(column)] for column in columns]
    if vendor == "postgresql":
        wanted = [f"(j.value ->> {index})::{name}" for index, name in enumerate(types)]
        return wanted, "jsonb_array_elements(%s::jsonb) AS j(value)"
    fields = ", ".join(f"c{index} {name} PATH '$.c{index}'" for index, name in enumerate(types))
    return [f"j.c{index}" for index in range(len(types))], f"JSON_TABLE(%s, '$[*]' COLUMNS ({fields})) AS j"


def _quote(connection: BaseDatabaseWrapper, name: str) -> str:
    return connection.ops.quote_name(name)


def _names(connection: BaseDatabaseWrapper, columns: Sequence[str]) -> list[str]:
    return [_quote(connection, column) for column in columns]
