"""Rows → observed, and plan → rows: inventory, lock and history, on SQLite, PostgreSQL, MariaDB and MySQL.

This room must not know files or YAML. Django lives here and nowhere else in the core. Importing the room imports no Django,
and no module of it needs Django to be set up when it is imported, so that `connect` can do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beatsync.store.connect import DatabaseChoice, connect
from beatsync.store.errors import LeaseLost, LockHeld, RetryableError, SchemaMissing, StoreError

if TYPE_CHECKING:
    from beatsync.store.records import Failure, HistoryEntry, SourceState
    from beatsync.store.store import Store

__all__ = [
    "DatabaseChoice",
    "Failure",
    "HistoryEntry",
    "LeaseLost",
    "LockHeld",
    "RetryableError",
    "SchemaMissing",
    "SourceState",
    "Store",
    "StoreError",
    "connect",
]


def __getattr__(name: str) -> object:
    """Import what needs Django only when it is asked for."""
    if name == "Store":
        from beatsync.store.store import Store

        return Store
    if name in {"Failure", "HistoryEntry", "SourceState"}:
        from beatsync.store import records

        return getattr(records, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
