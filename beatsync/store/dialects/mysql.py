"""MariaDB and MySQL, by mysqlclient or PyMySQL."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters or literals that cannot end early

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import Any, ClassVar

from django.db import DatabaseError, InterfaceError

from beatsync.plan.observed import NameRule
from beatsync.specfile.fields import ColumnType
from beatsync.store.dialects.base import DIGEST_LENGTH, MAX_BLOCKERS, Column, Dialect
from beatsync.store.errors import StoreError
from beatsync.store.statements import FETCH_SIZE, MAX_BYTES, BulkRow, Value, chunks, encode
from beatsync.store.tables import Table

_STATEMENT_BYTES = 16_384
"""The most bytes of a statement without its values."""
_CHANGED_SINCE_READ, _LOCK_WAIT_TIMEOUT, _DEADLOCK, _NOWAIT = 1020, 1205, 1213, 3572
_CLIENT_ERRORS = range(2000, 3000)
_PERMISSION_ERRORS = frozenset({1044, 1142, 1143, 1227, 1370})
_WRITES_READ_ONLY = ("SUPER", "READ ONLY ADMIN", "READ_ONLY ADMIN", "CONNECTION_ADMIN")
"""The rights with which MariaDB and MySQL let a user write although `read_only` is set."""
_PROBES = {
    "INSERT": "EXPLAIN INSERT INTO {table} ({column}) VALUES (NULL)",
    "UPDATE": "EXPLAIN UPDATE {table} SET {column} = {column} WHERE 1 = 0",
    "DELETE": "EXPLAIN DELETE FROM {table} WHERE 1 = 0",
}
"""Statements that change nothing and need the same right."""


class MySQL(Dialect):
    """A connection to MariaDB or MySQL."""

    vendor = "mysql"
    engine = "mysql"
    label = "MySQL"
    default_port = 3306
    text_type = "CHAR"
    retryable_codes = frozenset({_CHANGED_SINCE_READ, _DEADLOCK})
    lock_timeout_codes = frozenset({_LOCK_WAIT_TIMEOUT, _NOWAIT})
    # Read-only: 1290, 1792, 1836. No authentication: 1044, 1045, 1698. Too many connections, or a host that is refused: 1040, 1129, 1130, 1203.
    # A session that the server ended: 1053, 1080, 1927, 4031. A database that is missing: 1049.
    unusable_codes = frozenset(
        {1290, 1792, 1836, 1044, 1045, 1698, 1040, 1129, 1130, 1203, 1053, 1080, 1927, 4031, 1049, *_CLIENT_ERRORS}
    )
    charset_codes = frozenset({1267, 1270, 1271, 3988})
    permission_codes = _PERMISSION_ERRORS
    grants_file = "deploy/sql/mariadb.sql"
    timeout_options: ClassVar[Mapping[str, int]] = {"connect_timeout": 10, "read_timeout": 90, "write_timeout": 90}
    """Seconds."""
    types: ClassVar[Mapping[ColumnType, str]] = {
        ColumnType.INTEGER: "BIGINT", ColumnType.TEXT: "LONGTEXT", ColumnType.BOOLEAN: "TINYINT",
        ColumnType.DATETIME: "VARCHAR(40)", ColumnType.DECIMAL: "DECIMAL(9,6)", ColumnType.FLOAT: "DOUBLE",
    }  # fmt: skip
    now_sql = "CAST(UNIX_TIMESTAMP(SYSDATE(6)) AS DOUBLE)"
    share_lock = " LOCK IN SHARE MODE"
    # Not INSERT IGNORE, which also ignores other errors.
    insert_ignore = " ON DUPLICATE KEY UPDATE name = name"
    idle_limit_sql = "SET SESSION idle_transaction_timeout = {seconds}"
    references_sql = (
        "SELECT k.referenced_table_name, k.table_name, k.column_name, r.delete_rule FROM information_schema.key_column_usage k"
        " JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema"
        " AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name"
        " WHERE k.table_schema = DATABASE() AND k.referenced_table_name LIKE 'django!_celery!_beat!_%' ESCAPE '!'"
    )
    # Without strict mode a missing value becomes the type's zero.
    limits_sql = (
        "SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL AND extra NOT LIKE '%auto_increment%'"
        " AND COALESCE(generation_expression, '') = '' AND @@sql_mode LIKE '%STRICT%',"
        " character_maximum_length, datetime_precision, NULLIF(character_set_name, 'utf8mb4')"
        " FROM information_schema.columns WHERE table_schema = DATABASE()"
        " AND (table_name LIKE 'django!_celery!_beat!_%' ESCAPE '!' OR table_name LIKE 'beatsync!_%' ESCAPE '!')"
    )

    @classmethod
    def prepare_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return Django's settings for a database URL, with a character set that has every character.

        Before Django 5.0 the default has not. Raises StoreError if there is no driver.
        """
        options = {"charset": "utf8mb4", **(settings.get("OPTIONS") or {})}
        if find_spec("MySQLdb") is None:
            if find_spec("pymysql") is None:
                raise StoreError("MariaDB and MySQL need a driver: pip install 'beatsync[mysql]'")
            import pymysql

            pymysql.install_as_MySQLdb()
            options.setdefault("program_name", "beatsync")
        return {**settings, "OPTIONS": options}

    def display_name(self) -> str:
        """Return which of the two it is, if Django has connected and asked the server."""
        return self.connection.display_name if "mysql_server_data" in vars(self.connection) else self.label

    def insert(self, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Insert `rows` by long lists of literals: unpacking JSON takes these servers three times as long."""
        target, names = self.quote(table.name), ", ".join(self.quote_all(columns))
        # Django asks for the SQL mode once per connection.
        backslash = "\\" if "NO_BACKSLASH_ESCAPES" in self.connection.sql_mode else "\\\\"  # type: ignore[attr-defined]
        # Most values of a row are the same in thousands of rows.
        long = self._max_packet() // 8
        literal = lru_cache(maxsize=1024)(partial(_literal, backslash=backslash))

        def part(row: Sequence[Value]) -> str:
            text = f"({','.join(map(literal, row))})"
            if len(text) > long:
                self._check_size(text, dict(zip(columns, row, strict=True)))
            return text

        for chunk in _prefetched(chunks(map(part, rows), self._max_bytes())):
            self.execute(f"INSERT INTO {target} ({names}) VALUES {chunk}")

    def update(self, table: Table, columns: Sequence[str], rows: Iterable[BulkRow]) -> None:
        """Write `columns` of thousands of rows by one statement, from a JSON parameter that the server unpacks."""
        written = (*columns, table.key)
        types = ", ".join(f"c{i} {self.types[table.type_of(name)]} PATH '$.c{i}'" for i, name in enumerate(written))
        assignments = ", ".join(f"t.{name} = j.c{index}" for index, name in enumerate(self.quote_all(columns)))
        sql = (
            # Each row is found by its key: a scan, which is cheaper in a small table, waits for every row that another transaction has locked.
            f"UPDATE JSON_TABLE(%s, '$[*]' COLUMNS ({types})) AS j STRAIGHT_JOIN {self.quote(table.name)} AS t"
            f" FORCE INDEX FOR JOIN (PRIMARY) ON t.{self.quote(table.key)} = j.c{len(columns)} SET {assignments}"
        )
        long = self._max_packet() // 8
        # NULL is left out: the two servers differ in what JSON's null becomes.

        def part(row: BulkRow) -> str:
            values = {f"c{i}": row[name] for i, name in enumerate(written) if row.get(name) is not None}
            text = encode(values)
            if len(text) > long:
                self._check_size(text, row)
            return text

        for chunk in chunks(map(part, rows), self._max_bytes()):
            self.execute(sql, [f"[{chunk}]"])

    def _max_bytes(self) -> int:
        """Return the most bytes of values in one statement: less than half a packet, because escaping may double a value."""
        return min(MAX_BYTES, (self._max_packet() - _STATEMENT_BYTES) // 2)

    def _max_packet(self) -> int:
        """Return the longest packet in bytes that the server accepts; it is asked once per connection."""
        cached = getattr(self.connection, "beatsync_max_packet", None)
        if cached is None or cached[0] is not self.connection.connection:
            ((size,),) = self.fetch("SELECT @@SESSION.max_allowed_packet")
            cached = (self.connection.connection, int(size))
            self.connection.beatsync_max_packet = cached  # type: ignore[attr-defined]
        return int(cached[1])

    def _check_size(self, part: str, row: Mapping[str, Value]) -> None:
        """Raise StoreError, with the row and the column, if the part of a statement for one row fits in no packet."""
        size, limit = _escaped_size(part), self._max_packet() - _STATEMENT_BYTES
        if size <= limit:
            return
        largest = max(row, key=lambda name: len(str(row.get(name))))
        label = next((f" of {row[key]!r}" for key in ("name", "path", "id") if row.get(key) is not None), "")
        raise StoreError(
            f"{self.describe()} accepts statements of {limit:,} bytes, and a row takes {size:,}, most of them for"
            f" {largest}{label}: raise max_allowed_packet of the server, or make the value shorter"
        )

    @property
    def max_text(self) -> int:
        """How many ASCII characters a value may have that is as long as the server allows: with apostrophes it is hexadecimal."""
        return self._max_packet() // 4

    def stream(self, columns: Sequence[str], rest: str, parameters: Sequence[Value] = ()) -> Generator[Any, None, None]:
        """Select `columns` and yield the rows, each of which comes as one JSON text: PyMySQL is slow for each value."""
        has_all = True
        with self._stream_cursor() as cursor:
            cursor.execute(f"SELECT CAST(JSON_ARRAY({', '.join(columns)}) AS CHAR) {rest}", list(parameters) or None)
            while rows := cursor.fetchmany(FETCH_SIZE):
                texts = [text for (text,) in rows if text is not None]
                has_all = has_all and len(texts) == len(rows)
                yield from json.loads(f"[{','.join(texts)}]")
        if not has_all:
            # A row whose JSON is longer than `max_allowed_packet` is NULL. BeatSync never writes such a row.
            yield from self.fetch(f"SELECT {', '.join(columns)} {rest}", parameters)

    def _stream_cursor(self) -> Any:
        """Return a cursor that reads rows as they are fetched; when it is closed, it reads the rest."""
        self.connection.ensure_connection()  # MySQLdb loads its cursors when it connects
        unbuffered = getattr(getattr(getattr(self.connection, "Database", None), "cursors", None), "SSCursor", None)
        if unbuffered is None:
            return self.connection.cursor()
        with self.connection.wrap_database_errors:
            return self.connection.make_cursor(self.connection.connection.cursor(unbuffered))

    def readable(self, column: Column) -> str:
        """Return the SQL of a column as `stream` can yield it: texts in one character set and collation, because JSON_ARRAY mixes none."""
        if column.column_type is ColumnType.TEXT:
            return f"CONVERT({column.sql} USING utf8mb4)"
        return super().readable(column)

    def digest(self, columns: Sequence[Column]) -> str:
        """Return the SQL of a digest over the length of each value, -1 for NULL, and then over the values."""
        lengths = ", ".join(f"IFNULL(LENGTH({sql}), -1)" for sql, _ in columns)
        values = ", ".join(f"IFNULL(CONVERT({sql} USING utf8mb4), '')" for sql, _ in columns)
        text = f"CONCAT(CONCAT_WS(',', '{self.zone}', {lengths}, ''), {values})"
        return f"LEFT(SHA2(CONVERT({text} USING utf8mb4), 256), {DIGEST_LENGTH})"

    @contextmanager
    def lock_timeout(self, seconds: float) -> Iterator[None]:
        """Let statements inside wait at most `seconds` for rows and for tables, in whole seconds."""
        from django.db import Error

        ((rows, tables),) = self.fetch("SELECT @@SESSION.innodb_lock_wait_timeout, @@SESSION.lock_wait_timeout")
        limit = max(1, math.ceil(seconds))
        self._set_lock_timeout(limit, limit)
        try:
            yield
        except Exception:
            with suppress(Error):  # the connection may be closed
                self._set_lock_timeout(rows, tables)
            raise
        # Not in a finally: Ctrl-C while the driver waits closes the connection, and this statement's error would hide it.
        self._set_lock_timeout(rows, tables)

    def _set_lock_timeout(self, rows: int, tables: int) -> None:
        self.execute(f"SET SESSION innodb_lock_wait_timeout = {rows}, SESSION lock_wait_timeout = {tables}")

    def isolation_sql(self) -> str:
        """Return a statement against SERIALIZABLE, which locks what is only read. Django sets READ COMMITTED by default."""
        is_default = self.connection.isolation_level == "read committed"  # type: ignore[attr-defined]
        return "" if is_default else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"

    def _blockers_sql(self, tables: Iterable[str]) -> str:  # noqa: ARG002  the server does not tell which tables
        # Needs the privilege PROCESS.
        return (
            "SELECT t.trx_mysql_thread_id, '', p.user, LOWER(p.command), TIMESTAMPDIFF(SECOND, t.trx_started, SYSDATE())"
            " FROM information_schema.innodb_trx t"
            " LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id"
            " WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND t.trx_rows_locked > 0"
            f" AND COALESCE(p.db, DATABASE()) = DATABASE() ORDER BY t.trx_started LIMIT {MAX_BLOCKERS}"
        )

    def limit_idle_transaction(self, seconds: int) -> None:
        """Have MariaDB end a transaction that runs no statement for `seconds`; MySQL cannot."""
        if self.connection.mysql_is_mariadb:  # type: ignore[attr-defined]
            super().limit_idle_transaction(seconds)

    def name_rule(self, table: Table) -> NameRule:
        """Return the rule of the collation of the names in `table`."""
        rows = self.fetch(
            "SELECT collation_name FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND table_name = %s AND column_name = 'name'",
            [table.name],
        )
        collation = str(rows[0][0]) if rows else ""
        if collation.endswith(("_bin", "_cs")):
            return NameRule.EXACT
        return NameRule.CASE_INSENSITIVE if collation.endswith("_as_ci") else NameRule.LETTERS

    def needs_new_connection(self, error: BaseException) -> bool:
        """Return whether the session has ended, could not be opened, or cannot write although a new one may."""
        # PyMySQL raises InterfaceError if it has closed the connection itself.
        return isinstance(error, InterfaceError) or super().needs_new_connection(error)

    def lacking(self, charset: str, text: str) -> str:
        """Return the characters that a character set lacks, by one query: the server converts each of them to `?`."""
        ((kept,),) = self.fetch(f"SELECT CONVERT(CONVERT(%s USING {self.quote(charset)}) USING utf8mb4)", [text])
        return "".join(character for character, other in zip(text, str(kept), strict=False) if character != other)

    def read_only_reason(self) -> str | None:
        """Return whether the server or the session is read-only, for this user."""
        names = "'read_only', 'super_read_only', 'tx_read_only', 'transaction_read_only'"
        variables = dict(self.fetch(f"SHOW VARIABLES WHERE variable_name IN ({names})"))
        set_names = {name for name, value in variables.items() if str(value).upper() not in {"OFF", "0"}}
        if set_names & {"tx_read_only", "transaction_read_only"}:
            return "transactions of this session are read-only"
        if "super_read_only" in set_names or ("read_only" in set_names and not self._may_write_read_only()):
            return "the server is read-only (read_only), as a replica is"
        return None

    def _may_write_read_only(self) -> bool:
        quote = "'"  # a grantee is 'user'@'host'
        ((grants,),) = self.fetch(
            "SELECT COUNT(*) FROM information_schema.user_privileges"
            " WHERE grantee = CONCAT(%s, REPLACE(CURRENT_USER(), '@', %s), %s)"
            f" AND privilege_type IN ({', '.join(['%s'] * len(_WRITES_READ_ONLY))})",
            [quote, f"{quote}@{quote}", quote, *_WRITES_READ_ONLY],
        )
        return bool(grants)

    def missing_rights(self, rights: Iterable[tuple[Table, str]]) -> list[tuple[Table, str]]:
        """Return the rights that this user does not have: no table of these servers knows those of a role."""
        return [(table, right) for table, right in rights if not self._has_right(table, right)]

    def _has_right(self, table: Table, right: str) -> bool:
        column = self.quote(next(iter(table.columns)))
        try:
            self.fetch(_PROBES[right].format(table=self.quote(table.name), column=column))
        except DatabaseError as error:
            return not self.is_permission_error(error)
        return True

    @staticmethod
    def error_code(cause: BaseException) -> object:
        """Return the server's number of an error."""
        return cause.args[0] if cause.args else None


def _escaped_size(part: str) -> int:
    """Return the bytes of a text in a statement, in which quotes and backslashes are doubled."""
    return len(part.encode()) + sum(map(part.count, "\"'\\"))


def _literal(value: Value, backslash: str) -> str:
    """Return a value as these servers read it, whatever the session's character set.

    Only ASCII without an apostrophe is put between apostrophes, so nothing in it can end the text; other text is hexadecimal.
    """
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return str(int(value))
    if value.isascii() and "'" not in value:
        return "'{}'".format(value.replace("\\", backslash))
    return f"_utf8mb4 x'{value.encode().hex()}'"


def _prefetched(parts: Iterator[str]) -> Iterator[str]:
    """Yield `parts`, and prepare the next one while the server works on the current one."""
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(next, parts, None)
        while (part := future.result()) is not None:
            future = executor.submit(next, parts, None)
            yield part
