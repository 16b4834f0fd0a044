"""From flags and project settings to the database, and to the values that the core is called with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import output
from beatsync.cli.actor import current_user, find_actor
from beatsync.cli.databases import Embedded, choose_database
from beatsync.cli.options import (
    CliOptions,
    validate_boolean,
    validate_delete_limit,
    validate_environment,
    validate_on_invalid,
    validate_source_url,
    validate_text,
    validate_zone,
)

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions
    from beatsync.specfile.parse import ParseOptions
    from beatsync.store import SourceState, Store
    from beatsync.store.application import Application
    from beatsync.values import Actor

DIRECTORY = Path("schedules.d")
SOURCE = "default"
project_zone: ContextVar[str | None] = ContextVar("project_zone", default=None)
"""`CELERY_TIMEZONE` of the Django project that is already loaded, for `validate`, which loads no application."""
KEYS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "DIR": ("directory", Path),
    "SOURCE": ("source", str),
    "ENVIRONMENT": ("environment", validate_environment),
    "TIMEZONE": ("timezone", validate_zone),
    "DATABASE": ("alias", str),
    "MAX_DELETES": ("max_deletes", validate_delete_limit),
    "ON_INVALID": ("on_invalid", validate_on_invalid),
    "APP": ("app", str),
    "SOURCE_URL": ("source_url", validate_source_url),
    "SIGNALS": ("signals", validate_boolean),
    "ADMIN": ("admin", validate_boolean),
}
"""The keys of `BEATSYNC`: the option that each is the default of, and the check of its value."""


def with_settings(options: CliOptions, settings: Any) -> CliOptions:
    """Return options whose missing flags come from `settings`, the `BEATSYNC` setting of a Django project or None.

    Raises click.UsageError for an unknown key or an invalid value, and click.ClickException if the setting is not a mapping.
    """
    settings = settings or {}
    if not isinstance(settings, Mapping):
        raise click.ClickException(f"BEATSYNC in the Django settings must be a dict, not {type(settings).__name__}")
    for key in settings:
        if key not in KEYS:
            raise click.UsageError(
                f"BEATSYNC in the Django settings has an unknown key {key!r}; the keys are {', '.join(KEYS)}"
            )
    defaults = {
        KEYS[key][0]: _validate_setting(key, str(value)) for key, value in settings.items() if value is not None
    }
    return replace(options, **{name: value for name, value in defaults.items() if getattr(options, name) is None})


def with_project_settings(options: CliOptions) -> CliOptions:
    """Return options whose missing flags come from the Django project, if `manage.py` has loaded one."""
    return with_settings(options, click.get_current_context().obj)


def _validate_setting(key: str, value: str) -> Any:
    try:
        return KEYS[key][1](validate_text(value))
    except click.BadParameter as error:
        raise click.UsageError(f"BEATSYNC[{key!r}] in the Django settings: {error.message}") from None


@contextmanager
def open_store(
    options: CliOptions,
    *,
    check_tables: bool = True,
    with_application: bool = False,
    embedded: Embedded = Embedded.READ,
) -> Iterator[tuple[Store, CliOptions]]:
    """Connect to the chosen database; yield its store, and the options with the defaults of the project's settings.

    With `check_tables`, raises StoreError if a table is missing or too old. With `with_application`, the celery application is
    loaded; raises StoreError if the options name one that cannot be loaded. `embedded` says what applies if no database is chosen.
    """
    from beatsync.store import connect
    from beatsync.store.project import warnings

    loaded_settings = click.get_current_context().obj
    options = with_settings(options, loaded_settings)
    store = connect(choose_database(options, embedded))
    try:
        for warning in warnings():
            output.print_warning(warning)
        if check_tables:
            store.check_tables()
        if loaded_settings is None:
            options = with_settings(options, store.project_settings())
        if with_application:
            _load_application(options, store)
        yield store, options
    finally:
        store.close()


def load_application(options: CliOptions) -> Application:
    """Return the celery application that the options name, else the project's, with all of its tasks.

    Raises click.UsageError if there is none, and StoreError if it cannot be loaded.
    """
    from beatsync.store import StoreError
    from beatsync.store.connect import load_application

    options = with_project_settings(options)
    application = load_application(options.app, options.settings_module)
    if application is None:
        raise click.UsageError("name the celery application with --app, as for `celery -A`")
    if application.problem:
        raise StoreError(application.problem)  # entries may be missing
    return application


def _load_application(options: CliOptions, store: Store) -> None:
    from beatsync.store import StoreError

    unknown = "its time zone, tasks and beat_schedule are unknown"
    try:
        application = store.load_application(options.app)
    except StoreError as error:
        if options.app is not None:
            raise
        output.print_warning(f"{error}; {unknown}")
        return
    if application is None:
        output.print_hint(f"the project has no celery application that is found without --app: {unknown}")
    elif application.problem:
        output.print_warning(application.problem)


def source_directory(options: CliOptions) -> Path:
    """Return the directory of the source, relative to the working directory if it is below it."""
    path = options.directory or DIRECTORY
    # Settings hold absolute paths (BASE_DIR / "schedules.d"); the annotations of CI servers need relative ones.
    return path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path


def directory_of(path: Path) -> Path:
    """Return the directory that the paths of a source's files are relative to; the source may be one file."""
    return path.parent if path.is_file() else path


