"""The one place where moments cross between BeatSync (aware, UTC) and what each database stores.

PostgreSQL stores moments; it is asked for UTC and told the offset, so that neither USE_TZ nor the session's zone counts.
SQLite and MariaDB store a wall clock without a zone: that of the connection with USE_TZ, that of the project without.
"""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_datetime

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def zone_of(connection: BaseDatabaseWrapper) -> tzinfo:
    """Return the zone in which `connection` stores a wall clock."""
    if connection.vendor == "postgresql":
        return timezone.utc
    return ZoneInfo(connection.timezone_name)


def select(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return the SQL expression that yields the moment in `column` as text for `read`.

    As text, because drivers differ in what they make of a moment and some fail on one that cannot be.
    """
    if connection.vendor == "postgresql":
        return f"({column} AT TIME ZONE 'UTC')::text"
    return as_text(connection, column)


def as_text(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return the SQL expression that yields a column as text; of a BLOB, which SQLite takes anywhere, the literal."""
    if connection.vendor == "sqlite":
        return f"CASE typeof({column}) WHEN 'blob' THEN quote({column}) ELSE CAST({column} AS TEXT) END"
    return f"CAST({column} AS {'CHAR' if connection.vendor == 'mysql' else 'TEXT'})"


@lru_cache(maxsize=16_384)
def read(text: str | None, zone: tzinfo) -> datetime | None:
    """Return the moment that `select` yielded, aware in UTC; None for NULL and for what is no moment."""
    if not text:
        return None
    try:
        value = parse_datetime(text)
        if value is None:
            return None
        if value.tzinfo is None:
            value = value.replace(tzinfo=zone)
        return value.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def write(value: datetime | None, zone: tzinfo) -> str | None:
    """Return a moment as text that the database stores; the same text that Django's own backends write."""
    return None if value is None else _written(value, zone)


@lru_cache(maxsize=1024)
def _written(value: datetime, zone: tzinfo) -> str:
    local = value.astimezone(zone)
    return str(local if zone is timezone.utc else local.replace(tzinfo=None))
