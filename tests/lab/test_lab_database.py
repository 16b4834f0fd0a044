"""A database that is restarted, goes, or is full: the daemon stays up, says so, and goes on by itself as soon as it can."""

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
from tests.processes import until

ALIAS = "private"
pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]
Say = Callable[[str, object], None]


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres() as one:
        add_alias(ALIAS, one.url)
        Store(ALIAS).migrate(with_beat=True)
        yield one
        connections[ALIAS].close()


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True)


def holds_out(one: Daemon) -> None:
    """Hold that the daemon is up and says what is the matter; what was synced before is still good."""
    one.until_phase("failed", 60)
    assert one.get("/-/healthy")[0] == 200
    assert one.get("/-/ready")[0] == 200
    assert "beatsync_consecutive_failures" in one.get("/metrics")[1]


@pytest.mark.parametrize("crashes", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_restarted_under_load(server: Postgres, tmp_path: Path, crashes: int, record_property: Say) -> None:
    folder, took = tmp_path / "specs", []
    with witness(Backend("postgresql", ALIAS, server.url)) as seen, writing(folder) as writer:
        with daemon(folder, server.url, tmp_path) as one:
            one.until_ready()
            for _ in range(crashes):
                count = len(seen.syncs())
                until(lambda then=count: len(seen.syncs()) > then, what=lambda: one.log)  # type: ignore[misc]
                count = len(seen.syncs())
                connections[ALIAS].close()
                server.stop()
                server.start()
                begun = time.monotonic()
                until(lambda then=count: len(seen.syncs()) > then, 60, lambda: one.log)  # type: ignore[misc]
                took.append(time.monotonic() - begun)
            writer.rest()
            until(lambda: seen.live() == {writer.revision: ROWS}, what=lambda: (seen.live(), one.log))
            assert one.until_phase("synced")["failures"] == 0
            assert one.end() == 0
            assert "Traceback" not in one.log
        assert [state for state in seen.states() if list(state[1].values()) != [ROWS] or state[2]] == []
        assert seen.revisions() == sorted(set(seen.revisions()))
    record_property(
        "measured", f"{crashes} crashes; from the server's return to the next sync at most {max(took):.1f} s"
    )


@pytest.mark.slow
def test_gone_for_a_minute(server: Postgres, tmp_path: Path, record_property: Say) -> None:
    folder = tmp_path / "specs"
    write(folder, "first")
    with daemon(folder, server.url, tmp_path) as one:
        one.until_ready()
        connections[ALIAS].close()
        server.stop("fast")
        gone = time.monotonic()
        holds_out(one)
        noticed = time.monotonic() - gone
        write(folder, "second")
        while time.monotonic() - gone < 65:
            assert one.get("/-/healthy")[0] == 200
            assert one.status()["phase"] == "failed"
            time.sleep(1)
        server.start()
        back = time.monotonic()
        until(lambda: set(Store(ALIAS).observe("default").rows) == {"second"}, 60, lambda: one.log)
        record_property(
            "measured", f"told of after {noticed:.1f} s, made good {time.monotonic() - back:.1f} s after its return"
        )
        assert one.until_phase("synced")["failures"] == 0
        assert one.end() == 0


def test_out_of_connections(server: Postgres, tmp_path: Path, record_property: Say) -> None:
    folder = tmp_path / "specs"
    write(folder, "first")
    with daemon(folder, server.url, tmp_path) as one:
        one.until_ready()
        with ExitStack() as hogs:
            ours = hogs.enter_context(_connect(server.url))
            until(lambda: one.status()["phase"] == "failed" or _crowd(hogs, ours, server.url), 60, lambda: one.log)
            write(folder, "second")
            holds_out(one)
            assert "connection" in one.status()["message"]
        begun = time.monotonic()
        connections[ALIAS].close()  # ours was thrown out with everybody's
        until(lambda: set(Store(ALIAS).observe("default").rows) == {"second"}, 60, lambda: one.log)
        record_property("measured", f"made good {time.monotonic() - begun:.1f} s after there was room again")
        assert one.until_phase("synced")["failures"] == 0


def _crowd(hogs: ExitStack, ours: psycopg.Connection[tuple[object, ...]], url: str) -> bool:
    """Throw everybody else out and take all places that are left."""
    with suppress(psycopg.OperationalError):
        for _ in range(CONNECTIONS):
            ours.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND application_name <> 'hog' AND pid <> pg_backend_pid()"
            )
            hogs.enter_context(_connect(f"{url}?application_name=hog"))
    return False
