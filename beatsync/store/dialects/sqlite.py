"""SQLite: one file, one lock, and columns that hold any type."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import OperationalError

from beatsync.specfile.fields import ColumnType
from beatsync.store.dialects.base import DIGEST_LENGTH, Column, Dialect
from beatsync.store.errors import SchemaMissing, StoreError
from beatsync.store.statements import BulkRow, Value
from beatsync.store.tables import BEAT_TABLES, OWN_TABLES, SOURCE, Table

OLDEST_VERSION = (3, 35)
"""The first version with ALTER TABLE … DROP COLUMN."""
FILE_TIMEOUT = 30
"""Seconds that a statement waits for the file's one lock, because beat and the admin write too."""
MIN_LOCK_WAIT = 0.25
"""Seconds. Beat and the admin hold the file's one lock for short times."""

_LOCKED = "database is locked"
_UNUSABLE = ("attempt to write a readonly", "unable to open database", "disk I/O error", "file is not a database")
"""The file was replaced, cannot be opened, or was read-only when it was opened."""


class SQLite(Dialect):
    """A connection to a SQLite file."""

    vendor = "sqlite"
    engine = "sqlite3"
    label = "SQLite"
    # KiB. With SQLite's 2 MB, the indexes of 100,000 rows do not fit, and a first sync takes a sixth longer.
    session_sql = "PRAGMA cache_size = -16000"
    now_sql = "((julianday('now') - 2440587.5) * 86400.0)"
    references_sql = (
        'SELECT f."table", m.name, f."from", f.on_delete FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f'
        " WHERE m.type = 'table' AND f.\"table\" LIKE 'django!_celery!_beat!_%' ESCAPE '!'"
    )
    limits_sql = (
        'SELECT m.name, p.name, p."notnull" AND p.dflt_value IS NULL AND NOT p.pk, NULL, NULL, NULL'
        " FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
        " AND (m.name LIKE 'django!_celery!_beat!_%' ESCAPE '!' OR m.name LIKE 'beatsync!_%' ESCAPE '!')"
    )
    row_lock = ""
    lock_timeout_codes = frozenset({_LOCKED})
    lock_timeout_message = "another program holds the lock of the file, which SQLite gives to one writer at a time"
    serves_many_writers = False

    @classmethod
    def prepare_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return Django's settings for a database URL, with a lock timeout."""
        return {**settings, "OPTIONS": {"timeout": FILE_TIMEOUT, **(settings.get("OPTIONS") or {})}}

    def describe(self) -> str:
        """Return the name of the file, for messages."""
        return f"{self.label} {self.connection.settings_dict.get('NAME') or ''}"

    def check_server(self, migrate_hint: str) -> None:
        """Raise StoreError if SQLite is too old, and SchemaMissing if there is no file: connecting would create it."""
        if sqlite3.sqlite_version_info < OLDEST_VERSION:
            raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: BeatSync needs 3.35 or newer")
        name = str(self.connection.settings_dict["NAME"])
        is_memory = ":memory:" in name or name.startswith("file:")
        if self.connection.connection is None and not is_memory and not Path(name).exists():
            raise SchemaMissing(f"there is no database file {name}; {migrate_hint} makes it")

    def insert(self, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Insert `rows` by one prepared statement."""
        values = ", ".join(["%s"] * len(columns))
        names = ", ".join(self.quote_all(columns))
        self._execute_many(f"INSERT INTO {self.quote(table.name)} ({names}) VALUES ({values})", rows)

    def update(self, table: Table, columns: Sequence[str], rows: Iterable[BulkRow]) -> None:
        """Write `columns` of each row by one prepared statement."""
        assignments = ", ".join(f"{name} = %s" for name in self.quote_all(columns))
        sql = f"UPDATE {self.quote(table.name)} SET {assignments} WHERE {self.quote(table.key)} = %s"
        self._execute_many(sql, ([row.get(column) for column in (*columns, table.key)] for row in rows))

    def _execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, rows)

    def text(self, sql: str) -> str:
        """Return the SQL of a column as text; of a BLOB, which any column may hold, its literal."""
        return f"CASE typeof({sql}) WHEN 'blob' THEN quote({sql}) ELSE CAST({sql} AS TEXT) END"

    def digest(self, columns: Sequence[Column]) -> str:
        """Return the SQL of a digest over quoted values; NULL if a value is not of its column's type or holds a NUL.

        `printf` is the fastest way to join values. It ends a text at a NUL, takes a BLOB for a text, and rounds a fraction. Every text
        is greater than any number, and every BLOB greater than any text.
        """
        texts, times = _of_type(columns, ColumnType.TEXT), _of_type(columns, ColumnType.DATETIME)
        decimals = _of_type(columns, ColumnType.DECIMAL)
        integers = _of_type(columns, ColumnType.INTEGER, ColumnType.BOOLEAN)
        checks = [f"{sql} >= x'' OR instr({sql}, char(0))" for sql in (*texts, *times)]
        checks += [f"{sql} < ''" for sql in times]
        checks += [f"{sql} >= ''" for sql in (*decimals, *integers)]
        # A sum of integers is an integer; one fraction makes it a fraction.
        checks.append(f"typeof({' + '.join(f'ifnull({sql}, 0)' for sql in integers)}) <> 'integer'")
        joined = f"printf('{','.join(['%%Q'] * len(texts + times))},{','.join(['%%s'] * len(decimals + integers))},{self.zone}', "
        joined += f"{', '.join([*texts, *times, *(f'quote({sql})' for sql in decimals), *integers])})"
        return f"CASE WHEN {' OR '.join(checks)} THEN NULL ELSE substr(SHA256({joined}), 1, {DIGEST_LENGTH}) END"

    def lock_source(self, table: Table, source: str, *, nowait: bool) -> int | None:  # noqa: ARG002  `lock_timeout` decides
        """Lock the file by a write: a transaction that begins with a read cannot write after another process has written."""
        self.execute(f"UPDATE {table.name} SET name = name WHERE name = %s", [source])
        rows = self.fetch(f"SELECT id FROM {table.name} WHERE name = %s", [source])
        return int(rows[0][0]) if rows else None

    def begin_writing(self) -> None:
        """Lock the file by a statement that changes nothing: a transaction that began with a read cannot write after another process has."""
        self.execute(f"UPDATE {SOURCE.name} SET name = name WHERE 1 = 0")

    @contextmanager
    def lock_timeout(self, seconds: float) -> Iterator[None]:
        """Let statements inside wait at most `seconds` for the file's lock."""
        before = int(self.fetch("PRAGMA busy_timeout")[0][0])
        self.execute(f"PRAGMA busy_timeout = {math.ceil(max(seconds, MIN_LOCK_WAIT) * 1000)}")
        try:
            yield
        finally:
            self.execute(f"PRAGMA busy_timeout = {before}")

    def needs_new_connection(self, error: BaseException) -> bool:
        """Return whether the file has to be opened again."""
        return str(error).startswith(_UNUSABLE)

    def read_only_reason(self) -> str | None:
        """Return why the file cannot be written, by a statement that deletes no row."""
        folder = Path(str(self.connection.settings_dict["NAME"])).parent
        if folder.is_dir() and not os.access(folder, os.W_OK):
            return f"the directory {folder} is not writable, and SQLite keeps its journal there"
        try:
            with self.lock_timeout(0):
                # BEGIN IMMEDIATE succeeds on a read-only file.
                self.execute(f"WITH none AS (SELECT 1) DELETE FROM {SOURCE.name} WHERE 0")
        except OperationalError as error:
            # If another program holds the lock, it writes, so the file can be written.
            return None if self.is_lock_timeout(error) else self.message_of(error)
        return None

    @staticmethod
    def error_code(cause: BaseException) -> object:
        """Return the text of an error up to "locked": Python 3.10's sqlite3 has no code."""
        return str(cause.args[0])[: len(_LOCKED)] if cause.args else None

    def explain_error(self, error: BaseException) -> str | None:
        """Return which column of which row is not UTF-8: the driver's message shows the text, which may be a secret, but not the row."""
        message, has_text, _ = str(error).partition(" with text ")
        if not message.startswith(("Could not decode to UTF-8", "user-defined function")):
            return None
        from django.db import DatabaseError

        with suppress(DatabaseError):
            for table in (*BEAT_TABLES, *OWN_TABLES):
                if place := self._text_that_is_not_utf8(table):
                    return f"{place} is not UTF-8 text: write it again"
        return message if has_text else None

    def _text_that_is_not_utf8(self, table: Table) -> str | None:
        names = self.quote_all(table.columns)
        texts = ", ".join(f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) END" for name in names)
        for key, *values in self.fetch(f"SELECT {table.key}, {texts} FROM {table.name}"):
            for name, value in zip(table.columns, values, strict=True):
                try:
                    bytes(value or b"").decode()
                except UnicodeDecodeError:
                    return f"{name} of the row with {table.key} {key} in {table.name}"
        return None


def _of_type(columns: Sequence[Column], *types: ColumnType) -> list[str]:
    return [sql for sql, column_type in columns if column_type in types]
