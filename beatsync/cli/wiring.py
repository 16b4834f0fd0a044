"""From flags and project settings to the values that the core is called with."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from beatsync.cli.options import CliOptions
from beatsync.cli.settings import ProjectSettings
from beatsync.cli.validators import validate_zone

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions
    from beatsync.specfile import ParseOptions
    from beatsync.store import SourceState, Store

DIRECTORY = Path("schedules.d")
SOURCE = "default"
SETTLE = 0.15
"""Seconds from the commit to the verification. 99.9 % of beat's saves took less than a seventh of it with twice as many processes as
cores, and SQLite retries its lock at least every 0.1 s."""


def source_directory(options: CliOptions, settings: ProjectSettings) -> Path:
    """Return the directory of the source, relative to the working directory if it is below it."""
    path = options.directory or Path(settings.get("DIR") or DIRECTORY)
    # Settings hold absolute paths (BASE_DIR / "schedules.d"); the annotations of CI servers need relative ones.
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path


def parse_options(options: CliOptions, settings: ProjectSettings, default_zone: str | None = None) -> ParseOptions:
    """Return the options of the parser; `default_zone` is the project's `CELERY_TIMEZONE`."""
    from beatsync.specfile import ParseOptions

    zone = options.timezone or settings.get("TIMEZONE")
    if zone is None:
        try:
            zone = validate_zone(default_zone or "UTC")
        except click.BadParameter as error:
            raise click.UsageError(f"CELERY_TIMEZONE in the Django settings: {error.message}") from None
    return ParseOptions(options.environment or settings.get("ENVIRONMENT"), validate_zone(zone))


def sync_options(
    options: CliOptions,
    settings: ProjectSettings,
    store: Store,
    *,
    lock_timeout: float | None = None,
    approved: str | None = None,
) -> SyncOptions:
    """Return the options of a plan, a sync or a release.

    `lock_timeout` is in seconds, None waits without limit; `approved` is the checksum of a reviewed plan.
    """
    from beatsync.plan.request import PlanOptions
    from beatsync.reconcile import SyncOptions

    on_invalid = options.on_invalid or settings.get("ON_INVALID")
    source = options.source or settings.get("SOURCE") or SOURCE
    if not source.strip() or len(source) > 100 or not source.isprintable():  # noqa: PLR2004  the column
        raise click.UsageError("the name of a source has 1 to 100 printable characters")
    return SyncOptions(
        source=source,
        parse=parse_options(options, settings, store.celery_timezone()),
        plan=PlanOptions(
            adopt=bool(options.adopt),
            allow_empty=bool(options.allow_empty),
            max_deletes=options.max_deletes or settings.get("MAX_DELETES"),
            catch_up=bool(options.catch_up),
            accept_origin=bool(options.accept_origin),
            isolate=on_invalid == "isolate",
            approved=approved,
        ),
        lock_timeout=lock_timeout,
        settle=SETTLE,
        holder=lock_holder(),
    )


def source_directories(arguments: Sequence[str], options: CliOptions, settings: ProjectSettings) -> dict[str, Path]:
    """Return the directory of each source by its name, from `DIR` or `NAME=DIR` arguments. Raises click.UsageError."""
    default_name = options.source or settings.get("SOURCE") or SOURCE
    if not arguments:
        return {default_name: source_directory(options, settings)}
    if len(arguments) > 1 and (unnamed := next((text for text in arguments if "=" not in text), None)):
        raise click.UsageError(f"each of several sources has a name: write NAME={unnamed}")
    directories: dict[str, Path] = {}
    for argument in arguments:
        name, path = _split_source(argument, options, default_name)
        if name in directories:
            raise click.UsageError(f"the source {name!r} is given twice: each source needs its own name")
        directories[name] = path
    return directories


def _split_source(argument: str, options: CliOptions, default_name: str) -> tuple[str, Path]:
    """Return the name and the directory in `DIR` or `NAME=DIR`. Raises click.UsageError."""
    name, equals, path = argument.partition("=")
    if not equals:
        name, path = default_name, argument
    elif options.source:
        raise click.UsageError("--source and NAME=DIR name the source twice: use only one of the two")
    if not name or not path:
        raise click.UsageError(f"{argument!r} is neither DIR nor NAME=DIR")
    return name, Path(path)


def require_source(store: Store, name: str) -> SourceState:
    """Return the state of a source. Raises click.ClickException if the database has no source of that name."""
    states = {state.name: state for state in store.sources()}
    if name not in states:
        raise click.ClickException(
            f"there is no source {name!r} in this database; it has: {', '.join(states) or 'none'}"
        )
    return states[name]


def lock_holder() -> str:
    """Return the name of this process for other processes that find the lock held, and for the history."""
    return f"{current_user()} (process {os.getpid()})"


def current_user() -> str:
    """Return `USER@HOST`."""
    name = str(os.getuid()) if hasattr(os, "getuid") else "?"
    # A container's user may have a number and no name.
    with suppress(KeyError, OSError, ImportError):
        name = getpass.getuser()
    return f"{name}@{socket.gethostname()}"
