"""The database is restarted, stopped or out of connections: the daemon stays up, reports it, and continues as soon as possible."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connections

from beatsync.store import Store
from tests.conftest import Backend, add_alias
from tests.daemon.daemons import Daemon, daemon, write
from tests.lab.postgres import CONNECTIONS, Postgres, postgres
from tests.lab.swaps import ROWS
from tests.lab.test_lab_leaders import writing
from tests.lab.witness import witness
from tests.processes import until, wait_until

ALIAS = "private"
pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]
Record = Callable[[str, object], None]


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres() as cluster:
        add_alias(ALIAS, cluster.url)
        Store(ALIAS).migrate(with_beat=True)
        yield cluster
        connections[ALIAS].close()


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True)


def check_available(running: Daemon) -> None:
    """Check that the daemon is up and reports the failure; the last sync is still in effect."""
    running.until_phase("failed", 60)
    assert running.get("/-/healthy")[0] == 200
    assert running.get("/-/ready")[0] == 200
    assert "beatsync_consecutive_failures" in running.get("/metrics")[1]


@pytest.mark.parametrize("crashes", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_the_database_restarts_under_load(
    server: Postgres, tmp_path: Path, crashes: int, record_property: Record
) -> None:
    folder, took = tmp_path / "specs", []
    with witness(Backend("postgresql", ALIAS, server.url)) as seen, writing(folder) as writer:
        with daemon(folder, server.url, tmp_path) as running:
            running.until_ready()
            for _ in range(crashes):
                count = len(seen.syncs())
                until(lambda then=count: len(seen.syncs()) > then, what=lambda: running.log)  # type: ignore[misc]
                count = len(seen.syncs())
                connections[ALIAS].close()
                server.stop()
                server.start()
                started = time.monotonic()
                until(lambda then=count: len(seen.syncs()) > then, 60, lambda: running.log)  # type: ignore[misc]
                took.append(time.monotonic() - started)
            writer.rest()
            until(lambda: seen.live() == {writer.revision: ROWS}, what=lambda: (seen.live(), running.log))
            assert running.until_phase("synced")["failures"] == 0
            assert running.end() == 0
            assert "Traceback" not in running.log
        assert [state for state in seen.states() if list(state[1].values()) != [ROWS] or state[2]] == []
        assert seen.revisions() == sorted(set(seen.revisions()))
    record_property(
        "measured", f"{crashes} crashes; from the server's restart to the next sync at most {max(took):.1f} s"
    )


@pytest.mark.slow
def test_the_database_is_down_for_a_minute(server: Postgres, tmp_path: Path, record_property: Record) -> None:
    folder = tmp_path / "specs"
    write(folder, "first")
    with daemon(folder, server.url, tmp_path) as running:
        running.until_ready()
        connections[ALIAS].close()
        server.stop("fast")
        stopped_at = time.monotonic()
        check_available(running)
        noticed = time.monotonic() - stopped_at
        write(folder, "first", "second")
        while time.monotonic() - stopped_at < 65:
            assert running.get("/-/healthy")[0] == 200
            assert running.status()["phase"] == "failed"
            time.sleep(1)
        server.start()
        started_at = time.monotonic()
        until(lambda: set(Store(ALIAS).observe("default").rows) == {"first", "second"}, 60, lambda: running.log)
        record_property(
            "measured",
            f"reported after {noticed:.1f} s, repaired {time.monotonic() - started_at:.1f} s after the restart",
        )
        assert running.until_phase("synced")["failures"] == 0
        assert running.end() == 0


def test_the_database_is_out_of_connections(server: Postgres, tmp_path: Path, record_property: Record) -> None:
    folder = tmp_path / "specs"
    write(folder, "first")
    with daemon(folder, server.url, tmp_path) as running:
        running.until_ready()
        with ExitStack() as hogs:
            session = hogs.enter_context(_connect(server.url))
            until(
                lambda: running.status()["phase"] == "failed" or _crowd(hogs, session, server.url),
                60,
                lambda: running.log,
            )
            write(folder, "first", "second")
            check_available(running)
            assert "connection" in running.status()["message"]
        started = time.monotonic()
        connections[ALIAS].close()  # our connection was terminated too
        until(lambda: set(Store(ALIAS).observe("default").rows) == {"first", "second"}, 60, lambda: running.log)
        record_property(
            "measured", f"repaired {time.monotonic() - started:.1f} s after connections were available again"
        )
        assert running.until_phase("synced")["failures"] == 0


def _crowd(hogs: ExitStack, session: psycopg.Connection[tuple[object, ...]], url: str) -> bool:
    """Terminate all other connections and occupy every free one."""
    with suppress(psycopg.OperationalError):
        for _ in range(CONNECTIONS):
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND application_name <> 'hog' AND pid <> pg_backend_pid()"
            )
            hogs.enter_context(_connect(f"{url}?application_name=hog"))
    return False


def test_a_standby_is_promoted(server: Postgres, tmp_path: Path, record_property: Record) -> None:
    folder, store = tmp_path / "specs", Store(ALIAS)
    write(folder, "first")
    with daemon(folder, server.url, tmp_path, "--resync", "1s") as running:
        running.until_phase("synced")
        server.become_standby()
        write(folder, "first", "second")
        until(lambda: running.status()["failures"] >= 3, what=lambda: running.log)
        assert "read-only transaction" in running.log
        connections[ALIAS].close()
        server.promote()
        seconds = wait_until(
            lambda: set(store.observe("default").rows) == {"first", "second"}, 10.0, lambda: running.log
        )
        record_property("measured", f"{seconds:.1f} s")
        running.until_phase("synced")
        assert "Traceback" not in running.log
