"""A transaction of another program that holds rows: a sync waits for a bounded time, holds no row meanwhile, and names the session."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from beatsync.reconcile import Outcome, Run, SyncOptions, reconcile, sync
from beatsync.source import load
from beatsync.store import LockHeld, RowsLocked, Store, StoreError, lock
from beatsync.store.dialects.mysql import MySQL
from tests.conftest import Backend, add_alias
from tests.store.storing import NO_CHANGES, NOW, apply, create, create_all, plan, queries, record, run, scalar
from tests.store.test_store_apply import hourly

NOTICE = "SELECT ident FROM django_celery_beat_periodictasks FOR UPDATE"
TASKS = "SELECT id FROM django_celery_beat_periodictask FOR UPDATE"


@pytest.fixture
def other(backend: Backend) -> Iterator[Any]:
    """A session of another program, in which the tests open a transaction."""
    if backend.name == "sqlite":
        pytest.skip("SQLite has one lock for the whole file")
    add_alias("other", backend.url)
    session = connections["other"]
    yield session
    if session.connection is not None and not session.get_autocommit():
        session.rollback()
        session.set_autocommit(True)
    session.close()


def hold(session: Any, sql: str) -> None:
    session.set_autocommit(False)
    with session.cursor() as cursor:
        cursor.execute(sql)


def end(session: Any) -> None:
    session.rollback()
    session.set_autocommit(True)


def files(root: Path, interval: str) -> Path:
    (root / "a.yaml").write_text(f"schedules:\n  nightly: {{task: t, interval: {interval}}}\n", encoding="utf-8")
    return root


@pytest.mark.parametrize("held", [NOTICE, TASKS])
def test_a_sync_goes_on_when_the_other_transaction_has_ended_and_holds_no_row_until_then(
    store: Store, other: Any, tmp_path: Path, held: str
) -> None:
    assert sync(files(tmp_path, "1h"), store, SyncOptions()).outcome is Outcome.APPLIED
    hold(other, held)
    reports: list[str] = []

    def progress(step: str, *_: object) -> None:
        if not step.startswith("waiting"):
            return
        reports.append(step)
        if held == NOTICE:
            with other.cursor() as cursor:  # beat saves a task
                cursor.execute("UPDATE django_celery_beat_periodictask SET total_run_count = total_run_count + 1")
            other.commit()
        end(other)

    files(tmp_path, "2h")
    result = reconcile(Run(lambda: load(tmp_path), store, SyncOptions(), progress=progress))
    assert result.outcome is Outcome.APPLIED
    assert len(reports) == 1
    assert "another transaction holds rows of django-celery-beat" in reports[0]
    assert store.observe("default").rows["nightly"].spec.fields()["interval"] == "2h"


@pytest.mark.parametrize("held", [NOTICE, TASKS])
def test_the_wait_for_rows_ends_at_the_lock_timeout_with_the_session_that_holds_them(
    store: Store, other: Any, tmp_path: Path, held: str
) -> None:
    sync(files(tmp_path, "1h"), store, SyncOptions())
    hold(other, held)
    files(tmp_path, "2h")
    started = time.monotonic()
    with pytest.raises(RowsLocked, match=r"process \d+ \(.*for \d+ s\)\. End that session, or try again later"):
        sync(tmp_path, store, SyncOptions(lock_timeout=0))
    assert time.monotonic() - started < lock.ROWS_WAIT / 2
    end(other)
    assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED


def test_a_stricter_isolation_of_the_server_neither_fails_nor_locks_what_is_read(
    store: Store, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_all(store, hourly())
    is_postgresql = connections[store.alias].vendor == "postgresql"
    monkeypatch.setattr(connections[store.alias], "isolation_level", None, raising=False)
    session = "SESSION CHARACTERISTICS AS TRANSACTION" if is_postgresql else "SESSION TRANSACTION"
    run(store, f"SET {session} ISOLATION LEVEL SERIALIZABLE")
    try:
        with store.locked("shop", 5, "me"):
            store.observe("shop")
            hold(other, "SELECT 1")
            with other.cursor() as cursor:
                cursor.execute(
                    f"SET {'' if is_postgresql else 'innodb_'}lock_{'' if is_postgresql else 'wait_'}timeout = {'1000' if is_postgresql else '2'}"
                )
                cursor.execute("UPDATE django_celery_beat_periodictask SET total_run_count = 7")
            other.commit()
            end(other)
            if is_postgresql:
                assert scalar(store, "SHOW transaction_isolation") == "read committed"
    finally:
        connections[store.alias].close()


def test_another_program_that_holds_the_file_is_not_called_a_beatsync(store: Store, backend: Backend) -> None:
    if backend.name != "sqlite":
        pytest.skip("for SQLite")
    create_all(store, hourly())
    path = str(connections[store.alias].settings_dict["NAME"])
    for holder, held_at, expected in (
        ("", None, "another program holds the lock of the file"),
        ("alice", "2020-01-01 00:00:00", "another program holds the lock of the file"),
        ("alice", None, "alice holds the lock of source 'shop' since"),
    ):
        run(store, "UPDATE beatsync_source SET holder = %s, held_at = coalesce(%s, datetime('now'))", holder, held_at)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(LockHeld, match=expected) as caught, store.locked("shop", 0, "me"):
                pass
        finally:
            other.close()
        assert (path in str(caught.value)) == ("program" in expected)


def test_statements_are_as_long_as_the_server_allows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if connections[store.alias].vendor != "mysql":
        pytest.skip("for MariaDB and MySQL")
    monkeypatch.setattr(MySQL, "_max_packet", lambda _: 100_000)
    specs = [hourly(f"task {number}", kwargs=f'{{"a": "{"x" * 5_000}"}}') for number in range(60)]
    with queries(store) as log:
        create_all(store, *specs)
    assert max(len(query["sql"]) for query in log) < 100_000
    assert len(store.observe("shop").rows) == 60
    too_long = hourly("long", kwargs=f'{{"a": "{"x" * 100_000}"}}')
    with pytest.raises(StoreError, match="kwargs of 'long': raise max_allowed_packet"):
        apply(store, plan(create(too_long), records=[record(too_long)]))


def test_no_cursor_on_the_server_outlives_its_transaction(store: Store) -> None:
    """A pooler gives the next transaction another session (docs/facts.md, 45)."""
    create_all(store, hourly())
    with queries(store) as log:
        store.observe("shop")
        store.row_fingerprints("shop")
    assert not [query["sql"] for query in log if "WITH HOLD" in query["sql"]]
    assert not connections[store.alias].in_atomic_block
    with transaction.atomic(using=store.alias), store.locked("shop", 0, "me"):
        store.apply(plan(), store.observe("shop"), NO_CHANGES, NOW)
