"""What a database driver raises → `StoreError`, in one place, by class and code and never by guesswork on a secret's safety."""

# ruff: noqa: S608  names come from our own constants

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, InterfaceError

from beatsync.store.bulk import fetch
from beatsync.store.errors import RetryableError, StoreError
from beatsync.store.tables import HISTORY, INVENTORY, PERIODIC_TASK, SCHEDULES, SOURCE, TOMBSTONE

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_RETRY_SQLSTATES = frozenset({"40001", "40P01", "55P03"})  # serialisation failure, deadlock, lock not available
_RETRY_MYSQL = frozenset({1020, 1205, 1213, 3572})  # changed since read, lock wait timeout, deadlock, NOWAIT
_LOCK_SQLSTATES = frozenset({"55P03"})
_LOCK_MYSQL = frozenset({1205, 3572})


@contextmanager
def readable_errors(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Turn what the driver raises into `StoreError` or `RetryableError` with a message for people."""
    try:
        yield
    except IntegrityError as error:
        # Somebody else wrote between our look and our write: a new plan will see it and say what is the matter.
        raise RetryableError(f"{describe(connection)}: {message_of(connection, error)}") from error
    except (DatabaseError, InterfaceError) as error:
        kind = RetryableError if may_retry(error) else StoreError
        raise kind(f"{describe(connection)}: {_no_text(connection, error) or message_of(connection, error)}") from error
    except ImproperlyConfigured as error:
        raise StoreError(masked(connection, str(error))) from error


def may_retry(error: BaseException) -> bool:
    """Whether the server gave way to another transaction (deadlock, serialisation failure, lock timeout)."""
    return _matches(error, _RETRY_SQLSTATES, _RETRY_MYSQL)


def lock_refused(error: BaseException) -> bool:
    """Whether a lock was not to be had in the time given."""
    return _matches(error, _LOCK_SQLSTATES, _LOCK_MYSQL)


def _matches(error: BaseException, sqlstates: frozenset[str], numbers: frozenset[int]) -> bool:
    cause = error.__cause__ or error
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if sqlstate in sqlstates:
        return True
    number = cause.args[0] if cause.args else None
    if isinstance(number, int):
        return number in numbers
    # Python 3.10's sqlite3 carries no error code: the text of SQLITE_BUSY is all there is.
    return isinstance(number, str) and number.startswith("database is locked")


def message_of(connection: BaseDatabaseWrapper, error: BaseException) -> str:
    """Return what the driver says, on one line, without the password and without what stands in a row."""
    cause = error.__cause__ or error
    # PostgreSQL quotes the whole row, arguments and all, in the lines behind the first: DETAIL and CONTEXT.
    text = getattr(getattr(cause, "diag", None), "message_primary", None)
    if text is None:
        text = str(cause.args[-1]) if cause.args else type(cause).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return masked(connection, "; ".join(lines) or type(cause).__name__)


def _no_text(connection: BaseDatabaseWrapper, error: BaseException) -> str | None:
    """Return which text is not UTF-8, where SQLite's driver fails on one: it shows the text, be it a secret, and not the row."""
    told, shows, _ = str(error).partition(" with text ")
    if connection.vendor != "sqlite" or not told.startswith(("Could not decode to UTF-8", "user-defined function")):
        return None
    # What cannot be looked at is not told either.
    with suppress(DatabaseError):
        for table in (PERIODIC_TASK, *SCHEDULES.values(), INVENTORY, SOURCE, TOMBSTONE, HISTORY):
            names = [connection.ops.quote_name(name) for name in table.columns]
            texts = ", ".join(f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) END" for name in names)
            for key, *values in fetch(connection, f"SELECT {table.key}, {texts} FROM {table.name}"):
                for name, value in zip(table.columns, values, strict=True):
                    if value is not None and not _is_utf8(value):
                        return (
                            f"{name} of the row with {table.key} {key} in {table.name} is no UTF-8 text: write it anew"
                        )
    return told if shows else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def masked(connection: BaseDatabaseWrapper, text: str) -> str:
    """Return `text` without the connection's password."""
    password = str(connection.settings_dict.get("PASSWORD") or "")
    return text.replace(password, "***") if password else text


def describe(connection: BaseDatabaseWrapper) -> str:
    """Return what database this is, for people: `SQLite beatsync.sqlite3`, `PostgreSQL app on db:5432`."""
    settings = connection.settings_dict
    name = str(settings.get("NAME") or "")
    if connection.vendor == "sqlite":
        return f"SQLite {name}"
    # Which of the two it is only the server knows, and it is asked on connecting; nobody is asked here.
    known = connection.vendor != "mysql" or "mysql_server_data" in vars(connection)
    kind = connection.display_name if known else "MySQL"
    host = str(settings.get("HOST") or "localhost")
    port = str(settings.get("PORT") or {"postgresql": 5432, "mysql": 3306}.get(connection.vendor, ""))
    return f"{kind} {name} on {host}:{port}"
