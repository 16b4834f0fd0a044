"""The embedded database: used for trying BeatSync out, refused where another database was meant."""

from __future__ import annotations

import pytest

from tests.cli.commanding import Shell, write

SPEC = "schedules:\n  nightly: {task: t, interval: 1h}\n"
ALLOWED = ("--database-url", "sqlite:///beatsync.sqlite3")
VARIABLES = {
    "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    "DATABASE_URL": "postgres://db/shop",
    "BEATSYNC_SOURCE": "shop",
    "BEATSYNC_ENV": "production",
    "BEATSYNC_TIMEZONE": "Europe/Berlin",
    "BEATSYNC_ADOPT": "0",
}


@pytest.fixture
def trying(shell: Shell) -> Shell:
    shell.spec(SPEC)
    return shell


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_of_a_deployment_without_a_database_is_wrong_usage(trying: Shell, name: str) -> None:
    result = trying("sync", env={name: VARIABLES[name]})
    assert (result.code, result.out) == (64, "")
    line = result.err.splitlines()[-1]
    assert f"{name} is set: set BEATSYNC_DATABASE_URL" in line
    assert " ".join(ALLOWED) in line
    assert not (trying.path / "beatsync.sqlite3").exists()


@pytest.mark.parametrize("command", ["plan", "sync", "run", "status", "migrate"])
def test_a_project_without_its_settings_is_wrong_usage(trying: Shell, command: str) -> None:
    write(trying.path / "manage.py", "")
    result = trying(command)
    assert (result.code, result.out) == (64, "")
    assert f"run `python manage.py beatsync {command}`" in result.err.splitlines()[-1]
    assert not (trying.path / "beatsync.sqlite3").exists()


def test_a_url_of_the_file_is_allowed_everywhere(trying: Shell) -> None:
    write(trying.path / "manage.py", "")
    assert trying("migrate", "--with-beat", *ALLOWED, env=VARIABLES).code == 0
    assert trying("sync", *ALLOWED, env=VARIABLES).code == 0


def test_the_daemon_always_needs_a_database(trying: Shell) -> None:
    assert trying("migrate").code == 0
    result = trying("run", "--listen", "none")
    assert result.code == 64
    assert "no database was chosen, and `run` needs one" in result.err.splitlines()[-1]


@pytest.mark.parametrize("words", [("plan",), ("plan", "--out", "plan.json"), ("status",), ("release", "nightly")])
def test_only_sync_and_migrate_create_the_file(trying: Shell, words: tuple[str, ...]) -> None:
    trying(*words)
    assert sorted(path.name for path in trying.path.iterdir()) == ["schedules.d"]


def test_a_plan_before_the_file_exists_is_that_of_the_first_sync(trying: Shell) -> None:
    planned = trying("plan")
    assert (planned.code, planned.out.splitlines()[-1]) == (0, "1 to create, 0 unchanged.")
    assert "beatsync.sqlite3 in this directory, which does not exist yet" in planned.err
    saved = trying("plan", "--out", "plan.json")
    assert (saved.code, "run `beatsync migrate` first" in saved.err) == (64, True)
    assert trying("migrate").code == 0
    assert trying("plan", "--out", "plan.json").code == 0
    assert trying("sync", "--plan", "plan.json").out.endswith("1 created, 0 unchanged.\n")


def test_in_ci_a_sync_into_it_is_a_warning(trying: Shell) -> None:
    result = trying("sync", env={"CI": "true"})
    assert result.code == 0
    assert result.err.startswith("warning: no database was chosen")
    assert result.err.count("\n") == 1
    assert trying("plan", env={"CI": "true"}).err.startswith("hint: ")
