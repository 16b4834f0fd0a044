from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections

from beatsync.plan.model import Plan
from beatsync.plan.observed import Suspension
from beatsync.store import Failure, LeaseLost, Store
from beatsync.values import Actor
from tests.builders import spec
from tests.processes import until
from tests.store.storing import NO_CHANGES, NOW, REVISION, SOURCE, apply, create_all, scalar

LONG = 30


def test_one_leads_and_renews_and_the_others_do_not(store: Store) -> None:
    assert store.leader(SOURCE) is None
    assert store.acquire_lease(SOURCE, "first", "a", LONG)
    assert not store.acquire_lease(SOURCE, "second", "b", LONG)
    held = store.leader(SOURCE)
    assert held is not None
    assert (held.holder, held.token) == ("first", "a")
    assert 0 < held.seconds <= LONG
    assert store.acquire_lease(SOURCE, "first", "a", 2 * LONG)
    renewed = store.leader(SOURCE)
    assert renewed is not None
    assert renewed.seconds > LONG


def test_each_source_has_a_leader_of_its_own(store: Store) -> None:
    assert store.acquire_lease(SOURCE, "first", "a", LONG)
    assert store.acquire_lease("other", "second", "b", LONG)


def test_a_lease_that_ran_out_goes_to_who_asks(store: Store) -> None:
    assert store.acquire_lease(SOURCE, "first", "a", 1)
    until(lambda: store.acquire_lease(SOURCE, "second", "b", LONG))
    assert not store.acquire_lease(SOURCE, "first", "a", LONG)


def test_a_lease_that_is_given_back_is_free_at_once(store: Store) -> None:
    store.acquire_lease(SOURCE, "first", "a", LONG)
    store.release_lease(SOURCE, "b")
    assert store.leader(SOURCE) is not None
    store.release_lease(SOURCE, "a")
    assert store.leader(SOURCE) is None
    assert store.acquire_lease(SOURCE, "second", "b", LONG)


def test_of_many_who_ask_at_once_one_leads(store: Store) -> None:
    won: list[str] = []
    ready = threading.Barrier(8)

    def ask(token: str) -> None:
        ready.wait()
        if store.acquire_lease(SOURCE, token, token, LONG):
            won.append(token)
        store.close()

    threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


class TestFence:
    def test_the_leader_writes(self, store: Store) -> None:
        store.acquire_lease(SOURCE, "first", "a", LONG)
        with store.locked(SOURCE, 0, "first", "a"):
            store.apply(Plan(SOURCE, REVISION), store.observe(SOURCE), NO_CHANGES, NOW)
        assert store.sources()[0].revision == REVISION

    @pytest.mark.parametrize("other", [True, False], ids=["another leads", "no leader"])
    def test_who_leads_no_longer_writes_nothing(self, store: Store, other: bool) -> None:
        if other:
            store.acquire_lease(SOURCE, "second", "b", LONG)
        with (
            pytest.raises(LeaseLost, match="second leads it" if other else "no longer$"),
            store.locked(SOURCE, 0, "x", "a"),
        ):
            pytest.fail("it got in")

    def test_nor_does_it_say_how_things_stand(self, store: Store) -> None:
        create_all(store, spec("nightly"))
        store.acquire_lease(SOURCE, "second", "b", LONG)
        assert not store.record_failure(SOURCE, Failure("blocked", "because", NOW), "a")
        assert (store.sources()[0].outcome, store.sources()[0].revision) == ("applied", REVISION)

    def test_what_needs_no_lease_asks_for_none(self, store: Store) -> None:
        store.acquire_lease(SOURCE, "first", "a", LONG)
        create_all(store, spec("nightly"))

    def test_a_leader_that_stands_still_in_the_middle_loses_its_transaction(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = connections[store.alias]
        if connection.vendor == "sqlite":
            pytest.skip("SQLite's lock belongs to a process of this host, and goes with it")
        monkeypatch.setattr("beatsync.store.lease.IDLE_SECONDS", 1)
        frozen = threading.Event()
        go_on = threading.Event()
        outcome: list[BaseException | None] = []

        def stand_still() -> None:
            try:
                with store.locked(SOURCE, 5, "first", "a"):
                    frozen.set()
                    go_on.wait(20)
                    store.apply(Plan(SOURCE, REVISION), store.observe(SOURCE), NO_CHANGES, NOW)
            except Exception as error:  # noqa: BLE001  which one is the driver's word
                outcome.append(error)
            else:
                outcome.append(None)
            store.close()

        store.acquire_lease(SOURCE, "first", "a", LONG)
        thread = threading.Thread(target=stand_still)
        thread.start()
        assert frozen.wait(20)
        with store.locked(SOURCE, 15, "second"):
            pass
        go_on.set()
        thread.join()
        assert outcome[0] is not None
        assert store.sources()[0].revision is None


class TestSuspension:
    def test_it_is_kept_and_taken_away(self, store: Store) -> None:
        suspension = Suspension("ann@host", "release; don't touch ü", NOW, NOW + timedelta(hours=2))
        store.suspend(SOURCE, suspension, Actor("ann"), NOW)
        assert store.observe(SOURCE).suspension == suspension
        assert store.sources()[0].suspension == suspension
        store.suspend(SOURCE, None, Actor("ann"), NOW)
        assert store.observe(SOURCE).suspension is None

    def test_it_survives_a_sync_that_did_not_know_of_it(self, store: Store) -> None:
        store.suspend(SOURCE, Suspension("ann", "x", NOW), Actor("ann"), NOW)
        apply(store, Plan(SOURCE, REVISION))
        assert store.observe(SOURCE).suspension == Suspension("ann", "x", NOW)

    def test_for_how_long_it_holds(self) -> None:
        assert Suspension("ann", "x").holds(NOW)
        assert Suspension("ann", "x", None, NOW + timedelta(seconds=1)).holds(NOW)
        assert not Suspension("ann", "x", None, NOW).holds(NOW)


def test_a_connection_whose_server_left_is_closed(store: Store) -> None:
    connection = connections[store.alias]
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no server")
    is_postgresql = connection.vendor == "postgresql"
    ours = int(scalar(store, "SELECT pg_backend_pid()" if is_postgresql else "SELECT CONNECTION_ID()"))
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend({ours})" if is_postgresql else f"KILL {ours}")
    other.close()
    store.refresh()
    assert store.sources() == ()
