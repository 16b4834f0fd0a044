"""Two daemons on one source: whatever happens to the leader, only one of them writes at a time, and nothing is lost."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

import pytest
from django.db import connections

from tests.conftest import Backend
from tests.daemon.daemons import Daemon, daemon
from tests.lab.swaps import ROWS, text
from tests.lab.witness import Witness, witness
from tests.processes import until
from tests.proxies import Proxy

TAKEOVER = 35.0
_WAITING = {
    "postgresql": "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mariadb": "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
    " ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'",
}


class Writer:
    """Publishes revisions at short intervals until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.revision = 0
        self._folder = folder
        self._folder.mkdir()
        self._resting = threading.Event()
        self.publish()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def publish(self) -> None:
        self.revision += 1
        (self._folder / ".new").write_bytes(text("a.yaml", self.revision, ROWS))
        (self._folder / ".new").replace(self._folder / "a.yaml")

    def rest(self) -> None:
        self._resting.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._resting.wait(0.7):
            self.publish()


def kill(leader: Daemon, _: Backend, __: Proxy) -> None:
    leader.process.send_signal(signal.SIGKILL)


def freeze(leader: Daemon, _: Backend, __: Proxy) -> None:
    leader.process.send_signal(signal.SIGSTOP)


def freeze_while_it_writes(leader: Daemon, backend: Backend, _: Proxy) -> None:
    """Lock the row that a sync writes last, and freeze the leader while it waits for it, in the middle of its transaction."""
    session, seen = connections[backend.alias].copy(), Witness(backend)

    def is_waited_for() -> bool:
        # MariaDB refreshes this table only if it was not read for 0.1 s.
        time.sleep(0.2)
        return bool(seen.rows(_WAITING[backend.name])[0][0])

    session.set_autocommit(False)
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT last_update FROM django_celery_beat_periodictasks FOR UPDATE")
            cursor.fetchall()
            until(is_waited_for, what=lambda: leader.log)
        leader.process.send_signal(signal.SIGSTOP)
    finally:
        session.rollback()
        session.close()


def cut_off(_: Daemon, __: Backend, network: Proxy) -> None:
    """Let the network swallow whatever the leader and its database say to each other."""
    network.silence()


@contextmanager
def network_to(url: str) -> Iterator[tuple[Proxy, str]]:
    """A network that can be cut, and the URL of a database through it."""
    proxy, through = Proxy.before(url)
    try:
        yield proxy, through
    finally:
        proxy.cut()


@contextmanager
def writing(folder: Path) -> Iterator[Writer]:
    writer = Writer(folder)
    try:
        yield writer
    finally:
        writer.rest()


@pytest.mark.lab
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("backend", "harm"),
    [
        # Each test waits until a lease expires.
        ("postgresql", freeze_while_it_writes),
        ("mariadb", kill),
        pytest.param("postgresql", kill, marks=pytest.mark.slow),
        pytest.param("postgresql", freeze, marks=pytest.mark.slow),
        pytest.param("mariadb", freeze, marks=pytest.mark.slow),
        pytest.param("mariadb", freeze_while_it_writes, marks=pytest.mark.slow),
        pytest.param("postgresql", cut_off, marks=pytest.mark.slow),
        pytest.param("mariadb", cut_off, marks=pytest.mark.slow),
    ],
    indirect=["backend"],
)
def test_a_leader_is_replaced_and_writes_nothing_afterwards(
    backend: Backend,
    tmp_path: Path,
    harm: Callable[[Daemon, Backend, Proxy], None],
    record_property: Callable[[str, object], None],
) -> None:
    folder = tmp_path / "specs"
    with witness(backend) as seen, ExitStack() as stack:
        writer = stack.enter_context(writing(folder))
        network, through = stack.enter_context(network_to(backend.url))
        leader = stack.enter_context(daemon(folder, through, tmp_path))
        leader.until_phase("synced")
        follower = stack.enter_context(daemon(folder, backend.url, tmp_path))
        status = follower.until_phase("standing by")
        assert str(leader.process.pid) in status["leader"]
        until(lambda: len(seen.syncs()) > 2, what=lambda: leader.log)

        harm(leader, backend, network)
        started, before = time.monotonic(), {sync.actor for sync in seen.syncs()}
        until(lambda: {sync.actor for sync in seen.syncs()} > before, TAKEOVER, lambda: follower.log)
        record_property("measured", f"new leader within {time.monotonic() - started:.1f} s")
        assert str(follower.process.pid) in seen.syncs()[-1].actor

        if harm is not kill:
            leader.process.send_signal(signal.SIGCONT)
            network.restore()
            network.drop()
            leader.until_phase("standing by")
            assert leader.get("/-/sync", "POST")[0] == 202
            assert leader.get("/-/healthy")[0] == 200
            count = len(seen.syncs())
            until(lambda: len(seen.syncs()) > count + 2, what=lambda: follower.log)
            assert leader.status()["phase"] == "standing by"
        writer.rest()
        until(lambda: seen.live() == {writer.revision: ROWS}, what=lambda: (seen.live(), follower.log))

        syncs, revisions = seen.syncs(), seen.revisions()
        assert [sync for sync in syncs if sync.leader != sync.actor] == []
        assert len(list(groupby(sync.actor for sync in syncs))) == 2
        assert revisions == sorted(set(revisions))
        if backend.name == "postgresql":
            assert [state for state in seen.states() if set(state[1].values()) != {ROWS} or state[2]] == []
        assert "Traceback" not in leader.log + follower.log
