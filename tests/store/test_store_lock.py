"""Two BeatSyncs on one source take turns, on every database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections, transaction

from beatsync.store import Failure, LockHeld, Store, StoreError
from tests.store.storing import NO_CHANGES, NOW, create, plan, record, scalar
from tests.store.test_store_apply import hourly


@contextmanager
def held_elsewhere(store: Store, source: str, holder: str) -> Iterator[Callable[[], None]]:
    """Hold the lock in another thread, with a connection of its own, until the block ends or the yielded is called."""
    taken, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with store.locked(source, 5, holder):
                taken.set()
                let_go.wait(30)
        finally:
            taken.set()
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(30)

    def release() -> None:
        let_go.set()
        thread.join(30)

    try:
        yield release
    finally:
        release()


def take(store: Store, wait: float | None, source: str = "shop") -> None:
    with store.locked(source, wait, "me"):
        pass


def test_a_lock_that_is_held_says_by_whom_and_at_once(store: Store) -> None:
    with held_elsewhere(store, "shop", "alice@web-1 pid 7"):
        begun = time.monotonic()
        with pytest.raises(LockHeld, match=r"alice@web-1 pid 7 holds the lock of source 'shop' since ") as caught:
            take(store, 0)
        assert time.monotonic() - begun < 2
    assert caught.value.holder == "alice@web-1 pid 7"
    assert caught.value.since is not None


def test_waiting_ends_when_the_time_is_over(store: Store) -> None:
    with held_elsewhere(store, "shop", "alice"):
        begun = time.monotonic()
        with pytest.raises(LockHeld, match="alice"):
            take(store, 1.2)
        assert 0.9 < time.monotonic() - begun < 6


@pytest.mark.parametrize("wait", [30.0, None])
def test_the_second_comes_in_when_the_first_has_gone(store: Store, wait: float | None) -> None:
    with held_elsewhere(store, "shop", "alice") as release:
        timer = threading.Timer(0.3, release)
        timer.start()
        take(store, wait)
        timer.join()
    assert scalar(store, "SELECT holder FROM beatsync_source") == "me"


def test_a_long_wait_comes_back_to_python_every_second(store: Store) -> None:
    """A driver written in C does not see Ctrl-C while it waits, and a lock may be held for hours."""
    statements: list[str] = []

    def noted(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    wrapped = connections[store.alias].execute_wrapper(noted)
    with held_elsewhere(store, "shop", "alice"), wrapped, pytest.raises(LockHeld):
        take(store, 3.2)
    assert len([sql for sql in statements if "FOR " in sql or "SET name = name" in sql]) > 1


def test_ctrl_c_while_the_driver_waits_for_an_answer_ends_the_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyMySQL rolls back after the statement that still waits, so that statement has to end before the lock is free."""
    if connections[store.alias].vendor != "mysql":
        pytest.skip("for PyMySQL")
    from pymysql.connections import Connection

    send, done = Connection._execute_command, threading.Event()
    ended: list[BaseException] = []

    def interrupted(self: Any, command: int, sql: Any) -> None:
        send(self, command, sql)
        if "FOR UPDATE" in str(sql) and threading.current_thread() is thread:
            raise KeyboardInterrupt

    def wait() -> None:
        try:
            take(store, None)
        except BaseException as error:  # noqa: BLE001  it is looked at below
            ended.append(error)
        finally:
            connections.close_all()
            done.set()

    take(store, 0)
    thread = threading.Thread(target=wait, daemon=True)
    monkeypatch.setattr(Connection, "_execute_command", interrupted)
    with held_elsewhere(store, "shop", "alice"):
        thread.start()
        assert done.wait(15)
    assert [type(error) for error in ended] == [KeyboardInterrupt]


def test_another_source_does_not_wait(store: Store) -> None:
    if connections[store.alias].vendor == "sqlite":
        pytest.skip("SQLite has one lock for the whole file")
    take(store, 0)
    with held_elsewhere(store, "theirs", "alice"):
        take(store, 0)


def test_limits_of_the_connection_are_as_before(store: Store) -> None:
    limit = {
        "sqlite": "PRAGMA busy_timeout",
        "postgresql": "SHOW lock_timeout",
        "mysql": "SELECT @@SESSION.innodb_lock_wait_timeout",
    }[connections[store.alias].vendor]
    before = scalar(store, limit)
    with store.locked("shop", 7, "me"):
        pass
    assert scalar(store, limit) == before
    with pytest.raises(StoreError), store.locked("shop", 7, "me"):
        raise StoreError("a statement failed")
    assert scalar(store, limit) == before
    with held_elsewhere(store, "shop", "alice"), pytest.raises(LockHeld):
        take(store, 0)
    assert scalar(store, limit) == before


def test_what_is_read_under_the_lock_is_what_the_one_before_committed(store: Store) -> None:
    """A transaction that looked before it had the lock would see old rows, or fail on SQLite."""
    store.observe("shop")

    def first() -> None:
        with store.locked("shop", 5, "alice"):
            store.apply(plan(create(hourly()), records=[record(hourly())]), store.observe("shop"), NO_CHANGES, NOW)
            taken.set()
            go_on.wait(30)
        connections.close_all()

    taken, go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    assert taken.wait(30)
    threading.Timer(0.2, go_on.set).start()
    with store.locked("shop", 30, "me"):
        assert set(store.observe("shop").rows) == {"hourly"}
    thread.join(30)


def test_a_failure_is_not_waited_for_while_a_sync_is_at_work(store: Store) -> None:
    take(store, 0)
    with held_elsewhere(store, "shop", "alice"):
        assert not store.record_failure("shop", Failure("blocked", "the lock is held", NOW))
    assert store.history("shop", 5) == ()


def test_inside_a_transaction_of_the_caller(store: Store) -> None:
    """As in a project's own tests, where each one is a transaction."""

    class Undo(Exception):  # noqa: N818
        pass

    def sync() -> None:
        with transaction.atomic(using=store.alias):
            with store.locked("shop", 0, "me"):
                store.apply(plan(create(hourly()), records=[record(hourly())]), store.observe("shop"), NO_CHANGES, NOW)
            assert set(store.observe("shop").inventory) == {"hourly"}
            raise Undo

    with pytest.raises(Undo):
        sync()
    assert store.observe("shop").inventory == {}
