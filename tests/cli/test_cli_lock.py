"""Two commands on the same source: the second waits, reports the holder of the lock, or is interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beatsync.store import Store
from tests.cli.commanding import ROOT, InProcess, lock_held, tables
from tests.conftest import Backend
from tests.processes import wait_until

pytestmark = pytest.mark.lab
BEFORE = "schedules:\n  nightly: {task: shop.bill, interval: 1h}\n"
AFTER = "schedules:\n  nightly: {task: shop.bill, interval: 2h}\n"


@pytest.fixture
def synced(here: InProcess, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """A source whose files changed since its first sync."""
    monkeypatch.setenv("BEATSYNC_DATABASE_URL", backend.url)
    here.spec(BEFORE)
    assert here("sync").code == 0
    here.spec(AFTER)
    return here


@contextlib.contextmanager
def waiting(here: InProcess) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a sync that waits for the lock; its standard error goes to a file."""
    log = here.path / "stderr.log"
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "beatsync", "sync", "--verbose"],
            cwd=here.path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            # After it has reported the time of the comparison, it waits for the lock.
            wait_until(lambda: b"comparing with the database" in log.read_bytes(), 30, log.read_text)
            yield process, log
        finally:
            process.kill()


@pytest.mark.parametrize("flags", [["--no-wait"], ["--lock-timeout", "1s"]], ids=lambda flags: flags[0])
def test_a_held_lock_exits_with_4_and_names_the_holder(synced: InProcess, backend: Backend, flags: list[str]) -> None:
    before = tables(backend.alias)
    with lock_held(backend.url, "default", "alice@web-1 (process 7)"):
        result = synced("sync", *flags)
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("error: alice@web-1 (process 7) holds the lock of source 'default' since 20")
    after = tables(backend.alias)
    # Only the name of the lock holder, Alice, is different.
    del before["beatsync_source"], after["beatsync_source"]
    assert after == before


def test_a_plan_does_not_wait_for_the_lock(synced: InProcess, backend: Backend) -> None:
    with lock_held(backend.url, "default", "alice"):
        result = synced("plan", "--detailed-exitcode")
    assert result.code == 2
    assert "~ nightly" in result.out


def test_the_lock_of_another_source_does_not_block(synced: InProcess, backend: Backend) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has one lock for the whole file")
    synced.spec("schedules:\n  other: {task: t, interval: 1h}\n", "other/a.yaml")
    with lock_held(backend.url, "default", "alice"):
        result = synced("sync", "other", "--source", "second", "--no-wait")
    assert result.code == 0, result


def test_ctrl_c_ends_the_wait_with_130_and_writes_nothing(synced: InProcess, backend: Backend, store: Store) -> None:
    with lock_held(backend.url, "default", "alice"):
        before = tables(backend.alias)
        with waiting(synced) as (process, log):
            process.send_signal(signal.SIGINT)
            # Alice still holds the lock, and the waiting command ends all the same.
            out, _ = process.communicate(timeout=30)
        log_text = log.read_text(encoding="utf-8")
        assert (process.returncode, out) == (130, ""), log_text
        assert "error: interrupted; changes that were not committed are rolled back\n" in log_text
        assert "Traceback" not in log_text
        assert tables(backend.alias) == before
    assert tables(backend.alias) == before
    assert store.observe("default").rows["nightly"].spec.fields()["interval"] == "1h"
    assert synced("sync").out.endswith("\n1 updated, 0 unchanged.\n")


def test_the_second_command_continues_after_the_lock_is_released(synced: InProcess, backend: Backend) -> None:
    with contextlib.ExitStack() as stack:
        with lock_held(backend.url, "default", "alice"):
            process, log = stack.enter_context(waiting(synced))
            assert process.poll() is None
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, log.read_text(encoding="utf-8")
    assert out.endswith("\n1 updated, 0 unchanged.\n")
