"""A connection that has ended, or that cannot write, is closed after the first error, and the next call opens a new one."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connections

from beatsync.store import ConnectionUnusable, RetryableError, RowsLocked, Store, StoreError
from beatsync.store.dialects.base import Dialect
from beatsync.store.dialects.mysql import MySQL
from beatsync.store.dialects.postgresql import PostgreSQL
from beatsync.store.dialects.sqlite import SQLite
from beatsync.values import Actor
from tests.conftest import Backend
from tests.store.granting import as_user
from tests.store.storing import NOW, SOURCE, create_all, run, scalar

READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
END_SESSION = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}
SESSION_ID = {"postgresql": "SELECT pg_backend_pid()", "mariadb": "SELECT CONNECTION_ID()"}
CALLS: dict[str, Callable[[Store], object]] = {
    "check_writable": lambda store: store.check_writable(),
    "acquire_lease": lambda store: store.acquire_lease(SOURCE, "tests", "token", 10),
    "locked": create_all,
    "suspend": lambda store: store.suspend(SOURCE, None, Actor("ann"), NOW),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_read_only_session_is_left(backend: Backend, store: Store, call: Callable[[Store], object]) -> None:
    create_all(store)
    run(store, READ_ONLY[backend.name])
    assert connections[store.alias].is_usable()
    with pytest.raises(ConnectionUnusable):
        call(store)
    call(store)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_session_that_the_server_ended_is_left(
    backend: Backend, store: Store, call: Callable[[Store], object]
) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has no server")
    create_all(store)
    as_user(backend.url)(END_SESSION[backend.name].format(scalar(store, SESSION_ID[backend.name])))
    with pytest.raises(ConnectionUnusable):
        call(store)
    call(store)


def test_a_session_that_ends_during_a_transaction_is_left(backend: Backend, store: Store) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has no server")
    end_session = END_SESSION[backend.name].format(scalar(store, SESSION_ID[backend.name]))

    def sync() -> None:
        with store.locked(SOURCE, 1, "tests"):
            as_user(backend.url)(end_session)
            store.observe(SOURCE)

    with pytest.raises(ConnectionUnusable):
        sync()
    create_all(store)


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
def test_a_statement_that_is_refused_does_not_close_the_connection(backend: Backend, store: Store) -> None:
    session = scalar(store, SESSION_ID[backend.name])
    with pytest.raises(StoreError) as caught, store._readable() as db:
        db.fetch("SELECT no_such_column FROM beatsync_source")
    assert not isinstance(caught.value, ConnectionUnusable)
    assert scalar(store, SESSION_ID[backend.name]) == session


def postgresql(code: str | None, kind: type[Exception] = OperationalError) -> tuple[type[Dialect], Exception]:
    cause = Exception("text")
    cause.sqlstate = code  # type: ignore[attr-defined]
    return PostgreSQL, caused(kind, cause)


def mysql(code: int, kind: type[Exception] = OperationalError) -> tuple[type[Dialect], Exception]:
    return MySQL, caused(kind, Exception(code, "text"))


def caused(kind: type[Exception], cause: Exception) -> Exception:
    error = kind(*cause.args)
    error.__cause__ = cause
    return error


UNUSABLE = [
    *map(postgresql, ["25006", "57P01", "57P02", "57P03", "57P05", "25P03", "08006", "28P01", "28000", "3D000", "53300", None]),
    postgresql(None, InterfaceError),
    *map(mysql, [1290, 1792, 1836, 1045, 1040, 1053, 1927, 2002, 2003, 2005, 2006, 2013]),
    mysql(0, InterfaceError),
    (SQLite, OperationalError("attempt to write a readonly database")),
    (SQLite, OperationalError("unable to open database file")),
]  # fmt: skip
OTHER = [
    *(postgresql(code, DatabaseError) for code in ("42501", "42P01", "53100", "22001", "57014")),
    postgresql(None, ProgrammingError),
    *map(mysql, [1142, 1054, 1114, 1153, 1317]),
    (SQLite, OperationalError("no such column: x")),
]
RETRYABLE = [
    *map(postgresql, ["40001", "40P01"]),
    *map(mysql, [1213]),
]
LOCKED = [
    postgresql("55P03"),
    mysql(1205),
    (SQLite, OperationalError("database is locked")),
]


@pytest.mark.parametrize(
    ("dialect", "error", "expected"),
    [
        *((*case, ConnectionUnusable) for case in UNUSABLE),
        *((*case, StoreError) for case in OTHER),
        *((*case, RetryableError) for case in RETRYABLE),
        *((*case, RowsLocked) for case in LOCKED),
    ],
)
def test_the_kind_of_an_error(dialect: type[Dialect], error: Exception, expected: type[StoreError]) -> None:
    connection = SimpleNamespace(settings_dict={"NAME": "app"}, connection=None)
    with pytest.raises(StoreError) as caught, dialect(connection).readable_errors():  # type: ignore[arg-type]
        raise error
    assert type(caught.value) is expected
