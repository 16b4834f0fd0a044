"""The store that the admin's pages read, and what of it is in use."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import router

from beatsync.store.errors import StoreError

if TYPE_CHECKING:
    from beatsync.store import Store

_logger = logging.getLogger("beatsync.admin")
_CHECKED: set[str] = set()
"""The databases whose tables were found."""
_LOGGED: dict[str, str] = {}
"""What was logged last of the tables of a database: a page asks several times."""


@lru_cache
def _store(alias: str) -> Store:
    from beatsync.store import Store

    return Store(alias)


def store() -> Store:
    """Return the store of the database that Django writes `PeriodicTask` to."""
    from django_celery_beat.models import PeriodicTask

    return _store(router.db_for_write(PeriodicTask))


def now() -> datetime:
    """Return the present time, aware, in UTC."""
    # It imports the parser, and every process of the project imports this module.
    from beatsync.sync_types import utc_now

    return utc_now()


def is_ready() -> bool:
    """Return whether BeatSync's tables are there. Without them the admin works as if BeatSync was not installed."""
    current = store()
    if current.alias not in _CHECKED:
        try:
            current.check_tables()
        except StoreError as error:
            if _LOGGED.get(current.alias) != str(error):
                _LOGGED[current.alias] = str(error)
                _logger.warning("BeatSync shows nothing in the admin: %s", error)
            return False
        _CHECKED.add(current.alias)
    return True


def source_url_template() -> str | None:
    """Return `BEATSYNC["SOURCE_URL"]`."""
    value: Any = store().project_settings().get("SOURCE_URL")
    return str(value) if value else None
