"""`Database`: the connection to one database, what its driver raises, and what does not change while a process runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from beatsync.plan.observed import NameRule
from beatsync.specfile.shapes import mask_text
from beatsync.store import application, project, schema
from beatsync.store.application import Application
from beatsync.store.dialects import Dialect, dialect_of
from beatsync.store.errors import ConnectionUnusable, SchemaMissing, StoreError
from beatsync.store.tables import PERIODIC_TASK, SOURCE

_ALIASES: set[str] = set()
"""The databases that this process has a `Database` of."""


def _prepare_session(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Run what a dialect needs first in a new session of one of these databases."""
    if connection.alias in _ALIASES and (sql := dialect_of(connection).session_sql):
        dialect_of(connection).execute(sql)


class Database:
    """One database of a Django that is set up, by its alias. Every method may raise StoreError.

    It holds no connection: Django keeps one for each thread. `project_settings` says whether the settings are a
    project's, which know its celery application, or BeatSync's own.
    """

    def __init__(self, alias: str = "default", *, project_settings: bool = True) -> None:
        self.alias = alias
        self._project = project_settings
        self._name_rule: NameRule | None = None
        self._application = Application()
        connection_created.connect(_prepare_session, dispatch_uid="beatsync.store")
        _ALIASES.add(alias)

    @property
    def _db(self) -> Dialect:
        """This thread's connection."""
        return dialect_of(connections[self.alias])

    @contextmanager
    def _readable(self) -> Iterator[Dialect]:
        """Yield this thread's connection, and turn what its driver raises into StoreError.

        A connection that cannot be used any more is closed, whatever its driver says about it, so that the next call opens a new one.
        """
        try:
            with self._db.readable_errors() as db:
                yield db
        except ConnectionUnusable:
            if not connections[self.alias].in_atomic_block:
                self.close()
            raise

    def gave_way(self, error: DatabaseError) -> bool:
        """Return whether the server rolled a transaction back for another one, so that it can be run again."""
        return self._db.is_retryable(error)

    def describe(self) -> str:
        """Return which database this is, for messages, without its password."""
        return mask_text(self._db.describe())

    def close(self) -> None:
        """Close this thread's connection; the next call opens a new one."""
        with suppress(DatabaseError, InterfaceError):  # the server may have closed it
            connections[self.alias].close()

    def refresh(self) -> None:
        """Close this thread's connection if its server has closed it, for processes that stay connected for months."""
        connection = connections[self.alias]
        if connection.connection is not None and not connection.is_usable():
            self.close()

    def check_writable(self) -> None:
        """Raise StoreError if the database cannot be written to: connect if necessary, and run one statement that changes nothing."""
        with self._readable() as db:
            db.execute(f"UPDATE {SOURCE.name} SET name = name WHERE 1 = 0")  # noqa: S608

    def round_trip(self) -> float:
        """Return the seconds that a statement takes to the database and back."""
        started = time.perf_counter()
        with self._readable() as db:
            db.fetch("SELECT 1")
        return time.perf_counter() - started

    def check_tables(self) -> None:
        """Raise SchemaMissing if a table is missing or older than BeatSync can write; cheap."""
        with self._readable() as db:
            schema.check(db, in_project=self._project)

    def explained(self, error: StoreError) -> StoreError:
        """Return the error to show for a statement that failed: a driver's message about a missing table names no migration."""
        if isinstance(error, ConnectionUnusable):
            return error
        try:
            self.check_tables()
        except StoreError as cause:
            return cause if isinstance(cause, SchemaMissing) else error
        return error

    def migrate(self, with_beat: bool) -> list[str]:
        """Create or update BeatSync's own tables, and django-celery-beat's if `with_beat`; return the migrations applied."""
        with self._readable() as db:
            return schema.migrate(db, with_beat=with_beat)

    def project_settings(self) -> Mapping[str, Any]:
        """Return the project's `BEATSYNC` settings; empty without a project."""
        return project.beatsync_settings() if self._project else {}

    def load_application(self, name: str | None) -> Application | None:
        """Load the celery application of this name, else the project's; None if the project has none.

        Without a name and a project, nothing is loaded and the result is empty. Raises StoreError as `application.load` does.
        """
        if name is None and not self._project:
            return self._application
        loaded = application.load(name)
        if loaded is not None:
            self._application = loaded
        return loaded

    def celery_timezone(self) -> str | None:
        """Return the zone of the loaded application, else the project's `CELERY_TIMEZONE`; None if neither is set."""
        return self._application.timezone or (project.celery_timezone() if self._project else None)

    def beat_schedule_names(self) -> frozenset[str]:
        """Return the names in `beat_schedule`, which beat writes at every start (docs/facts.md, 9), if known."""
        return self._application.beat_schedule | (project.beat_schedule_names() if self._project else frozenset())

    def registered_tasks(self) -> frozenset[str]:
        """Return the names of all tasks of the loaded application; empty if they are unknown."""
        return self._application.tasks

    def _names_compare_by(self, db: Dialect) -> NameRule:
        """Return how the database compares names; it is read once."""
        if self._name_rule is None:
            self._name_rule = db.name_rule(PERIODIC_TASK)
        return self._name_rule
