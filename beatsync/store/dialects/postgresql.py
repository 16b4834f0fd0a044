"""PostgreSQL, by psycopg 3 or psycopg2."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timezone, tzinfo
from importlib.util import find_spec
from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError

from beatsync.specfile.fields import ColumnType
from beatsync.store.dialects.base import DIGEST_LENGTH, MAX_BLOCKERS, Column, Dialect
from beatsync.store.errors import StoreError
from beatsync.store.statements import BulkRow, Value, chunks, encode
from beatsync.store.tables import Table

_LOCK_NOT_AVAILABLE = "55P03"
_SERIALISATION_FAILURE, _DEADLOCK = "40001", "40P01"
_UNUSABLE_CLASSES = ("08", "28", "57P")
"""No connection, no authentication, and a server that shuts down or starts."""
_INSUFFICIENT_PRIVILEGE, _UNTRANSLATABLE_CHARACTER = "42501", "22P05"
_JSON_ROWS = "jsonb_array_elements(%s::jsonb) AS j(value)"


class PostgreSQL(Dialect):
    """A connection to PostgreSQL."""

    vendor = "postgresql"
    engine = "postgresql"
    label = "PostgreSQL"
    default_port = 5432
    retryable_codes = frozenset({_SERIALISATION_FAILURE, _DEADLOCK})
    lock_timeout_codes = frozenset({_LOCK_NOT_AVAILABLE})
    # A read-only session or standby; a session that waited too long; a statement that a pooler's other session prepared; a database
    # that is missing; and too many connections.
    unusable_codes = frozenset({"25006", "25P03", "26000", "3D000", "53300"})
    charset_codes = frozenset({_UNTRANSLATABLE_CHARACTER})
    permission_codes = frozenset({_INSUFFICIENT_PRIVILEGE})
    grants_file = "deploy/sql/postgresql.sql"
    timeout_options: ClassVar[Mapping[str, int]] = {
        "connect_timeout": 10, "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }  # fmt: skip
    """Seconds; `tcp_user_timeout` in milliseconds."""
    # psycopg 3 reads no datetime in another style, and Django's own queries, such as those of migrations, read some.
    session_sql = "SET DateStyle TO ISO"
    types: ClassVar[Mapping[ColumnType, str]] = {
        ColumnType.INTEGER: "bigint", ColumnType.TEXT: "text", ColumnType.BOOLEAN: "boolean",
        ColumnType.DATETIME: "timestamptz", ColumnType.DECIMAL: "numeric", ColumnType.FLOAT: "double precision",
    }  # fmt: skip
    now_sql = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
    references_sql = (
        "SELECT target.relname, c.conrelid::regclass::text, a.attname,"
        " CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END"
        " FROM pg_constraint c"
        " JOIN pg_class target ON target.oid = c.confrelid"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
        " WHERE c.contype = 'f' AND pg_table_is_visible(target.oid) AND target.relname LIKE 'django!_celery!_beat!_%' ESCAPE '!'"
    )
    limits_sql = (
        "SELECT c.relname, a.attname, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',"
        " CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END,"
        " CASE WHEN t.typname LIKE 'timestamp%' AND a.atttypmod >= 0 THEN a.atttypmod END,"
        " NULLIF(NULLIF(getdatabaseencoding(), 'UTF8'), 'SQL_ASCII')"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid"
        " WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND pg_table_is_visible(c.oid)"
        " AND (c.relname LIKE 'django!_celery!_beat!_%' ESCAPE '!' OR c.relname LIKE 'beatsync!_%' ESCAPE '!')"
    )
    # NO KEY: others may still check a foreign key on the locked row, so history can be written meanwhile.
    row_lock = " FOR NO KEY UPDATE"
    share_lock = " FOR KEY SHARE"
    idle_limit_sql = "SET LOCAL idle_in_transaction_session_timeout = '{seconds}s'"
    # Django's foreign keys are deferred; for 100,000 new rows the check takes half as long as their COPY.
    check_constraints_sql = "SET CONSTRAINTS ALL IMMEDIATE"

    @classmethod
    def prepare_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return Django's settings for a database URL. Raises StoreError if there is no driver."""
        if find_spec("psycopg") is None and find_spec("psycopg2") is None:
            raise StoreError("PostgreSQL needs a driver: pip install 'beatsync[postgres]'")
        # Shown by `pg_stat_activity` to a person who looks for the session that holds a lock.
        return {**settings, "OPTIONS": {"application_name": "beatsync", **(settings.get("OPTIONS") or {})}}

    def insert(self, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Insert `rows` by a COPY; with psycopg2, from JSON parameters that the server unpacks."""
        target, names = self.quote(table.name), ", ".join(self.quote_all(columns))
        if hasattr(getattr(self.connection, "Database", None), "Copy"):  # psycopg 3
            self.copy(f"COPY {target} ({names}) FROM STDIN", rows)
        else:
            values = ", ".join(self._unpacked(table, columns))
            self._execute_json(f"INSERT INTO {target} ({names}) SELECT {values} FROM {_JSON_ROWS}", rows)

    def copy(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run a COPY of `rows`; Django's own wrappers of statements do not see it."""
        with self.connection.cursor() as cursor, self.connection.wrap_database_errors, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)

    def update(self, table: Table, columns: Sequence[str], rows: Iterable[BulkRow]) -> None:
        """Write `columns` of thousands of rows by one statement, from a JSON parameter that the server unpacks."""
        target, key = self.quote(table.name), self.quote(table.key)
        *values, row_key = self._unpacked(table, (*columns, table.key))
        assignments = ", ".join(
            f"{name} = {value}" for name, value in zip(self.quote_all(columns), values, strict=True)
        )
        sql = f"UPDATE {target} SET {assignments} FROM {_JSON_ROWS} WHERE {target}.{key} = {row_key}"
        self._execute_json(sql, ([row.get(column) for column in (*columns, table.key)] for row in rows))

    def _unpacked(self, table: Table, columns: Sequence[str]) -> list[str]:
        """Return the SQL of each column of the table `j` that the server makes from the JSON parameter."""
        return [f"(j.value ->> {index})::{self.types[table.type_of(name)]}" for index, name in enumerate(columns)]

    def _execute_json(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        for chunk in chunks(map(encode, rows)):
            self.execute(sql, [f"[{chunk}]"])

    def stream(self, columns: Sequence[str], rest: str, parameters: Sequence[Value] = ()) -> Generator[Any, None, None]:
        """Select `columns` and yield the rows, in a transaction: a pooler may give the next one another session."""
        from django.db import transaction

        with nullcontext() if self.connection.in_atomic_block else transaction.atomic(using=self.connection.alias):
            yield from super().stream(columns, rest, parameters)

    def _stream_cursor(self) -> Any:
        if self.connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            return self.connection.cursor()
        return self.connection.chunked_cursor()

    @property
    def zone(self) -> tzinfo:
        """UTC: PostgreSQL stores points in time, whatever USE_TZ and the session's zone are."""
        return timezone.utc

    def datetime_text(self, sql: str) -> str:
        """Return the SQL of a datetime in UTC as text, whatever the session's DateStyle: `… AD`, `… BC` or `infinity`."""
        return f"COALESCE(to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US BC'), {sql}::text)"

    def contains(self, sql: str) -> str:  # noqa: D102
        return f"STRPOS({sql}, %s) > 0"

    def digest(self, columns: Sequence[Column]) -> str:
        """Return the SQL of a digest over a record's text, in which PostgreSQL quotes each value."""
        record = f"ROW({', '.join(map(self.readable, columns))})::text"
        return f"left(encode(sha256(convert_to({record}, 'UTF8')), 'hex'), {DIGEST_LENGTH})"

    @contextmanager
    def lock_timeout(self, seconds: float) -> Iterator[None]:
        """Let statements inside wait at most `seconds`; a savepoint that is rolled back restores the limit."""
        before = str(self.fetch("SELECT current_setting('lock_timeout')")[0][0])
        self._set_lock_timeout(f"{max(1, math.ceil(seconds * 1000))}ms")
        yield
        self._set_lock_timeout(before)

    def _set_lock_timeout(self, limit: str) -> None:
        self.execute("SELECT set_config('lock_timeout', %s, true)", [limit])

    def isolation_sql(self) -> str:
        """Return a statement for READ COMMITTED: a stricter transaction fails where this one waits."""
        return "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"

    def _blockers_sql(self, tables: Iterable[str]) -> str:
        names = ", ".join(f"to_regclass('{name}')" for name in tables)
        return (
            "SELECT pid, application_name, usename, state, extract(epoch FROM clock_timestamp() - xact_start)"
            " FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND pid IN (SELECT pid FROM pg_locks"
            f" WHERE granted AND mode <> 'AccessShareLock' AND relation IN ({names})"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
            f" ORDER BY xact_start LIMIT {MAX_BLOCKERS}"
        )

    def savepoint(self) -> AbstractContextManager[None]:
        """Return a savepoint: a statement that fails would end the transaction."""
        from django.db import transaction

        return transaction.atomic(using=self.connection.alias)

    def needs_new_connection(self, error: BaseException) -> bool:
        """Return whether the session has ended, could not be opened, or cannot write although a new one may."""
        code = self.error_code(error.__cause__ or error)
        if code is None:  # the driver's own: the server's answer is missing
            return isinstance(error, (OperationalError, InterfaceError))
        return super().needs_new_connection(error) or str(code).startswith(_UNUSABLE_CLASSES)

    def lacking(self, charset: str, text: str) -> str:
        """Return the characters that an encoding lacks, by Python's codec of that name, if it has one."""
        try:
            return "".join(character for character in text if not character.encode(charset, "ignore"))
        except LookupError:
            return ""

    def read_only_reason(self) -> str | None:
        """Return whether the server is a hot standby, or the session's transactions are read-only."""
        sql = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')"
        ((is_standby, read_only),) = self.fetch(sql)
        if is_standby:
            return "the server is a hot standby"
        return (
            "transactions of this session are read-only (default_transaction_read_only)" if read_only == "on" else None
        )

    def missing_rights(self, rights: Iterable[tuple[Table, str]]) -> list[tuple[Table, str]]:
        """Return the rights that this user does not have, by one query; a right to one column counts."""
        needed = list(rights)
        checks = [
            f"has_{'table' if right == 'DELETE' else 'any_column'}_privilege('{table.name}', '{right}')"
            for table, right in needed
        ]
        (granted,) = self.fetch(f"SELECT {', '.join(checks)}")
        return [right for right, is_granted in zip(needed, granted, strict=True) if not is_granted]

    @staticmethod
    def error_code(cause: BaseException) -> object:
        """Return the SQLSTATE of an error; psycopg2 has its own name for it."""
        return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
