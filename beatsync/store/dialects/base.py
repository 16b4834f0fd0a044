"""`Dialect`: a database as the store uses it. Its methods here are the SQL that all databases share."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction

from beatsync.plan.observed import NameRule
from beatsync.specfile.fields import ColumnType
from beatsync.store.errors import ConnectionUnusable, RetryableError, RowsLocked, StoreError
from beatsync.store.statements import FETCH_SIZE, BulkRow, Value, id_lists
from beatsync.store.tables import Table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

DIGEST_LENGTH = 32
"""Hex characters of a row's digest."""
MAX_BLOCKERS = 3
"""How many sessions a message names."""


class Column(NamedTuple):
    """A column as SQL, and its type."""

    sql: str
    column_type: ColumnType


class ColumnLimits(NamedTuple):
    """What a column of a table accepts, as far as the database knows it."""

    table: str
    name: str
    is_required: bool
    """Whether an INSERT that leaves the column out fails."""
    max_length: int | None
    """The most characters of a text."""
    second_digits: int | None
    """Digits of a datetime after the seconds."""
    charset: str | None
    """The character set of a text; None if it has every character."""


class Dialect(ABC):
    """One connection to a database of one kind."""

    vendor: ClassVar[str]
    """Django's name of this kind of database."""
    engine: ClassVar[str]
    """The last part of Django's ENGINE setting."""
    label: ClassVar[str]
    """Its name in messages."""
    default_port: ClassVar[int | None] = None
    timeout_options: ClassVar[Mapping[str, int]] = {}
    """Connection options that keep a process without an operator from waiting for a silent server: the drivers wait for hours."""
    session_sql: ClassVar[str] = ""
    """Prepares a new session, in case the server's or the user's settings are not the defaults."""
    now_sql: ClassVar[str]
    """The server's clock when the expression is evaluated, in seconds since 1970. A transaction's own time does not advance."""
    references_sql: ClassVar[str]
    """A query for all foreign keys on django-celery-beat's tables: referenced table, referring table, referring column, ON DELETE."""
    limits_sql: ClassVar[str]
    """A query for the `ColumnLimits` of django-celery-beat's and BeatSync's tables."""
    row_lock: ClassVar[str] = " FOR UPDATE"
    """What a SELECT ends with to lock its rows."""
    share_lock: ClassVar[str] = ""
    """What a SELECT ends with to keep its rows from being deleted, as the check of a foreign key does."""
    insert_ignore: ClassVar[str] = " ON CONFLICT DO NOTHING"
    """What an INSERT of values ends with to leave out rows whose unique column another row has, and to wait for one not yet committed."""
    idle_limit_sql: ClassVar[str] = ""
    """Limits the time in `{seconds}` that this transaction runs no statement; empty if the server has no such limit."""
    text_type: ClassVar[str] = "TEXT"
    """The type of a text of any length in a CAST."""
    retryable_codes: ClassVar[frozenset[object]] = frozenset()
    """The server's codes of errors after which the same sync may pass, in addition to `lock_timeout_codes`."""
    lock_timeout_codes: ClassVar[frozenset[object]] = frozenset()
    lock_timeout_message: ClassVar[str] = "another transaction holds rows of django-celery-beat that this sync writes"
    serves_many_writers: ClassVar[bool] = True
    """Whether programs that write other rows do not wait for each other."""
    unusable_codes: ClassVar[frozenset[object]] = frozenset()
    """The server's codes of errors after which a session is not used again: it has ended, or it cannot write."""
    charset_codes: ClassVar[frozenset[object]] = frozenset()
    """The server's codes of errors about a character that a column's character set lacks."""
    permission_codes: ClassVar[frozenset[object]] = frozenset()
    grants_file: ClassVar[str] = ""
    """The file in the repository that grants the rights, for a database that has rights."""
    """The server's codes of errors about a missing right."""
    types: ClassVar[Mapping[ColumnType, str]] = {}
    """The server's types, for values that it unpacks from a JSON parameter."""
    check_constraints_sql: ClassVar[str] = ""
    """Checks deferred foreign keys; empty if the server defers none."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    # Settings of a connection, before there is one.

    @classmethod
    def prepare_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return Django's settings for a database URL, completed. Raises StoreError if the driver is missing."""
        return dict(settings)

    def describe(self) -> str:
        """Return the name and place of the database for messages, without its password: `PostgreSQL app on db:5432`."""
        settings = self.connection.settings_dict
        host, port = settings.get("HOST") or "localhost", settings.get("PORT") or self.default_port
        return f"{self.display_name()} {settings.get('NAME') or ''} on {host}:{port}"

    def display_name(self) -> str:
        """Return the name of the product for messages, without a statement."""
        return self.label

    def check_server(self, migrate_hint: str) -> None:  # noqa: ARG002  the default
        """Raise StoreError if the server is too old, and SchemaMissing if the database does not exist yet."""
        self.connection.ensure_connection()

    # Statements.

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run one statement that yields no rows and return how many rows it changed."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)
            return int(cursor.rowcount)

    def fetch(self, sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return all its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)
            return [tuple(row) for row in cursor.fetchall()]

    def stream(self, columns: Sequence[str], rest: str, parameters: Sequence[Value] = ()) -> Generator[Any, None, None]:
        """Select `columns`, which are texts and integers, and yield the rows, of which a few thousand are in memory at a time.

        Run no other statement before all rows are read or the generator is closed.
        """
        with self._stream_cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(columns)} {rest}", list(parameters) or None)
            while rows := cursor.fetchmany(FETCH_SIZE):
                yield from rows

    def _stream_cursor(self) -> Any:
        return self.connection.cursor()

    @abstractmethod
    def insert(self, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        """Insert `rows`, each with a value for each of `columns`."""

    def insert_missing(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Insert those of a few rows whose unique column no other row has; wait for one that is not committed yet."""
        values = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
        names = ", ".join(self.quote_all(columns))
        sql = f"INSERT INTO {self.quote(table.name)} ({names}) VALUES {values}{self.insert_ignore}"
        self.execute(sql, [value for row in rows for value in row])

    @abstractmethod
    def update(self, table: Table, columns: Sequence[str], rows: Iterable[BulkRow]) -> None:
        """Write only `columns` of the rows that `table.key` names; a row that no longer exists is skipped."""

    @property
    def max_text(self) -> int:
        """The most ASCII characters of a value that can be written, if the server has a limit."""
        return sys.maxsize

    def delete(self, table: Table, ids: Iterable[int], unless: str = "") -> None:
        """Delete the rows with these keys by plain SQL that cannot cascade; `unless` is a further SQL condition."""
        target, key = self.quote(table.name), self.quote(table.key)
        for chunk in id_lists(ids):
            self.execute(f"DELETE FROM {target} WHERE {target}.{key} IN ({chunk}){unless}")

    def quote(self, name: str) -> str:
        """Return a table's or column's name, quoted."""
        return str(self.connection.ops.quote_name(name))

    def quote_all(self, names: Iterable[str]) -> list[str]:
        """Return names, quoted."""
        return [self.quote(name) for name in names]

    # Columns as SQL expressions.

    @property
    def zone(self) -> tzinfo:
        """The zone in which the database stores a wall clock."""
        return ZoneInfo(str(self.connection.timezone_name))

    def readable(self, column: Column) -> str:
        """Return the SQL of a column as `stream` can yield it: datetimes as text for `times.read`, decimals as text."""
        if column.column_type is ColumnType.DATETIME:
            return self.datetime_text(column.sql)
        if column.column_type in {ColumnType.DECIMAL, ColumnType.FLOAT}:
            return self.text(column.sql)
        return column.sql

    def columns(self, alias: str, table: Table, names: Iterable[str] | None = None) -> list[Column]:
        """Return these columns of `table` under the name `alias`, in this order; all of them by default."""
        return [Column(f"{alias}.{self.quote(name)}", table.type_of(name)) for name in names or table.columns]

    def text(self, sql: str) -> str:
        """Return the SQL of a column as text."""
        return f"CAST({sql} AS {self.text_type})"

    def contains(self, sql: str) -> str:
        """Return the SQL condition that a text column contains a parameter; some servers ignore case."""
        return f"INSTR({sql}, %s) > 0"

    def datetime_text(self, sql: str) -> str:
        """Return the SQL of a datetime as text: drivers differ in how they convert one, and some fail on an impossible one."""
        return self.text(sql)

    @abstractmethod
    def digest(self, columns: Sequence[Column]) -> str:
        """Return the SQL of a hex digest of one row, for a statement with parameters.

        Different values never yield the same text before it is hashed, and no setting of the session changes it. The digest is
        NULL if a value is one that this text cannot express.
        """

    # Locks and transactions.

    def lock_source(self, table: Table, source: str, *, nowait: bool) -> int | None:
        """Lock the row of a source as the first statement of a transaction and return its id; None if it does not exist."""
        sql = f"SELECT id FROM {table.name} WHERE name = %s{self.row_lock}{' NOWAIT' if nowait else ''}"
        rows = self.fetch(sql, [source])
        return int(rows[0][0]) if rows else None

    @abstractmethod
    def lock_timeout(self, seconds: float) -> AbstractContextManager[None]:
        """Let statements inside wait at most `seconds` for a lock, and restore the connection's own limit afterwards."""

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Run the body in a transaction, which sees the commits of others whatever isolation the server has by default."""
        is_outermost = not self.connection.in_atomic_block
        with transaction.atomic(using=self.connection.alias):
            if is_outermost and (sql := self.isolation_sql()):
                self.execute(sql)
            yield

    def begin_writing(self) -> None:  # noqa: B027  the default
        """Take the lock of a database that has only one, before the transaction reads."""

    def isolation_sql(self) -> str:
        """Return a statement that keeps the transaction that begins from a stricter default; empty if none is needed."""
        return ""

    def blockers(self, tables: Iterable[str]) -> str:
        """Return which other sessions have locks on rows of `tables`, longest first; empty if the server does not tell.

        The server is asked when the wait is over, so a session that ended meanwhile is not among them.
        """
        sql = self._blockers_sql(tables)
        with suppress(DatabaseError), transaction.atomic(using=self.connection.alias):
            rows = self.fetch(sql) if sql else []
            return " and ".join(
                f"process {pid} ({', '.join([*filter(None, (program, f'user {user}' if user else '', state))])}"
                f"{'' if seconds is None else f' for {int(seconds)} s'})"
                for pid, program, user, state, seconds in rows
            )
        return ""

    def _blockers_sql(self, tables: Iterable[str]) -> str:  # noqa: ARG002  the default
        """Return a query for process, program, user, state and the age in seconds of each transaction; empty if there is none."""
        return ""

    def savepoint(self) -> AbstractContextManager[None]:
        """Return a savepoint if a statement that fails would end the transaction."""
        return nullcontext()

    def limit_idle_transaction(self, seconds: int) -> None:
        """Have the server end this transaction if it runs no statement for `seconds`, if it can."""
        if self.idle_limit_sql:
            self.execute(self.idle_limit_sql.format(seconds=seconds))

    def check_constraints(self) -> None:
        """Check foreign keys now if the server would check them at the commit."""
        if self.check_constraints_sql:
            self.execute(self.check_constraints_sql)

    # What would stop a sync.

    def column_limits(self) -> list[ColumnLimits]:
        """Return what each column of django-celery-beat's and BeatSync's tables accepts, by one query."""
        return [
            ColumnLimits(str(table), str(name), bool(is_required), *rest)
            for table, name, is_required, *rest in self.fetch(self.limits_sql)
        ]

    def lacking(self, charset: str, text: str) -> str:  # noqa: ARG002  the default
        """Return the characters of `text`, each of which occurs once, that the character set lacks."""
        return ""

    def read_only_reason(self) -> str | None:
        """Return why this session cannot write at all; None if it can."""
        return None

    def missing_rights(self, rights: Iterable[tuple[Table, str]]) -> list[tuple[Table, str]]:  # noqa: ARG002  the default
        """Return those of `rights` (INSERT, UPDATE or DELETE on a table) that this user does not have."""
        return []

    def is_charset_error(self, error: BaseException) -> bool:
        """Return whether a text has a character that a column's character set lacks."""
        return self.error_code(error.__cause__ or error) in self.charset_codes

    def is_permission_error(self, error: BaseException) -> bool:
        """Return whether a statement failed because of a missing right."""
        return self.error_code(error.__cause__ or error) in self.permission_codes

    # Names and errors.

    def name_rule(self, table: Table) -> NameRule:  # noqa: ARG002  the default
        """Return how the database compares the names in `table` (docs/facts.md, 13)."""
        return NameRule.EXACT

    @contextmanager
    def readable_errors(self) -> Iterator[Dialect]:
        """Yield this dialect; turn what the driver raises into StoreError, with a message that holds no password and no row."""
        try:
            yield self
        except IntegrityError as error:
            # Another process wrote after we read: a new plan sees its row and says what to do.
            raise RetryableError(f"{self.describe()}: {self.message_of(error)}") from error
        except (DatabaseError, InterfaceError) as error:
            if self.is_lock_timeout(error):
                raise RowsLocked(f"{self.describe()}: {self.lock_timeout_message}") from error
            message = f"{self.describe()}: {self.explain_error(error) or self.message_of(error)}"
            if self.is_permission_error(error):
                message += f"; {self.grants_file} grants the rights that a plan and a sync need"
            raise self._kind_of(error)(message) from error
        except ImproperlyConfigured as error:
            raise StoreError(self._masked(str(error))) from error

    def message_of(self, error: BaseException) -> str:
        """Return the driver's message on one line, without the password and without the content of a row."""
        cause = error.__cause__ or error
        # PostgreSQL quotes the row, arguments included, in the lines after the first: DETAIL and CONTEXT.
        text = getattr(getattr(cause, "diag", None), "message_primary", None)
        if text is None:
            text = str(cause.args[-1]) if cause.args else type(cause).__name__
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return self._masked("; ".join(lines) or type(cause).__name__)

    def _masked(self, text: str) -> str:
        password = str(self.connection.settings_dict.get("PASSWORD") or "")
        return text.replace(password, "***") if password else text

    @staticmethod
    @abstractmethod
    def error_code(cause: BaseException) -> object:
        """Return the server's code of an error that its driver raised."""

    def is_retryable(self, error: BaseException) -> bool:
        """Return whether the server gave way to another transaction (deadlock, serialisation failure, lock timeout)."""
        return self.error_code(error.__cause__ or error) in self.retryable_codes | self.lock_timeout_codes

    def needs_new_connection(self, error: BaseException) -> bool:
        """Return whether the session has ended, could not be opened, or cannot write although a new one may."""
        return self.error_code(error.__cause__ or error) in self.unusable_codes

    def _kind_of(self, error: BaseException) -> type[StoreError]:
        if self.is_retryable(error):
            return RetryableError
        return ConnectionUnusable if self.needs_new_connection(error) else StoreError

    def is_lock_timeout(self, error: BaseException) -> bool:
        """Return whether a lock was not granted in time."""
        return self.error_code(error.__cause__ or error) in self.lock_timeout_codes

    def explain_error(self, error: BaseException) -> str | None:  # noqa: ARG002  the default
        """Return a message for an error whose own text may hold a secret; None if its text can be shown."""
        return None
