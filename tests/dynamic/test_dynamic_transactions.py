"""A write is part of the caller's transaction: it is rolled back and seen with it, and blocks no other rows."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from beatsync import schedulers
from beatsync.dynamic import OwnershipConflict, RetryableError
from beatsync.models import InventoryEntry, SyncRecord
from beatsync.reconcile import SyncOptions, sync
from beatsync.store import Store
from tests import processes
from tests.conftest import Backend, MakeTask
from tests.dynamic.declaring import HOURLY, directory, is_notice_owed, reports, row, rows, stamp, statements, stored
from tests.firing.beats import application, routed_to

HERE = Path(__file__).parent


class OtherError(Exception):
    """An error of the application."""


def test_a_rollback_leaves_nothing(backend: Backend) -> None:
    before, notice = stored(backend), stamp(backend)
    with suppress(OtherError), transaction.atomic(using=backend.alias):
        reports(backend).put("a", **HOURLY)
        reports(backend).once("b", task="t", after="1h")
        raise OtherError
    assert (stored(backend), stamp(backend)) == (before, notice)


def test_a_write_that_a_rollback_would_not_undo_is_refused(backend: Backend) -> None:
    before, connection = stored(backend), connections[backend.alias]
    connection.set_autocommit(False)
    try:
        with pytest.raises(TransactionManagementError, match=r"use transaction\.atomic"):
            reports(backend).put("a", **HOURLY)
        connection.rollback()
    finally:
        connection.set_autocommit(True)
    assert stored(backend) == before


def test_a_rollback_of_a_savepoint_leaves_nothing_of_it(backend: Backend) -> None:
    mine = reports(backend)
    mine.put("kept", **HOURLY)
    notice = stamp(backend)
    with transaction.atomic(using=backend.alias):
        with suppress(OtherError), transaction.atomic(using=backend.alias):
            mine.put("a", **HOURLY)
            mine.remove("kept")
            raise OtherError
        assert rows(backend) == ["kept"]
    assert rows(backend) == ["kept"]
    assert not is_notice_owed(backend)
    assert stamp(backend) == notice


def test_after_an_error_the_callers_transaction_goes_on(backend: Backend, make_task: MakeTask) -> None:
    make_task("theirs")
    mine = reports(backend)
    with transaction.atomic(using=backend.alias):
        mine.put("a", **HOURLY)
        with pytest.raises(OwnershipConflict):
            mine.put_many({"b": HOURLY, "theirs": HOURLY})
        mine.put("c", **HOURLY)
    assert rows(backend) == ["a", "c", "theirs"]


def test_beat_is_notified_once_after_the_commit(backend: Backend) -> None:
    mine = reports(backend)
    with statements(backend) as captured, transaction.atomic(using=backend.alias):
        for name in ("a", "b", "c"):
            mine.put(name, **HOURLY)
        assert stamp(backend) is None
    table = PeriodicTasks._meta.db_table
    notices = [query["sql"] for query in captured if table in query["sql"] and not query["sql"].startswith("SELECT")]
    assert len(notices) == 1
    assert stamp(backend) is not None
    assert not is_notice_owed(backend)
    first = stamp(backend)
    mine.put("a", **{**HOURLY, "queue": "slow"})
    assert first is not None
    assert (stamp(backend) or first) > first


def in_thread(backend: Backend, work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start `work` in another thread, with another connection; return the thread and the list that gets the result."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001  the test looks at it
            results.append(error)
        finally:
            connections[backend.alias].close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_an_open_transaction_blocks_no_other_writer(backend: Backend, make_task: MakeTask) -> None:
    """While it is open, an admin saves a task, which moves beat's notice, and another thread changes other names of the set."""
    if backend.name == "sqlite":
        pytest.skip("SQLite has one lock for the whole file")
    task = make_task("theirs")
    mine = reports(backend)
    mine.put_many({"a": {**HOURLY, "queue": "x"}, "b": HOURLY, "c": {**HOURLY, "interval": "7h"}})

    def others() -> str:
        task.save(using=backend.alias)
        mine.put("b", **{**HOURLY, "interval": "7h"})
        mine.put("new", **HOURLY)
        mine.remove("c")
        return "done"

    with transaction.atomic(using=backend.alias):
        mine.put("a", **HOURLY)
        mine.put("another", **HOURLY)
        thread, results = in_thread(backend, others)
        thread.join(8)
        assert results == ["done"]
    thread.join()
    assert rows(backend) == ["a", "another", "b", "new", "theirs"]


