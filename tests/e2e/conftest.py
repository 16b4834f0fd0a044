from __future__ import annotations

import pytest
import redis

from tests.conftest import REDIS_URL, missing_service


@pytest.fixture
def redis_url() -> str:
    """The URL of a Redis that answers; a test keeps to a key prefix of its own."""
    try:
        redis.Redis.from_url(REDIS_URL).ping()
    except redis.RedisError as error:
        missing_service("redis", error)
    return REDIS_URL
