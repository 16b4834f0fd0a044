"""From a choice of database to a `Store`: the only place that sets Django up."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beatsync.store.errors import SchemaMissing, StoreError

if TYPE_CHECKING:
    from beatsync.store.store import Store

EMBEDDED = Path("beatsync.sqlite3")
SQLITE_TIMEOUT = 30
"""Seconds that a statement waits for SQLite's one lock, where beat and the admin write too."""
APPS = ("django_celery_beat", "beatsync")
UNATTENDED: Mapping[str, Mapping[str, int]] = {
    "postgresql": {
        "connect_timeout": 10, "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    },
    "mysql": {"connect_timeout": 10, "read_timeout": 90, "write_timeout": 90},
}  # fmt: skip
"""What the drivers' own defaults leave open: hours, or for ever. Seconds; `tcp_user_timeout` is in milliseconds."""


@dataclass(frozen=True, slots=True)
class DatabaseChoice:
    """Which database a person chose: the first that is set of `url`, a Django that is set up, `settings_module`, `embedded`."""

    url: str | None = None
    alias: str | None = None
    """Of the project's databases, where `url` does not choose; None asks the project's routers."""
    settings_module: str | None = None
    embedded: Path | None = None
    """The SQLite file where nothing else is chosen; None is `beatsync.sqlite3` here."""


def is_unchosen(choice: DatabaseChoice) -> bool:
    """Whether nobody chose a database, and the embedded one is what remains."""
    from django.apps import apps
    from django.conf import settings

    said = (choice.url, choice.alias, choice.settings_module)
    return said == (None, None, None) and not (settings.configured and apps.ready)


def connect(choice: DatabaseChoice) -> Store:
    """Set Django up where it is not, and return the store of the chosen database.

    Raises StoreError where the choice cannot be followed. The embedded database's tables are made when they are missing;
    no other database is spoken to yet.
    """
    from django.apps import apps
    from django.conf import settings

    if choice.url is not None:
        return _by_url(_parsed(choice.url))
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
    store = _by_url(_sqlite(choice.embedded or EMBEDDED))
    try:
        _make_tables(store)
    except StoreError as error:
        raise StoreError(
            f"{error}; it is used because no database was chosen by --database-url or --settings"
        ) from error
    return store


def harden(alias: str) -> None:
    """Let no connection of this process to a database wait for a server that is silent: for those that nobody watches."""
    from django.db import connections

    options = connections.settings[alias].setdefault("OPTIONS", {})
    for name, value in UNATTENDED.get(connections[alias].vendor, {}).items():
        options.setdefault(name, value)


def _make_tables(store: Store) -> None:
    try:
        store.check_tables()
    except SchemaMissing:
        store.migrate(with_beat=True)


def _by_url(database: dict[str, Any]) -> Store:
    """Return the store of a database that no project's settings know, beside those that Django may know already."""
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


def _sqlite(path: Path) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {"timeout": SQLITE_TIMEOUT}}


def _parsed(url: str) -> dict[str, Any]:
    """Return Django's settings for a database URL. Raises StoreError, without the URL's password."""
    import dj_database_url

    scheme = url.partition(":")[0]
    if scheme == "mariadb":
        url = "mysql" + url[len(scheme) :]
    try:
        database: dict[str, Any] = dict(dj_database_url.parse(url))
    except dj_database_url.UnknownSchemeError:
        raise StoreError(
            f"the database URL {mask_url(url)} cannot be read: it begins with sqlite://, postgres://, mysql:// or mariadb://"
        ) from None
    except ValueError:
        # What the reader of URLs says may quote the password.
        raise StoreError(
            f"the database URL {mask_url(url)} cannot be read: write it as postgres://user:password@host:5432/name,"
            " with special characters quoted, as @ by %40"
        ) from None
    engine = str(database["ENGINE"])
    if engine.endswith("sqlite3"):
        options = dict(database.get("OPTIONS") or {})
        options.setdefault("timeout", SQLITE_TIMEOUT)
        database["OPTIONS"] = options
    elif engine.endswith("mysql"):
        _require_mysql()
        # Before Django 5.0 the connection's default cannot say every character.
        database["OPTIONS"] = {"charset": "utf8mb4", **(database.get("OPTIONS") or {})}
    elif engine.endswith("postgresql"):
        if find_spec("psycopg") is None and find_spec("psycopg2") is None:
            raise StoreError("PostgreSQL needs a driver: pip install 'beatsync[postgres]'")
    else:
        raise StoreError(f"BeatSync does not know databases of the kind {scheme!r}: sqlite, postgres, mysql or mariadb")
    return database


def mask_url(url: str) -> str:
    """Return a database URL without its password, for messages."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "***"
    login, at, place = rest.rpartition("@")
    # Options may hold a password too.
    place = place.partition("?")[0]
    user, colon, _ = login.partition(":")
    return f"{scheme}://{user}{':***' if colon else ''}{at}{place}"


def _require_mysql() -> None:
    if find_spec("MySQLdb") is not None:
        return
    if find_spec("pymysql") is None:
        raise StoreError("MariaDB and MySQL need a driver: pip install 'beatsync[mysql]'")
    import pymysql

    pymysql.install_as_MySQLdb()


def _set_up(settings_module: str) -> None:
    """Load a project's settings. Raises StoreError where they cannot be loaded."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    # As `python manage.py` and celery do: the project is found where the command is run.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        django.setup()
    except (ImportError, ImproperlyConfigured) as error:
        raise StoreError(f"the Django settings {settings_module!r} cannot be loaded: {error}") from error
    except Exception as error:
        # Settings are a program, and may fail in any way: a variable that is not set is a KeyError.
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise StoreError(
            f"the Django settings {settings_module!r} cannot be loaded: {type(error).__name__}: {error}"
            f" ({place.filename}, line {place.lineno})"
        ) from error


def _project_store(alias: str | None) -> Store:
    """Return the store of a project's database. Raises StoreError where the project lacks what BeatSync needs."""
    from django.apps import apps
    from django.db import connections, router

    from beatsync.store.project import beatsync_settings

    missing = [name for name in APPS if not apps.is_installed(name)]
    if missing:
        wanted = " and ".join(repr(name) for name in missing)
        raise StoreError(
            f"add {wanted} to INSTALLED_APPS of the Django project, then run `python manage.py migrate`;"
            " or choose the database with --database-url, which needs no project"
        )
    alias = alias or beatsync_settings().get("DATABASE")
    if alias is None:
        alias = router.db_for_write(apps.get_model("django_celery_beat", "PeriodicTask"))
    if alias not in connections:
        known = ", ".join(sorted(connections))
        raise StoreError(f"the Django project has no database {alias!r} in DATABASES; it has {known}")
    return _store(alias, project_settings=True)


def _store(alias: str, *, project_settings: bool) -> Store:
    # Not at the top: the store's modules want Django, and `connect` is imported before a database is needed.
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections

    from beatsync.store.store import Store

    try:
        connections[alias]
    except ImproperlyConfigured as error:
        raise StoreError(
            f"the driver of the database {alias!r} cannot be loaded: {str(error).splitlines()[0]}"
        ) from error
    return Store(alias, project_settings=project_settings)
