"""From flags, environment variables and a Django project's `BEATSYNC` settings to the values that the core is called with."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from beatsync.cli.options import ON_INVALID, checked_environment, checked_limit, checked_zone
from beatsync.cli.output import note

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions
    from beatsync.specfile import ParseOptions
    from beatsync.store import SourceState, Store

DIRECTORY = Path("schedules.d")
SOURCE = "default"
SETTLE = 0.15
"""Seconds: seven times what 999 of 1,000 saves of beat's stay below where twice as many processes as cores are at work, and more
than SQLite sleeps at most between two looks whether its lock is free (0.1)."""
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
    jobs: int | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A Django project's `BEATSYNC` settings, checked."""

    values: Mapping[str, str]

    @classmethod
    def read(cls, values: Any) -> Project:
        """Raises click.UsageError for a key that there is not and for a value that cannot be meant."""
        values = values or {}
        if not isinstance(values, Mapping):
            raise click.ClickException(f"BEATSYNC in the Django settings must be a dict, not {type(values).__name__}")
        for key in values:
            if key not in SETTINGS:
                raise click.UsageError(
                    f"BEATSYNC in the Django settings has no key {key!r}; it has {', '.join(SETTINGS)}"
                )
        said = {key: str(value) for key, value in values.items() if value is not None}
        for key, value in said.items():
            try:
                _check(key, value)
            except click.BadParameter as error:
                raise click.UsageError(f"BEATSYNC[{key!r}] in the Django settings: {error.message}") from None
        return cls(said)

    def get(self, key: str) -> str | None:
        """Return a setting; None where it is left out."""
        return self.values.get(key)


def _check(key: str, value: str) -> None:
    """Raise click.BadParameter where a setting cannot be meant."""
    if not value:
        raise click.BadParameter("it is empty; leave it out where nothing is meant")
    if key == "ENVIRONMENT":
        checked_environment(value)
    elif key == "TIMEZONE":
        checked_zone(value)
    elif key == "MAX_DELETES":
        checked_limit(value)
    elif key == "ON_INVALID" and value not in ON_INVALID:
        raise click.BadParameter(f"it is {' or '.join(ON_INVALID)}, not {value!r}")


@contextmanager
def opened(given: Given, settings: Any, *, check: bool = True) -> Iterator[tuple[Store, Project]]:
    """Connect to the chosen database; `settings` are the `BEATSYNC` of a project that is loaded already.

    With `check`, a table that is missing is found before anything else is done.
    """
    from beatsync.store import DatabaseChoice, connect
    from beatsync.store.connect import EMBEDDED, is_unchosen
    from beatsync.store.versions import warnings

    typed = click.get_current_context().get_parameter_source("alias") is ParameterSource.COMMANDLINE
    if typed and given.database_url is not None:
        raise click.UsageError(
            "--database names a database of the Django project, and --database-url (BEATSYNC_DATABASE_URL) chooses another:"
            " give only one of the two"
        )
    alias = given.alias or Project.read(settings).get("DATABASE")
    choice = DatabaseChoice(given.database_url, alias, given.settings_module)
    if is_unchosen(choice):
        if os.environ.get("BEATSYNC_DATABASE_URL") == "":
            # A secret that is missing: a sync into a file that nobody reads would be a success.
            raise click.UsageError(
                "BEATSYNC_DATABASE_URL is set and empty: say which database, or unset it where"
                f" {EMBEDDED} in this directory is meant"
            )
        note(f"no database was chosen (--database-url, --settings): using {EMBEDDED} here", "hint")
    store = connect(choice)
    try:
        for warning in warnings():
            note(warning)
        if check:
            store.check_tables()
        yield store, Project.read(settings if settings is not None else store.project_settings())
    finally:
        store.close()


def directory(given: Given, project: Project) -> Path:
    """Return the source's directory, as it is said from here."""
    path = given.directory or Path(project.get("DIR") or DIRECTORY)
    # A project says BASE_DIR / "schedules.d"; what CI shows at a line of a file counts from where it runs.
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path


def parse_options(given: Given, project: Project, default_zone: str | None = None) -> ParseOptions:
    """Return what parsing depends on; `default_zone` is the project's `CELERY_TIMEZONE`."""
    from beatsync.specfile import ParseOptions

    zone = given.timezone or project.get("TIMEZONE")
    if zone is None:
        try:
            zone = checked_zone(default_zone or "UTC")
        except click.BadParameter as error:
            raise click.UsageError(f"CELERY_TIMEZONE in the Django settings: {error.message}") from None
    return ParseOptions(given.environment or project.get("ENVIRONMENT"), checked_zone(zone))


def sync_options(given: Given, project: Project, store: Store, *, lock_wait: float | None = None) -> SyncOptions:
    """Return everything that a plan or a sync is told."""
    from beatsync.plan.request import PlanOptions
    from beatsync.reconcile import SyncOptions

    on_invalid = given.on_invalid or project.get("ON_INVALID")
    source = given.source or project.get("SOURCE") or SOURCE
    if not source.strip() or len(source) > 100 or not source.isprintable():  # noqa: PLR2004  the column
        raise click.UsageError("a source's name has 1 to 100 characters, on one line")
    return SyncOptions(
        source=source,
        parse=parse_options(given, project, store.celery_timezone()),
        plan=PlanOptions(
            adopt=bool(given.adopt),
            allow_empty=bool(given.allow_empty),
            max_deletes=given.max_deletes or project.get("MAX_DELETES"),
            catch_up=bool(given.catch_up),
            accept_origin=bool(given.accept_origin),
            isolate=on_invalid == "isolate",
        ),
        lock_wait=lock_wait,
        settle=SETTLE,
        jobs=given.jobs,
        holder=holder(),
    )


def sources(directories: Sequence[str], given: Given, project: Project) -> dict[str, Path]:
    """Return the directory of each source by its name. Raises click.UsageError."""
    one = given.source or project.get("SOURCE") or SOURCE
    if not directories:
        return {one: directory(given, project)}
    found: dict[str, Path] = {}
    for text in directories:
        name, equals, path = text.partition("=")
        if not equals and len(directories) > 1:
            raise click.UsageError(f"each of several sources has a name: write NAME={text}")
        if equals and given.source:
            raise click.UsageError("the source's name is given twice: by --source, and before the =")
        name, path = (name, path) if equals else (one, text)
        if not name or not path:
            raise click.UsageError(f"{text!r} is neither DIR nor NAME=DIR")
        if name in found:
            raise click.UsageError(f"the source {name!r} is given twice")
        found[name] = Path(path)
    return found


def require_source(store: Store, name: str) -> SourceState:
    """Return the state of a source. Raises click.ClickException where the database knows none of that name."""
    known = {state.name: state for state in store.sources()}
    if name not in known:
        names = ", ".join(known) or "none"
        raise click.ClickException(f"there is no source {name!r} in this database; there are: {names}")
    return known[name]


def holder() -> str:
    """Return who we are, for those who find the lock held and for the history."""
    return f"{user()} (process {os.getpid()})"


def user() -> str:
    """Return the person, or the account, and the host."""
    name = str(os.getuid()) if hasattr(os, "getuid") else "?"
    # In a container the user may have no name.
    with suppress(KeyError, OSError, ImportError):
        name = getpass.getuser()
    return f"{name}@{socket.gethostname()}"
