"""Two commands on one source: the second waits, or says who holds the lock, or is called off."""

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
from tests.cli.commanding import ROOT, Here, lock_held, tables
from tests.conftest import Backend
from tests.processes import wait_until

BEFORE = "schedules:\n  nightly: {task: shop.bill, interval: 1h}\n"
AFTER = "schedules:\n  nightly: {task: shop.bill, interval: 2h}\n"


@pytest.fixture
def synced(here: Here, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Here:
    """A source that was synced once and whose files have changed since."""
    monkeypatch.setenv("BEATSYNC_DATABASE_URL", backend.url)
    here.spec(BEFORE)
    assert here("sync").code == 0
    here.spec(AFTER)
    return here


@contextlib.contextmanager
def waiting(here: Here) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a sync that waits for the lock, with what it says on standard error in a file."""
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
            # Once it has said how long comparing took, it is at the lock.
            wait_until(lambda: b"comparing with the database" in log.read_bytes(), 30, log.read_text)
            yield process, log
        finally:
            process.kill()


@pytest.mark.parametrize("flags", [["--no-wait"], ["--lock-timeout", "1s"]], ids=lambda flags: flags[0])
def test_a_lock_that_is_held_exits_with_4_and_names_the_holder(
    synced: Here, backend: Backend, flags: list[str]
) -> None:
    before = tables(backend.alias)
    with lock_held(backend.url, "default", "alice@web-1 (process 7)"):
        answer = synced("sync", *flags)
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith("error: alice@web-1 (process 7) holds the lock of source 'default' since 20")
    after = tables(backend.alias)
    # Alice wrote her name down; nothing else is different.
    del before["beatsync_source"], after["beatsync_source"]
    assert after == before


def test_a_plan_waits_for_nobody(synced: Here, backend: Backend) -> None:
    with lock_held(backend.url, "default", "alice"):
        answer = synced("plan", "--detailed-exitcode")
    assert answer.code == 2
    assert "~ nightly" in answer.out


def test_another_source_is_not_in_the_way(synced: Here, backend: Backend) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has one lock for the whole file")
    synced.spec("schedules:\n  other: {task: t, interval: 1h}\n", "other/a.yaml")
    with lock_held(backend.url, "default", "alice"):
        answer = synced("sync", "other", "--source", "second", "--no-wait")
    assert answer.code == 0, answer


def test_ctrl_c_ends_a_wait_with_130_and_nothing_is_written(synced: Here, backend: Backend, store: Store) -> None:
    with lock_held(backend.url, "default", "alice"):
        before = tables(backend.alias)
        with waiting(synced) as (process, log):
            process.send_signal(signal.SIGINT)
            # Alice is still at work: the one who waits goes all the same.
            out, _ = process.communicate(timeout=30)
        said = log.read_text(encoding="utf-8")
        assert (process.returncode, out) == (130, ""), said
        assert "error: interrupted; changes that were not committed are rolled back\n" in said
        assert "Traceback" not in said
        assert tables(backend.alias) == before
    assert tables(backend.alias) == before
    assert store.observe("default").rows["nightly"].spec.fields()["interval"] == "1h"
    assert synced("sync").out.endswith("\n1 updated, 0 unchanged.\n")


def test_the_second_goes_on_when_the_first_has_let_go(synced: Here, backend: Backend) -> None:
    with contextlib.ExitStack() as stack:
        with lock_held(backend.url, "default", "alice"):
            process, log = stack.enter_context(waiting(synced))
            assert process.poll() is None
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, log.read_text(encoding="utf-8")
    assert out.endswith("\n1 updated, 0 unchanged.\n")
