"""The rights that `deploy/sql` grants are enough for everything but migrations, and none of them is more than is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest

from beatsync.cli import main
from beatsync.store import tables
from tests.conftest import Server
from tests.daemon.daemons import daemon
from tests.store import granting
from tests.store.granting import Account, as_user

FIRST = """
schedules:
  by-interval: {task: t.a, interval: 5m}
  by-crontab: {task: t.b, crontab: "30 2 * * *", kwargs: {a: 1}}
  by-sun: {task: t.c, solar: {event: sunrise, latitude: 52.5, longitude: 13.4}}
  once: {task: t.d, clocked: 2097-01-05T03:00:00+01:00}
"""
SECOND = """
schedules:
  by-interval: {task: t.a, interval: 7m}
  by-rhythm: {task: t.b, crontab: "45 2 * * *", sync: {renamed_from: by-crontab}}
  new: {task: t.e, interval: 9s}
"""
PLAIN = """
schedules:
  plain:
    task: t.f
    interval: 8m
"""


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def account(request: pytest.FixtureRequest, server: Callable[[str], Server]) -> Iterator[Account]:
    with granting.account(server(request.param).create()) as new_account:
        yield new_account


@pytest.fixture
def beatsync(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what runs a command as that user and holds it to its exit code."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str, code: int = 0) -> None:
        assert main([*words, "--database-url", account.url]) == code, words

    return command


def test_it_is_enough_for_all_but_migrations(account: Account, beatsync: Callable[..., None], tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "a.yaml").write_text(FIRST)
    beatsync("plan", "specs", "--detailed-exitcode", code=2)
    beatsync("sync", "specs")
    # Updates, a rename, pruned rows and the schedule rows that no task uses any more.
    (specs / "a.yaml").write_text(SECOND)
    beatsync("sync", "specs", "--max-deletes", "100%")
    rows = account.sql("SELECT name FROM django_celery_beat_periodictask ORDER BY name")
    assert [name for (name,) in rows] == ["by-interval", "by-rhythm", "new"]
    assert not account.sql("SELECT event FROM django_celery_beat_solarschedule")
    # An edit that changes the file and not the row.
    (specs / "b.yaml").write_text(PLAIN)
    beatsync("sync", "specs")
    (specs / "b.yaml").write_text(f"{PLAIN}    # a word\n")
    beatsync("sync", "specs")
    (specs / "b.yaml").unlink()
    beatsync("sync", "specs")
    # A record of what failed, and a row whose tombstone stands.
    (specs / "a.yaml").write_text("schedules: {x: {task: t, crontab: every day}}")
    beatsync("sync", "specs", code=3)
    (specs / "a.yaml").write_text(f"{SECOND}  once: {{task: t.d, interval: 1h}}\n")
    beatsync("sync", "specs")
    beatsync("release", "new")
    beatsync("suspend", "default", "--reason", "a test")
    beatsync("sync", "specs", code=4)
    beatsync("resume", "default")
    beatsync("pause", "by-interval", "--reason", "a test")
    beatsync("unpause", "by-*")
    beatsync("show", "by-interval")
    beatsync("history")
    beatsync("status")
    beatsync("migrate")
    with daemon(specs, account.url, tmp_path, "--adopt") as process:
        process.until_ready()
        assert process.end() == 0


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_plan_only_reads(kind: str, server: Callable[[str], Server], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FIRST)
    with granting.account(server(kind).create(), to_plan_only=True) as account_:
        assert main(["plan", str(tmp_path), "--detailed-exitcode", "--database-url", account_.url]) == 2
        assert main(["sync", str(tmp_path), "--database-url", account_.owner]) == 0
        (tmp_path / "a.yaml").write_text(SECOND)
        assert main(["plan", str(tmp_path), "--detailed-exitcode", "--database-url", account_.url]) in {2, 4}
        assert main(["status", "--database-url", account_.url]) == 0
        assert main(["sync", str(tmp_path), "--database-url", account_.url]) == 1


def test_a_missing_right_to_read_names_the_file_of_grants(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(FIRST)
    user = account.user if account.url.startswith("postgres") else f"'{account.user}'@'%'"
    account.sql(f"REVOKE SELECT ON beatsync_inventoryentry FROM {user}")
    try:
        assert main(["plan", str(tmp_path), "--database-url", account.url]) == 1
    finally:
        account.sql(f"GRANT SELECT ON beatsync_inventoryentry TO {user}")
    message = capsys.readouterr().err
    assert "denied" in message
    name = "postgresql" if account.url.startswith("postgres") else "mariadb"
    assert f"; deploy/sql/{name}.sql grants the rights that a plan and a sync need" in message


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE beatsync_more (id int)",
        "DROP TABLE beatsync_source",
        "UPDATE django_celery_beat_crontabschedule SET minute = '0'",
        "DELETE FROM beatsync_source",
        "DELETE FROM django_migrations",
        "DELETE FROM django_celery_beat_periodictasks",
    ],
)
def test_what_is_not_needed_is_refused(account: Account, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, pymysql.OperationalError), match=r"denied|must be owner"):
        as_user(account.url)(statement)


def test_every_right_is_one_that_the_code_uses(account: Account) -> None:
    writes = {
        tables.PERIODIC_TASK.name: {"INSERT", "UPDATE", "DELETE"},
        **{table.name: {"INSERT", "DELETE"} for table in tables.SCHEDULES.values()},
        tables.NOTICE.name: {"INSERT", "UPDATE"},
        tables.SOURCE.name: {"INSERT", "UPDATE"},
        tables.LEASE.name: {"INSERT", "UPDATE"},
        tables.PLAN_KEY.name: {"INSERT"},
        tables.HISTORY.name: {"INSERT", "UPDATE", "DELETE"},
        tables.INVENTORY.name: {"INSERT", "UPDATE", "DELETE"},
        tables.FILE_RECORD.name: {"INSERT", "DELETE"},
        tables.TOMBSTONE.name: {"INSERT", "DELETE"},
        tables.PAUSE.name: {"INSERT", "DELETE"},
        tables.PENDING.name: {"INSERT", "UPDATE", "DELETE"},
        tables.ONE_OFF.name: {"INSERT", "DELETE"},
        "django_migrations": set(),
    }
    granted: dict[str, set[str]] = {}
    sql = f"SELECT table_name, privilege_type FROM information_schema.table_privileges WHERE grantee LIKE '%{account.user}%'"
    for table, right in account.sql(sql):
        granted.setdefault(table, set()).add(right)
    assert granted == {table: {"SELECT", *rights} for table, rights in writes.items()}
