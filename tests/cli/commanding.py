"""Helpers of the command tests: run a command in this process or in a new one, and read a database."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import connections

from beatsync.cli import main
from beatsync.published import read_schema
from beatsync.store import DatabaseChoice, connect
from tests.processes import run, until

ROOT = Path(__file__).parent.parent.parent
PROJECT = ROOT / "tests" / "data" / "project"


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output parsed as JSON; fails if it holds anything else."""
        return json.loads(self.out)

    def matching(self, schema: str) -> Any:
        """Standard output parsed as JSON, validated against its published schema."""
        from jsonschema import Draft202012Validator

        document = self.json
        Draft202012Validator(read_schema(schema)).validate(document)
        return document


@dataclass(frozen=True)
class InProcess:
    """Runs commands in this process, in a temporary directory, on the test process's SQLite database."""

    path: Path
    alias: str
    _read: Callable[[], tuple[str, str]]

    def __call__(self, *words: str, settings: Mapping[str, Any] | None = None) -> CommandResult:
        self._read()
        code = main(list(words), settings=settings)
        return CommandResult(code, *self._read())

    def spec(self, text: str, name: str = "schedules.d/tasks.yaml") -> Path:
        """Write a spec file."""
        return write(self.path / name, text)

    def rows(self) -> dict[str, Any]:
        """Every `PeriodicTask` by name."""
        from django_celery_beat.models import PeriodicTask

        return {row.name: row for row in PeriodicTask.objects.using(self.alias)}

    def tables(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        return tables(self.alias)


@dataclass(frozen=True)
class Shell:
    """Runs commands in a new process, in a temporary directory, without a Django project."""

    path: Path

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> CommandResult:
        return self.run("-m", "beatsync", *words, env=env)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> CommandResult:
        """Run this Python interpreter."""
        process = run(*arguments, cwd=cwd or self.path, env={"PYTHONPATH": str(ROOT), **(env or {})})
        return CommandResult(process.returncode, process.stdout, process.stderr)

    def spec(self, text: str, name: str = "schedules.d/tasks.yaml") -> Path:
        """Write a spec file."""
        return write(self.path / name, text)


@dataclass(frozen=True)
class Project:
    """A small Django project in a temporary directory, with a SQLite file beside its `manage.py`."""

    shell: Shell
    path: Path

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run `manage.py beatsync`."""
        return self.manage("beatsync", *words, env=env)

    def manage(self, *words: str, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run `manage.py`."""
        return self.run("manage.py", *words, env=env)

    def beatsync(self, *words: str, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run `beatsync` with this project's settings."""
        return self.run("-m", "beatsync", *words, env={"DJANGO_SETTINGS_MODULE": "proj.settings", **(env or {})})

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> CommandResult:
        """Run this Python interpreter in the project's directory."""
        url = {"PROJECT_DATABASE_URL": f"sqlite:///{self.path / 'db.sqlite3'}"}
        return self.shell.run(*arguments, cwd=self.path, env={**url, **(env or {})})

    def spec(self, text: str, name: str = "schedules.d/tasks.yaml") -> Path:
        """Write a spec file."""
        return write(self.path / name, text)

    def append_settings(self, python: str) -> None:
        """Append Python code to the project's settings."""
        with (self.path / "proj" / "settings.py").open("a", encoding="utf-8") as settings:
            settings.write(python + "\n")

    def query(self, sql: str, database: str = "db.sqlite3") -> list[Any]:
        """Return the rows of a query to the project's database."""
        with contextlib.closing(sqlite3.connect(self.path / database)) as connection:
            return connection.execute(sql).fetchall()

    def tables(self, database: str = "db.sqlite3") -> set[str]:
        """Return the names of the tables of BeatSync and django-celery-beat."""
        rows_by_table = {
            str(name) for (name,) in self.query("SELECT name FROM sqlite_master WHERE type = 'table'", database)
        }
        return {name for name in rows_by_table if name.startswith(("beatsync_", "django_celery_beat_"))}


def write(path: Path, text: str) -> Path:
    """Write a file and create its directories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def copy_database(url: str, path: Path) -> None:
    """Copy a SQLite database into a new file."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("VACUUM INTO ?", [str(path)])


def tables(alias: str) -> dict[str, list[Any]]:
    """Return every row of every table."""
    connection = connections[alias]
    rows_by_table = {}
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            rows_by_table[name] = sorted(cursor.fetchall(), key=repr)
    return rows_by_table


@contextlib.contextmanager
def lock_held(url: str, source: str, holder: str) -> Iterator[None]:
    """Hold the lock of a source on another connection, as another BeatSync process does."""
    held, enough = Event(), Event()

    def hold() -> None:
        store = connect(DatabaseChoice(url=url))
        try:
            with store.locked(source, 30.0, holder):
                held.set()
                enough.wait()
        finally:
            store.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        try:
            until(lambda: held.is_set() or holding.done())
            yield
        finally:
            enough.set()
        holding.result()


def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the environment variables of a developer's shell or a CI server that change what a command does."""
    import os

    for name in list(os.environ):
        if name.startswith("BEATSYNC_") and not name.startswith("BEATSYNC_TEST_"):
            monkeypatch.delenv(name)
    for name in ("GITHUB_ACTIONS", "GITEA_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "JENKINS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
