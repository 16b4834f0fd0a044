"""Rows → observed, and plan → rows: inventory, lock and history, on SQLite, PostgreSQL, MariaDB and MySQL.

This package must not know files or YAML. Django is used here and nowhere else in the core. Importing the package imports no
Django, and no module of it needs Django to be set up when it is imported, so that `connect` can set it up.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from beatsync.store.connect import DatabaseChoice, connect
from beatsync.store.errors import (
    ConnectionUnusable,
    LeaseLost,
    LockHeld,
    RetryableError,
    RowsLocked,
    SchemaMissing,
    StoreError,
    SyncedMeanwhile,
)

if TYPE_CHECKING:
    from beatsync.plan.history import HistoryEntry
    from beatsync.store.history import Failure
    from beatsync.store.oneoffs import Retention
    from beatsync.store.sets import SetStore
    from beatsync.store.sources import SourceState
    from beatsync.store.store import Store

__all__ = [
    "ConnectionUnusable",
    "DatabaseChoice",
    "Failure",
    "HistoryEntry",
    "LeaseLost",
    "LockHeld",
    "Retention",
    "RetryableError",
    "RowsLocked",
    "SchemaMissing",
    "SetStore",
    "SourceState",
    "Store",
    "StoreError",
    "SyncedMeanwhile",
    "connect",
]


_MODULES = {
    "Store": "store", "Failure": "history", "HistoryEntry": "history", "SourceState": "sources",
    "SetStore": "sets", "Retention": "oneoffs",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import the modules that need Django when their names are first used."""
    if name in _MODULES:
        return getattr(import_module(f"beatsync.store.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
