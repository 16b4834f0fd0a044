"""From a commit to the worker: `beatsync run`, a real celery beat and a real worker, without a restart."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from tests.e2e.shop import Shop
from tests.processes import running, until, wait_until

LIVE = 16.0
"""Seconds from a commit to the worker: the quiet period, the sync, and beat's check every five seconds (docs/facts.md, 21)."""


def git(shop: Shop, *words: str) -> str:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@shop.example", "-c", "commit.gpgsign=false"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(["git", *who, *words], cwd=shop.specs, env=clean, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(shop: Shop, text: str) -> str:
    shop.spec(text)
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "change")
    return git(shop, "rev-parse", "HEAD")


@pytest.mark.timeout(240)
def test_a_commit_reaches_the_worker(shop: Shop, record_property: Callable[[str, object], None]) -> None:
    shop.specs.mkdir()
    git(shop, "init", "--quiet")
    first = commit(shop, 'schedules:\n  tick: {task: proj.note, interval: 1s, args: ["first"]}\n')
    log = shop.path / "daemon.log"
    with running(["-m", "beatsync", "run", "--listen", "none"], log, cwd=shop.path, env=shop.env) as daemon:
        wait_until(lambda: shop.ran("first") >= 1, 30, shop.logs)
        assert shop.status()["revision"]["git"] == first

        second = commit(shop, 'schedules:\n  tick: {task: proj.note, interval: 1s, args: ["second"]}\n')
        took = [wait_until(lambda: shop.ran("second") >= 1, LIVE, shop.logs)]
        until(lambda: shop.status()["revision"]["git"] == second, 10, shop.logs)

        commit(shop, "schedules: {x: {task: proj.note, crontab: every day}}\n")
        until(lambda: shop.status()["outcome"] == "invalid", 30, shop.logs)
        ran = shop.ran("second")
        wait_until(lambda: shop.ran("second") > ran + 2, 15, shop.logs)

        commit(shop, 'schedules:\n  tick: {task: proj.note, interval: 1s, args: ["third"]}\n')
        took.append(wait_until(lambda: shop.ran("third") >= 1, LIVE, shop.logs))
        record_property(
            "measured", f"from the commit to the worker: {' and '.join(f'{seconds:.1f} s' for seconds in took)}"
        )
        assert daemon.poll() is None
    assert daemon.returncode == 0
