"""Databases for the tests: one of each kind for each test process, created on first use, emptied for every test, dropped at the end.

If a server is unavailable, the tests that need it are skipped with the reason; with CI=true they fail.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import django
import hypothesis
import pymysql
import pytest
from django.conf import settings

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django_celery_beat.models import PeriodicTask

    from beatsync.store import Store

POSTGRES_URL = os.environ.get("BEATSYNC_TEST_POSTGRES_URL", "postgres://root@127.0.0.1:5432/test")
MARIADB_URL = os.environ.get("BEATSYNC_TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/test")
REDIS_URL = os.environ.get("BEATSYNC_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
RABBITMQ_URL = os.environ.get("BEATSYNC_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
BACKENDS = ("sqlite", "postgresql", "mariadb")
_ALIASES = {"sqlite": "default", "postgresql": "postgresql", "mariadb": "mariadb"}


def pytest_configure() -> None:
    # A runner in the background ignores SIGINT, its child processes inherit that, and our commands would not receive it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes depends on what else the machine does.
    hypothesis.settings.register_profile("beatsync", parent=hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("beatsync")
    # `connect` does the same for a URL.
    pymysql.install_as_MySQLdb()  # type: ignore[no-untyped-call,unused-ignore]
    if not settings.configured:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
        django.setup()
    from django.db.backends.signals import connection_created

    connection_created.connect(_do_not_wait_for_the_disk)


def _do_not_wait_for_the_disk(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Do not let a commit wait until it is on the disk: tests end processes, but never the machine."""
    if connection.vendor == "sqlite":
        # Past Django, so that it is not counted as one of BeatSync's statements.
        connection.connection.execute("PRAGMA synchronous = OFF")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the tests that take many seconds, so that no process runs one alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("lab") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured (`record_property("measured", ...)`), whichever process they ran in."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    for report in reports:
        for name, value in report.user_properties:
            if name == "measured" and report.when == "call":
                terminalreporter.write_line(f"measured {report.nodeid.rpartition('::')[2]}: {value}")


@dataclass(frozen=True)
class Backend:
    """A database of one kind: `alias` for this process, `url` for others."""

    name: str
    alias: str
    url: str


def missing_service(name: str, error: object) -> None:
    """Skip the test with the reason; under CI a missing service is a failure."""
    message = f"no {name} for the tests: {error}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(message)
    pytest.skip(message)


class Server:
    """Creates and drops databases of one kind."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._databases: list[str] = []

    def create(self) -> str:
        """Return the URL of a new, empty database."""
        database = f"beatsync_{os.getpid()}_{uuid.uuid4().hex[:8]}"
        if self.name == "sqlite":
            path = self._folder / f"{database}.sqlite3"
            path.touch()
            return f"sqlite:///{path}"
        try:
            self._run(f"CREATE DATABASE {database}")
        except Exception as error:  # noqa: BLE001  the driver's message is the reason
            missing_service(self.name, error)
        self._databases.append(database)
        if self.name == "postgresql":
            # As on SQLite.
            self._run(f"ALTER DATABASE {database} SET synchronous_commit = off")
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def drop_all(self) -> None:
        force = " WITH (FORCE)" if self.name == "postgresql" else ""
        for database in self._databases:
            self._run(f"DROP DATABASE IF EXISTS {database}{force}")

    @property
    def _url(self) -> str:
        return POSTGRES_URL if self.name == "postgresql" else MARIADB_URL

    def _run(self, sql: str) -> None:
        parts = urlsplit(self._url)
        if self.name == "postgresql":
            import psycopg

            with psycopg.connect(self._url.replace("postgres://", "postgresql://", 1), autocommit=True) as session:
                session.execute(sql.encode())
            return
        session = pymysql.connect(
            host=parts.hostname, port=parts.port or 3306, user=parts.username, password=parts.password or ""
        )
        with session, session.cursor() as cursor:
            cursor.execute(sql)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Return a function from the name of a kind of database to its server."""
    folder = tmp_path_factory.mktemp("databases")
    servers = {name: Server(name, folder) for name in BACKENDS}
    yield servers.__getitem__
    for database_server in servers.values():
        database_server.drop_all()


