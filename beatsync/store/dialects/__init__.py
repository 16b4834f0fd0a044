"""Everything that differs between databases: a base class, and one class for each kind of database.

No other module compares the name of a database. `dialect_of` chooses the class; an unknown database is refused by its name.
To add a database, add a module with a subclass of `Dialect` here and name it in `_DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from beatsync.store.dialects.base import Column, ColumnLimits, Dialect
from beatsync.store.dialects.mysql import MySQL
from beatsync.store.dialects.postgresql import PostgreSQL
from beatsync.store.dialects.sqlite import SQLite
from beatsync.store.errors import StoreError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["URL_SCHEMES", "Column", "ColumnLimits", "Dialect", "dialect_of", "dialect_of_engine"]

URL_SCHEMES: Mapping[str, str] = {
    **dict.fromkeys(("postgres", "postgresql", "postgis", "pgsql", "psql", "timescale", "timescalegis"), "postgres"),
    **dict.fromkeys(("mysql", "mysql2", "mysqlgis", "mariadb"), "mysql"),
    **dict.fromkeys(("sqlite", "sqlite3", "spatialite"), "sqlite"),
}
"""Schemes of database URLs, without the `+driver` of other tools, by that of the database."""
_DIALECTS: tuple[type[Dialect], ...] = (SQLite, PostgreSQL, MySQL)


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect:
    """Return the dialect of a Django connection, which it uses for every statement. Raises StoreError if it is unknown."""
    for dialect in _DIALECTS:
        if dialect.vendor == connection.vendor:
            return dialect(connection)
    raise StoreError(
        f"BeatSync does not support the database {connection.vendor!r}: use SQLite, PostgreSQL, MariaDB or MySQL"
    )


def dialect_of_engine(engine: str) -> type[Dialect] | None:
    """Return the class for Django's ENGINE setting; None if it is unknown."""
    name = engine.rpartition(".")[2]
    return next((dialect for dialect in _DIALECTS if dialect.engine == name), None)
