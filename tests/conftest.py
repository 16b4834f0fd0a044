"""Databases for the tests: one of each kind for each test process, made on first use, empty for every test, dropped at the end.

Where a server is not to be had, the tests that want it are skipped with the reason; with CI=true they fail.
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
    # A runner in the background ignores SIGINT, every process below it inherits that, and no command of ours would hear it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # As a person installs it: `connect` does the same for a URL.
    pymysql.install_as_MySQLdb()  # type: ignore[no-untyped-call,unused-ignore]
    if not settings.configured:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
        django.setup()
    from django.db.backends.signals import connection_created

    connection_created.connect(_wait_for_no_disk)


def _wait_for_no_disk(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Let no commit of this process wait until it is on the disk: a test may end a process, and none ends the machine."""
    if connection.vendor == "sqlite":
        # Past Django, so that nobody counts it as a statement of ours.
        connection.connection.execute("PRAGMA synchronous = OFF")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take many seconds, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("lab") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured (`record_property("measured", ...)`), whichever process they ran in."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
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


def missing_service(what: str, error: object) -> None:
    """Skip the test, loudly; under CI a service that is not there is a failure."""
    message = f"no {what} for the tests: {error}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(message)
    pytest.skip(message)


class Server:
    """Makes and drops databases of one kind."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._made: list[str] = []

    def create(self) -> str:
        """Return the URL of a new, empty database."""
        database = f"beatsync_{os.getpid()}_{uuid.uuid4().hex[:8]}"
        if self.name == "sqlite":
            path = self._folder / f"{database}.sqlite3"
            path.touch()
            return f"sqlite:///{path}"
        try:
            self._run(f"CREATE DATABASE {database}")
        except Exception as error:  # noqa: BLE001  whatever the driver says is the reason
            missing_service(self.name, error)
        self._made.append(database)
        if self.name == "postgresql":
            # As on SQLite: only the end of the server would tell.
            self._run(f"ALTER DATABASE {database} SET synchronous_commit = off")
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def drop_all(self) -> None:
        force = " WITH (FORCE)" if self.name == "postgresql" else ""
        for database in self._made:
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
    """Return what makes databases of a kind."""
    folder = tmp_path_factory.mktemp("databases")
    servers = {name: Server(name, folder) for name in BACKENDS}
    yield servers.__getitem__
    for one in servers.values():
        one.drop_all()


@pytest.fixture(scope="session")
def _backends(server: Callable[[str], Server]) -> Iterator[Callable[[str], Backend]]:
    """Return what makes the one migrated database of a kind that this process uses."""
    from django.db import connections

    from beatsync.store import Store

    made: dict[str, Backend] = {}

    def get(name: str) -> Backend:
        if name not in made:
            backend = Backend(name, _ALIASES[name], server(name).create())
            add_alias(backend.alias, backend.url)
            Store(backend.alias).migrate(with_beat=True)
            made[name] = backend
        return made[name]

    # django-celery-beat's signals and checks speak to the default database, whichever one a row is in.
    get("sqlite")
    yield get
    connections.close_all()


def add_alias(alias: str, url: str) -> None:
    """Make the database of `url` known to Django in this process as `alias`."""
    from django.db import connections

    from beatsync.store.connect import _parsed

    if alias in connections.databases:
        connections[alias].close()
        del connections[alias]
    connections.databases[alias] = connections.configure_settings({"default": {}, alias: _parsed(url)})[alias]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, _backends: Callable[[str], Backend]) -> Iterator[Backend]:
    """One database after the other, each of them migrated and empty."""
    one = _backends(request.param)
    empty(one.alias)
    yield one
    from django.db import connections

    # The model's own check of unique names looks into the default database, whichever one the row is in.
    empty(one.alias)

    connections[one.alias].close()


@pytest.fixture
def sqlite_backend(_backends: Callable[[str], Backend]) -> Iterator[Backend]:
    """The SQLite database only, migrated and empty."""
    one = _backends("sqlite")
    empty(one.alias)
    yield one
    # It is the default one, into which the model's own check of unique names looks.
    empty(one.alias)


@pytest.fixture
def store(backend: Backend) -> Store:
    """The store of each database in turn."""
    from beatsync.store import Store

    return Store(backend.alias, project_settings=False)


@pytest.fixture
def database_url(backend: Backend) -> str:
    """The URL of a migrated, empty database for other processes; the `store` of the same test reads the same one."""
    return backend.url


@pytest.fixture(params=BACKENDS)
def bare_url(request: pytest.FixtureRequest, server: Callable[[str], Server]) -> str:
    """The URL of a new database without any table, of each kind."""
    return server(request.param).create()


def empty(alias: str) -> None:
    """Delete all rows that a test may have left."""
    from django.db import connections, transaction

    from beatsync.store.tables import HISTORY, INVENTORY, LEASE, NOTICE, PERIODIC_TASK, SCHEDULES, SOURCE, TOMBSTONE

    tables = (HISTORY, TOMBSTONE, INVENTORY, LEASE, SOURCE, PERIODIC_TASK, *SCHEDULES.values(), NOTICE)
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table.name}")


MakeTask = Any
"""Takes a name and model fields, returns the `PeriodicTask`."""


@pytest.fixture
def make_task(backend: Backend) -> MakeTask:
    """Return what makes a row by hand, as another application would, without telling beat and without any check."""
    return task_maker(backend.alias)


def task_maker(alias: str) -> MakeTask:
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    def make(name: str = "by-hand", **fields: Any) -> PeriodicTask:
        if not {"interval", "crontab", "solar", "clocked"} & fields.keys():
            fields["interval"] = IntervalSchedule.objects.using(alias).bulk_create(
                [IntervalSchedule(every=1, period="hours")]
            )[0]
        made: list[PeriodicTask] = PeriodicTask.objects.using(alias).bulk_create(
            [PeriodicTask(name=name, **{"task": "other.task", **fields})]
        )
        return made[0]

    return make