def parse_options(options: CliOptions, default_zone: str | None = None) -> ParseOptions:
    """Return the options of the parser; `default_zone` is the zone of the celery application, if it is known."""
    from beatsync.specfile.parse import ParseOptions

    try:
        zone = options.timezone or validate_zone(default_zone or "UTC")
    except click.BadParameter as error:
        raise click.UsageError(f"the time zone of the celery application (CELERY_TIMEZONE): {error.message}") from None
    return ParseOptions(options.environment, zone, is_zone_assumed=not (options.timezone or default_zone))


def validate_source(name: str) -> str:
    """Return the name of a source that the database can store. Raises click.UsageError."""
    from beatsync.sync_types import check_source_name

    try:
        check_source_name(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return name


def sync_options(
    options: CliOptions,
    store: Store,
    *,
    actor: Actor | None = None,
    lock_timeout: float | None = None,
    approved: str | None = None,
) -> SyncOptions:
    """Return the options of a plan, a sync or a release.

    `actor` is shown in the history, None shows this process; `lock_timeout` is in seconds, None waits without limit; `approved` is
    the checksum of a reviewed plan.
    """
    from beatsync.plan.request import PlanOptions
    from beatsync.retry import SETTLE
    from beatsync.sync_types import SyncOptions

    source = validate_source(options.source or SOURCE)
    plan = PlanOptions(
        adopt=bool(options.adopt),
        allow_empty=bool(options.allow_empty),
        max_deletes=options.max_deletes,
        catch_up=bool(options.catch_up),
        accept_origin=bool(options.accept_origin),
        isolate=options.on_invalid == "isolate",
        approved=approved,
    )
    parse = parse_options(options, store.celery_timezone())
    return SyncOptions(source, parse, plan, lock_timeout, SETTLE, lock_holder(), actor, strict=bool(options.strict))


def source_directories(arguments: Sequence[str], options: CliOptions) -> dict[str, Path]:
    """Return the directory of each source by its name, from `DIR` or `NAME=DIR` arguments. Raises click.UsageError."""
    default_name = options.source or SOURCE
    if not arguments:
        return {default_name: source_directory(options)}
    if len(arguments) > 1 and (unnamed := next((text for text in arguments if "=" not in text), None)):
        raise click.UsageError(f"each of several sources has a name: write NAME={unnamed}")
    directories: dict[str, Path] = {}
    for argument in arguments:
        name, path = argument.split("=", 1) if "=" in argument else (default_name, argument)
        if not name or not path:
            raise click.UsageError(f"{argument!r} is neither DIR nor NAME=DIR")
        if name in directories:
            raise click.UsageError(f"the source {name!r} occurs twice: each source needs its own name")
        directories[name] = Path(path)
    return directories


def require_source(store: Store, name: str) -> SourceState:
    """Return the state of a source. Raises click.ClickException if the database has no source of that name."""
    states = {state.name: state for state in store.sources()}
    if name not in states:
        raise click.ClickException(
            f"there is no source {name!r} in this database; it has: {', '.join(states) or 'none'}"
        )
    return states[name]


def names_of(store: Store) -> set[str]:
    """Return the names of all schedules that a source owns and of all rows."""
    return {each.schedule for each in store.owned()}.union(store.observe("").rows)


def missing_name(name: str, names: set[str]) -> str:
    """Return the message that neither a schedule nor a row has this name, with the nearest of `names`."""
    from beatsync.specfile.problems import with_nearest

    return f"there is no schedule and no row {with_nearest(name, names)} in this database"


def lock_holder() -> str:
    """Return the name of this process for other processes that find the lock held."""
    return f"{current_user()} (process {os.getpid()})"


def actor_of(options: CliOptions) -> Actor:
    """Return who runs this command, for the history."""
    return find_actor(options.actor, os.environ)
