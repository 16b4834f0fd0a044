from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from celery import Celery, _state

from tests.cli.commanding import PROJECT, InProcess, Project, Shell, clean_environment, copy_database
from tests.conftest import Backend


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_backend: Backend
) -> InProcess:
    """Runs commands in this process; Django is set up already, with `tests.settings`, as inside a project."""
    clean_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    # The project's celery application; it sets itself as the current one, which the first line undoes after the test.
    monkeypatch.setattr(_state._tls, "current_app", _state._tls.current_app)
    Celery("tests")

    def read() -> tuple[str, str]:
        captured = capsys.readouterr()
        return captured.out, captured.err

    return InProcess(tmp_path, sqlite_backend.alias, read)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Runs commands in a new process."""
    clean_environment(monkeypatch)
    return Shell(tmp_path)


@pytest.fixture
def project(shell: Shell) -> Project:
    """A Django project without tables."""
    shutil.copytree(PROJECT, shell.path / "shop")
    return Project(shell, shell.path / "shop")


@pytest.fixture
def migrated(project: Project, sqlite_backend: Backend) -> Project:
    """A Django project with empty tables, as after `manage.py migrate`."""
    copy_database(sqlite_backend.url, project.path / "db.sqlite3")
    return project
