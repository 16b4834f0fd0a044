"""The one place where datetimes cross between BeatSync (aware, in UTC) and the text that a database stores.

PostgreSQL stores points in time. SQLite, MariaDB and MySQL store a wall clock without a zone: the connection's zone with USE_TZ,
the project's without. `Dialect.zone` is that zone.
"""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo
from functools import lru_cache


@lru_cache(maxsize=16_384)
def read(text: str | None, zone: tzinfo) -> datetime | None:
    """Return the datetime that `Dialect.datetime_text` yielded, aware in UTC; None for NULL and for a text that is no datetime."""
    from django.utils.dateparse import parse_datetime

    if not text:
        return None
    try:
        value = parse_datetime(text.removesuffix(" AD"))
        if value is None:
            return None
        if value.tzinfo is None:
            value = value.replace(tzinfo=zone)
        return value.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def write(value: datetime | None, zone: tzinfo) -> str | None:
    """Return a datetime as text for the database, the same text that Django's own backends write."""
    if value is None:
        return None
    local = value.astimezone(zone)
    return str(local if zone is timezone.utc else local.replace(tzinfo=None))