@pytest.fixture(scope="session")
def _backends(server: Callable[[str], Server]) -> Iterator[Callable[[str], Backend]]:
    """Return a function that creates this process's migrated database of a kind."""
    from django.db import connections

    from beatsync.store import Store

    backends: dict[str, Backend] = {}

    def get(name: str) -> Backend:
        if name not in backends:
            backend = Backend(name, _ALIASES[name], server(name).create())
            add_alias(backend.alias, backend.url)
            Store(backend.alias).migrate(with_beat=True)
            backends[name] = backend
        return backends[name]

    # django-celery-beat's signals and checks use the default database, whichever database a row is in.
    get("sqlite")
    yield get
    connections.close_all()


def add_alias(alias: str, url: str) -> None:
    """Register the database of `url` with Django in this process as `alias`."""
    from django.db import connections

    from beatsync.store.connect import database_settings

    if alias in connections.databases:
        connections[alias].close()
        del connections[alias]
    connections.databases[alias] = connections.configure_settings({"default": {}, alias: database_settings(url)})[alias]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, _backends: Callable[[str], Backend]) -> Iterator[Backend]:
    """Each database in turn, migrated and empty."""
    from django.db import connections

    database = _backends(request.param)
    empty(database.alias)
    yield database
    # The model's own check of unique names queries the default database, whichever database the row is in.
    empty(database.alias)
    connections[database.alias].close()


@pytest.fixture
def sqlite_backend(_backends: Callable[[str], Backend]) -> Iterator[Backend]:
    """The SQLite database only, migrated and empty."""
    database = _backends("sqlite")
    empty(database.alias)
    yield database
    # It is the default database, which the model's own check of unique names queries.
    empty(database.alias)


@pytest.fixture
def store(backend: Backend) -> Store:
    """The store of each database in turn."""
    from beatsync.store import Store

    return Store(backend.alias, project_settings=False)


@pytest.fixture
def database_url(backend: Backend) -> str:
    """The URL of a migrated, empty database for other processes; the `store` of the same test uses the same database."""
    return backend.url


@pytest.fixture(params=BACKENDS)
def bare_url(request: pytest.FixtureRequest, server: Callable[[str], Server]) -> str:
    """The URL of a new database without any table, of each kind."""
    return server(request.param).create()


def empty(alias: str) -> None:
    """Delete all rows of all tables, except for the key that the migration creates."""
    from django.db import connections, transaction

    from beatsync.store.tables import BEAT_TABLES, OWN_TABLES, PLAN_KEY

    # A source after what refers to it, and a schedule after the task that uses it.
    tables = (*(table for table in reversed(OWN_TABLES) if table is not PLAN_KEY), *BEAT_TABLES)
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table.name}")


MakeTask = Any
"""Takes a name and model fields, returns the `PeriodicTask`."""


@pytest.fixture
def make_task(backend: Backend) -> MakeTask:
    """Return a function that inserts a row as another application would, without notifying beat and without any check."""
    return task_maker(backend.alias)


def task_maker(alias: str) -> MakeTask:
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    def insert(name: str = "by-hand", **fields: Any) -> PeriodicTask:
        if not {"interval", "crontab", "solar", "clocked"} & fields.keys():
            fields["interval"] = IntervalSchedule.objects.using(alias).bulk_create(
                [IntervalSchedule(every=1, period="hours")]
            )[0]
        tasks: list[PeriodicTask] = PeriodicTask.objects.using(alias).bulk_create(
            [PeriodicTask(name=name, **{"task": "other.task", **fields})]
        )
        return tasks[0]

    return insert
