"""`beatsync migrate`: creates BeatSync's own tables, and those of django-celery-beat only with a flag."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connections

from tests.cli.commanding import ROOT, CommandResult, InProcess, Project, Shell
from tests.conftest import add_alias

OWN = "".join(
    f"applied beatsync.{path.stem}\n" for path in sorted((ROOT / "beatsync" / "migrations").glob("[0-9]*.py"))
)
SPEC = "schedules:\n  nightly: {task: shop.bill, interval: 1h}\n"


@pytest.fixture
def bare_alias(bare_url: str) -> Iterator[str]:
    add_alias("bare", bare_url)
    yield "bare"
    connections["bare"].close()


def tables(alias: str) -> set[str]:
    with connections[alias].cursor() as cursor:
        names = connections[alias].introspection.table_names(cursor)
    return {name for name in names if name.startswith(("beatsync_", "django_celery_beat_"))}


def applied(alias: str) -> list[tuple[str, str]]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        return [(str(app), str(name)) for app, name in cursor.fetchall()]


def test_own_tables_are_created_and_those_of_beat_only_with_the_flag(
    here: InProcess, bare_url: str, bare_alias: str
) -> None:
    here.spec(SPEC)
    there = ["--database-url", bare_url]
    own = here("migrate", *there)
    assert (own.code, own.out, own.err) == (0, OWN, "")
    assert {name.partition("_")[0] for name in tables(bare_alias)} == {"beatsync"}
    incomplete = here("sync", *there)
    assert (incomplete.code, incomplete.out) == (1, "")
    assert "migrations django_celery_beat.0001_initial and " in incomplete.err
    assert "or `beatsync migrate --with-beat`" in incomplete.err

    both = here("migrate", "--with-beat", *there)
    assert both.code == 0
    assert both.out.splitlines()[0] == "applied django_celery_beat.0001_initial"
    assert "beatsync" not in both.out
    assert here("sync", *there).code == 0


def test_a_second_run_changes_nothing(here: InProcess, bare_url: str, bare_alias: str) -> None:
    here.spec(SPEC)
    there = ["--database-url", bare_url]
    here("migrate", "--with-beat", *there)
    here("sync", *there)
    before = applied(bare_alias)
    for words in (["migrate"], ["migrate", "--with-beat"]):
        again = here(*words, *there)
        assert (again.code, again.err) == (0, "")
        assert again.out.endswith(": nothing to do\n")
        assert bare_url.rpartition("/")[2] in again.out
    assert applied(bare_alias) == before
    assert here("plan", *there).out == "Nothing to do: 1 unchanged.\n"


def test_outdated_tables_of_beat_are_reported_and_not_changed(here: InProcess, bare_url: str, bare_alias: str) -> None:
    call_command("migrate", "django_celery_beat", "0011", database=bare_alias, verbosity=0)
    there = ["--database-url", bare_url]
    before = tables(bare_alias)
    for words in (["plan"], ["sync"], ["status"], ["release", "x"]):
        result = here(*words, *there)
        assert (result.code, result.out) == (1, ""), words
        assert "are missing or too old: migrations django_celery_beat.0012_periodictask_expire_seconds" in result.err
    assert tables(bare_alias) == before
    assert here("migrate", *there).out == OWN
    assert "too old" in here("status", *there).err
    updated = here("migrate", "--with-beat", *there).out.splitlines()
    assert updated[0] == "applied django_celery_beat.0012_periodictask_expire_seconds"
    assert here("status", *there).code == 0


def test_an_inconsistent_migration_history_is_reported_without_a_traceback(
    here: InProcess, bare_url: str, bare_alias: str
) -> None:
    there = ["--database-url", bare_url]
    here("migrate", "--with-beat", *there)
    with connections[bare_alias].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'django_celery_beat' AND name = '0001_initial'")
    result = here("migrate", *there)
    assert (result.code, result.out) == (1, "")
    assert "cannot be migrated: Migration django_celery_beat.0002" in result.err


def test_in_a_project_it_does_the_same_as_manage_py_migrate(project: Project) -> None:
    assert project("migrate").out == OWN
    own = project.tables()
    assert own
    assert project.manage("migrate", "beatsync").code == 0
    assert project.tables() == own
    assert project.beatsync("migrate").out == f"SQLite {project.path / 'db.sqlite3'}: nothing to do\n"
    assert project("migrate", "--with-beat").out.startswith("applied django_celery_beat.0001_initial\n")
    assert "No migrations to apply" in project.manage("migrate", "django_celery_beat").out


def test_the_embedded_database_needs_no_migrate(shell: Shell) -> None:
    shell.spec(SPEC)
    first = shell("sync")
    assert first.code == 0
    # The hint appears on every run: without it, a shell that lacks the variable would seem to use the project's database.
    assert (
        first.err
        == "hint: no database was chosen (--database-url, --settings): using beatsync.sqlite3 in this directory\n"
    )
    assert shell("sync") == CommandResult(0, "Nothing to do: 1 unchanged.\n", first.err)
    assert shell("migrate").out == "SQLite beatsync.sqlite3: nothing to do\n"


def test_only_migrate_creates_a_sqlite_file(here: InProcess) -> None:
    here.spec(SPEC)
    there = ["--database-url", "sqlite:///new.sqlite3"]
    incomplete = here("sync", *there)
    assert incomplete.err == "error: there is no database file new.sqlite3; `beatsync migrate --with-beat` makes it\n"
    assert not (here.path / "new.sqlite3").exists()
    assert here("migrate", "--with-beat", *there).code == 0
    assert here("sync", *there).code == 0


def test_a_file_in_a_missing_directory_is_reported(here: InProcess) -> None:
    result = here("migrate", "--database-url", "sqlite:///missing/new.sqlite3")
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: SQLite missing/new.sqlite3: unable to open database file\n"
