from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.conftest import REDIS_URL, missing_service
from tests.e2e.shop import PROJECT, Shop
from tests.processes import run, running, wait_until


@pytest.fixture
def redis_url() -> str:
    """The URL of a running Redis; each test uses its own key prefix."""
    try:
        redis.Redis.from_url(REDIS_URL).ping()
    except redis.RedisError as error:
        missing_service("redis", error)
    return REDIS_URL


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Iterator[Shop]:
    path = tmp_path / "shop"
    shutil.copytree(PROJECT, path)
    shop = Shop(path, redis_url)
    migrated = run("manage.py", "migrate", "--verbosity=0", cwd=path, env=shop.env)
    assert migrated.returncode == 0, migrated.stderr
    celery = ["-m", "celery", "-A", "proj"]
    with ExitStack() as stack:
        for name, arguments in {
            "beat": ["beat", "-S", "django", "-l", "INFO", "--pidfile="],
            "worker": ["worker", "-P", "solo", "-l", "INFO", "--without-mingle", "--without-gossip"],
        }.items():
            stack.enter_context(running([*celery, *arguments], path / f"{name}.log", cwd=path, env=shop.env))
        wait_until(lambda: "beat: Starting" in shop.logs() and " ready." in shop.logs(), 30, shop.logs)
        yield shop
