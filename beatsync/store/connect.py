"""From a choice of database to a `Store`: the only place that sets Django up."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beatsync.store.errors import SchemaMissing, StoreError
from beatsync.store.loading import importing

if TYPE_CHECKING:
    from beatsync.store.application import Application
    from beatsync.store.store import Store

EMBEDDED = Path("beatsync.sqlite3")
APPS = ("django_celery_beat", "beatsync")


@dataclass(frozen=True, slots=True)
class DatabaseChoice:
    """The database that the user chose: the first that is set of `url`, a Django that is set up, `settings_module`, `embedded`."""

    url: str | None = None
    alias: str | None = None
    """One of the project's databases, unless `url` is set; None uses the project's routers."""
    settings_module: str | None = None
    embedded: Path | None = None
    """The SQLite file that is used if nothing else is chosen; None is `beatsync.sqlite3` in the working directory."""
    creates: bool = True
    """Whether the embedded file and its tables are created; otherwise, an empty database in memory replaces a missing file."""


def is_unchosen(choice: DatabaseChoice) -> bool:
    """Return whether no database was chosen, so that the embedded one is used."""
    from django.apps import apps
    from django.conf import settings

    options = (choice.url, choice.alias, choice.settings_module)
    return options == (None, None, None) and not (settings.configured and apps.ready)


def connect(choice: DatabaseChoice) -> Store:
    """Set Django up if it is not, and return the store of the chosen database.

    Raises StoreError if the choice cannot be used. Tables of the embedded database that are missing are created if the choice
    says so; no other database is connected to yet.
    """
    from django.apps import apps
    from django.conf import settings

    if choice.url is not None:
        return _by_url(database_settings(choice.url))
    if settings.configured and apps.ready:
        return _project_store(choice.alias)
    if choice.settings_module:
        _set_up(choice.settings_module)
        return _project_store(choice.alias)
    if choice.alias is not None:
        raise StoreError(
            f"the database {choice.alias!r} is looked for in a Django project's DATABASES, and there is no project here:"
            " name its settings with --settings or DJANGO_SETTINGS_MODULE, or choose a database with --database-url"
        )
    file = choice.embedded or EMBEDDED
    is_temporary = not choice.creates and not file.exists()
    store = _by_url(_file_settings(":memory:" if is_temporary else str(file)))
    try:
        if choice.creates or is_temporary:
            _make_tables(store)
    except StoreError as error:
        raise StoreError(
            f"{error}; it is used because no database was chosen by --database-url or --settings"
        ) from error
    return store


def load_application(name: str | None, settings_module: str | None) -> Application | None:
    """Set Django up if a project is chosen and it is not, and return the celery application of this name, else the project's.

    None if the project has none, or if neither is chosen. Raises StoreError if it cannot be loaded.
    """
    from django.conf import settings

    from beatsync.store.application import load

    if not settings.configured and settings_module:
        _set_up(settings_module)
    return load(name) if name or settings.configured else None


def set_timeouts(alias: str) -> None:
    """Keep every connection of this process from waiting for a silent server, for processes without an operator."""
    from django.db import connections

    from beatsync.store.dialects import dialect_of

    options = connections.settings[alias].setdefault("OPTIONS", {})
    for name, value in dialect_of(connections[alias]).timeout_options.items():
        options.setdefault(name, value)


def _make_tables(store: Store) -> None:
    try:
        store.check_tables()
    except SchemaMissing:
        store.migrate(with_beat=True)


def _by_url(database: dict[str, Any]) -> Store:
    """Return the store of a database that is in no project's settings, in addition to those that Django may have already."""
    import django
    from django.conf import settings

    alias = "default"
    if settings.configured:
        alias = _add_database(database)
    else:
        settings.configure(
            DATABASES={"default": database},
            INSTALLED_APPS=list(APPS),
            DEFAULT_AUTO_FIELD="django.db.models.AutoField",
            SECRET_KEY=os.urandom(32).hex(),
            USE_TZ=True,
            TIME_ZONE="UTC",
        )
        django.setup()
    return _store(alias, project_settings=False)


def _add_database(database: dict[str, Any]) -> str:
    from django.db import connections

    alias = "beatsync_" + hashlib.sha256(repr(sorted(database.items())).encode()).hexdigest()[:12]
    if alias not in connections.databases:
        connections.databases[alias] = connections.configure_settings({"default": {}, alias: database})[alias]
    return alias


def _file_settings(name: str) -> dict[str, Any]:
    from beatsync.store.dialects.sqlite import SQLite

    return SQLite.prepare_settings({"ENGINE": f"django.db.backends.{SQLite.engine}", "NAME": name})


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's settings for a database URL. Raises StoreError, without the URL's password."""
    import dj_database_url

    from beatsync.store.dialects import URL_SCHEMES, dialect_of_engine

    scheme, separator, rest = url.partition("://")
    database_scheme = URL_SCHEMES.get(scheme.strip().lower().partition("+")[0])
    if not separator or database_scheme is None:
        raise StoreError(
            f"the database URL {mask_url(url)} cannot be read: it begins with sqlite://, postgres://, mysql:// or mariadb://"
        )
    try:
        settings: dict[str, Any] = dict(dj_database_url.parse(f"{database_scheme}://{rest}"))
    except ValueError:
        # The parser's own message may quote the password.
        raise StoreError(
            f"the database URL {mask_url(url)} cannot be read: write it as postgres://user:password@host:5432/name,"
            " with special characters quoted, as @ by %40"
        ) from None
    dialect = dialect_of_engine(str(settings["ENGINE"]))
    if dialect is None:
        raise AssertionError(f"{database_scheme} has no dialect")
    return dialect.prepare_settings(settings)


def mask_url(url: str) -> str:
    """Return a database URL without its password, for messages."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "***"
    login, at, place = rest.rpartition("@")
    # The options may hold a password too.
    place = place.partition("?")[0]
    user, colon, _ = login.partition(":")
    return f"{scheme}://{user}{':***' if colon else ''}{at}{place}"


def _set_up(settings_module: str) -> None:
    """Load a project's settings. Raises StoreError if they cannot be loaded."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    with importing(f"the Django settings {settings_module!r}"):
        django.setup()


def _project_store(alias: str | None) -> Store:
    """Return the store of a project's database. Raises StoreError if the project lacks what BeatSync needs."""
    from django.apps import apps
    from django.db import connections, router

    from beatsync.store.project import beatsync_settings

    missing = [name for name in APPS if not apps.is_installed(name)]
    if missing:
        apps_to_add = " and ".join(repr(name) for name in missing)
        raise StoreError(
            f"add {apps_to_add} to INSTALLED_APPS of the Django project, then run `python manage.py migrate`;"
            " or choose the database with --database-url, which needs no project"
        )
    alias = alias or beatsync_settings().get("DATABASE")
    if alias is None:
        alias = router.db_for_write(apps.get_model("django_celery_beat", "PeriodicTask"))
    if alias not in connections:
        aliases = ", ".join(sorted(connections))
        raise StoreError(f"the Django project has no database {alias!r} in DATABASES; it has {aliases}")
    return _store(alias, project_settings=True)


def _store(alias: str, *, project_settings: bool) -> Store:
    # Imported here: the store's modules import Django, and this module is imported before a database is needed.
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    from beatsync.store.dialects import dialect_of
    from beatsync.store.store import Store

    try:
        dialect_of(connections[alias])  # refuses a database that BeatSync does not support
    except ImproperlyConfigured as error:
        raise StoreError(
            f"the driver of the database {alias!r} cannot be loaded: {str(error).splitlines()[0]}"
        ) from error
    return Store(alias, project_settings=project_settings)
