"""From flags, environment variables and a Django project's `BEATSYNC` settings to the values that the core is called with."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli.options import checked_zone
from beatsync.cli.output import note

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions
    from beatsync.spec import ParseOptions
    from beatsync.store import Store

DIRECTORY = Path("schedules.d")
SOURCE = "default"
SETTLE = 0.25
"""Seconds: ten times what a save of beat's takes where a statement takes 2.5 ms."""
SETTINGS = ("DIR", "SOURCE", "ENVIRONMENT", "TIMEZONE", "DATABASE", "MAX_DELETES", "ON_INVALID")
"""The keys of a project's `BEATSYNC`: what a flag and its environment variable leave open."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was said on the command line; None is what was not said there."""

    directory: Path | None = None
    source: str | None = None
    environment: str | None = None
    timezone: str | None = None
    database_url: str | None = None
    alias: str | None = None
    settings_module: str | None = None
    adopt: bool | None = None
    allow_empty: bool | None = None
    max_deletes: str | None = None
    on_invalid: str | None = None
    catch_up: bool | None = None
    accept_origin: bool | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A Django project's `BEATSYNC` settings, checked."""

    values: Mapping[str, Any]

    @classmethod
    def read(cls, values: Mapping[str, Any] | None) -> Project:
        """Raises click.UsageError for a key that there is not."""
        values = values or {}
        for key in values:
            if key not in SETTINGS:
                raise click.UsageError(
                    f"BEATSYNC in the Django settings has no key {key!r}; it has {', '.join(SETTINGS)}"
                )
        return cls(values)

    def get(self, key: str) -> str | None:
        """Return a setting as text."""
        value = self.values.get(key)
        return None if value is None else str(value)


@contextmanager
def opened(given: Given, settings: Mapping[str, Any] | None, *, check: bool = True) -> Iterator[tuple[Store, Project]]:
    """Connect to the chosen database; `settings` are those of a project that is loaded already.

    With `check`, a table that is missing is found before anything else is done.
    """
    from beatsync.store import DatabaseChoice, connect
    from beatsync.store.versions import warnings

    alias = given.alias or Project.read(settings).get("DATABASE")
    store = connect(DatabaseChoice(given.database_url, alias, given.settings_module))
    try:
        for warning in warnings():
            note(warning)
        if check:
            store.check_tables()
        yield store, Project.read(settings if settings is not None else store.project_settings())
    finally:
        store.close()


def directory(given: Given, project: Project) -> Path:
    """Return the source's directory."""
    return given.directory or Path(project.get("DIR") or DIRECTORY)


def parse_options(given: Given, project: Project, default_zone: str | None = None) -> ParseOptions:
    """Return what parsing depends on; `default_zone` is the project's `CELERY_TIMEZONE`."""
    from beatsync.spec import ParseOptions

    zone = given.timezone or project.get("TIMEZONE") or default_zone or "UTC"
    return ParseOptions(given.environment or project.get("ENVIRONMENT"), checked_zone(zone))


def sync_options(given: Given, project: Project, store: Store, *, lock_wait: float | None = None) -> SyncOptions:
    """Return everything that a plan or a sync is told."""
    from beatsync.plan.guard import DeleteLimit
    from beatsync.plan.model import PlanOptions
    from beatsync.reconcile import SyncOptions

    max_deletes = given.max_deletes or project.get("MAX_DELETES")
    on_invalid = given.on_invalid or project.get("ON_INVALID") or "refuse"
    source = given.source or project.get("SOURCE") or SOURCE
    try:
        if max_deletes is not None:
            DeleteLimit.parse(max_deletes)
    except ValueError as error:
        raise click.UsageError(f"MAX_DELETES: {error}") from None
    if on_invalid not in {"refuse", "isolate"}:
        raise click.UsageError(f"ON_INVALID is refuse or isolate, not {on_invalid!r}")
    if not source.strip() or len(source) > 100 or not source.isprintable():  # noqa: PLR2004  the column
        raise click.UsageError("a source's name has 1 to 100 characters, on one line")
    return SyncOptions(
        source=source,
        parse=parse_options(given, project, store.celery_timezone()),
        plan=PlanOptions(
            adopt=bool(given.adopt),
            allow_empty=bool(given.allow_empty),
            max_deletes=max_deletes,
            catch_up=bool(given.catch_up),
            accept_origin=bool(given.accept_origin),
            isolate=on_invalid == "isolate",
        ),
        lock_wait=lock_wait,
        settle=SETTLE,
        holder=holder(),
    )


def holder() -> str:
    """Return who we are, for those who find the lock held and for the history."""
    user = str(os.getuid()) if hasattr(os, "getuid") else "?"
    # In a container the user may have no name.
    with suppress(KeyError, OSError, ImportError):
        user = getpass.getuser()
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"