@pytest.mark.parametrize("is_new", [True, False])
def test_the_same_name_waits_and_then_goes_on_what_was_committed(is_new: bool, backend: Backend) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has one lock for the whole file")
    mine = reports(backend)
    mine.put("other" if is_new else "a", **HOURLY)

    def second() -> bool:
        with transaction.atomic(using=backend.alias):
            return mine.put("a", **{**HOURLY, "queue": "second"})

    with transaction.atomic(using=backend.alias):
        mine.put("a", **{**HOURLY, "queue": "first"})
        thread, results = in_thread(backend, second)
        thread.join(0.5)
        assert not results
    thread.join(20)
    assert results == [True]
    assert row(backend, "a").queue == "second"
    assert InventoryEntry.objects.using(backend.alias).filter(name="a").count() == 1


def test_a_lock_timeout_is_retryable_and_never_retried_in_the_callers_transaction(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.sets.LOCK_WAIT", 1.0)
    mine = reports(backend)
    mine.put("a", **HOURLY)
    attempts: list[str] = []

    def second() -> bool:
        with transaction.atomic(using=backend.alias):
            attempts.append("put")
            return mine.put("a", **{**HOURLY, "queue": "second"})

    with transaction.atomic(using=backend.alias):
        mine.put("a", **{**HOURLY, "queue": "first"})
        thread, results = in_thread(backend, second)
        thread.join(20)
    assert [type(result) for result in results] == [RetryableError] or isinstance(results[0], RetryableError)
    assert attempts == ["put"]
    assert row(backend, "a").queue == "first"


def crash(backend: Backend, name: str) -> None:
    """Let a process end between its commit and its notice."""
    done = processes.run(str(HERE / "put_and_die.py"), backend.url, name, cwd=HERE.parent.parent)
    assert done.returncode == 9, done.stderr
    assert is_notice_owed(backend)


@pytest.mark.parametrize("by", ["the next write", "a sync", "the scheduler"])
def test_a_notice_that_a_crash_left_is_sent_by(by: str, backend: Backend, store: Store, tmp_path: Path) -> None:
    crash(backend, "a")
    assert rows(backend) == ["a"]
    before = stamp(backend)
    if by == "the next write":
        reports(backend, "others").put("b", **HOURLY)
    elif by == "a sync":
        sync(directory(tmp_path / "files", c=HOURLY), store, SyncOptions())
    else:
        with application() as app, routed_to(backend.alias):
            beat = schedulers.DatabaseScheduler(app=app)
            beat._last_timestamp = before  # type: ignore[assignment]  # as before the first notice
            assert beat.schedule_changed() or before is None
            assert not beat.schedule_changed()
    assert not is_notice_owed(backend)
    assert stamp(backend) != before


@pytest.mark.timeout(240)
def test_eight_processes_put_one_name(backend: Backend) -> None:
    times = 6
    scripts = [
        subprocess.Popen(
            [sys.executable, str(HERE / "put_again.py"), backend.url, str(number), str(times)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HERE.parent.parent,
            env={**os.environ, "PYTHONPATH": str(HERE.parent.parent)},
        )
        for number in range(8)
    ]  # fmt: skip
    try:
        for script in scripts:
            assert script.stdout is not None
            assert script.stdout.readline() == "ready\n"
        for script in scripts:
            assert script.stdin is not None
            script.stdin.write("go\n")
            script.stdin.flush()
        errors = [error for script in scripts if (error := script.communicate(timeout=120)[1])]
    finally:
        for script in scripts:
            script.kill()
            script.wait()
    assert not errors
    (task,) = PeriodicTask.objects.using(backend.alias).all()
    (entry,) = InventoryEntry.objects.using(backend.alias).all()
    assert (entry.name, entry.row_id) == ("the-name", task.pk)
    assert not is_notice_owed(backend)
    assert SyncRecord.objects.using(backend.alias).count() == 8 * times
