"""Values that are computed in the background."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from beatsync.web.dashboard.cached import LIFETIME, LIFETIME_CHANGED, Cached
from tests.processes import until


class Work:
    """A computation that takes ten seconds of a clock that the test moves, and that ends when the test lets it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.results: list[int | Exception] = []
        self.begun = 0
        self.may_end = Event()
        self.may_end.set()

    def __call__(self) -> int:
        self.begun += 1
        self.may_end.wait(20)
        self.now += 10.0
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    @contextmanager
    def held(self) -> Iterator[None]:
        self.may_end.clear()
        yield
        self.may_end.set()


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def cached(work: Work, monkeypatch: pytest.MonkeyPatch) -> Cached[int]:
    monkeypatch.setattr("beatsync.web.dashboard.cached.FIRST_WAIT", 0.05)
    monkeypatch.setattr("beatsync.web.dashboard.cached.WAIT", 0.01)
    return Cached(work, lambda: work.now)


def test_the_first_value_is_waited_for_briefly_and_computed_once(cached: Cached[int], work: Work) -> None:
    work.results = [1]
    with work.held():
        assert cached.get("a") is None
        assert cached.get("a") is None
    until(lambda: cached.get("a") == 1)
    assert work.begun == 1


def test_a_value_is_kept_for_a_multiple_of_its_cost_and_served_while_a_newer_one_is_computed(
    cached: Cached[int], work: Work
) -> None:
    work.results = [1, 2]
    until(lambda: cached.get("a") == 1)
    work.now += 10.0 * LIFETIME
    assert cached.get("a") == 1
    assert work.begun == 1
    work.now += 1.0
    with work.held():
        assert cached.get("a") == 1
    until(lambda: cached.get("a") == 2)


def test_a_value_is_kept_shorter_if_something_changed(cached: Cached[int], work: Work) -> None:
    work.results = [1, 2]
    until(lambda: cached.get("a") == 1)
    work.now += 10.0 * LIFETIME_CHANGED
    assert cached.get("b") == 1
    work.now += 1.0
    until(lambda: cached.get("b") == 2)
    assert work.begun == 2


def test_an_error_is_raised_until_there_is_a_value_and_hides_none(cached: Cached[int], work: Work) -> None:
    work.results = [ValueError("first"), 1, ValueError("second"), 2]
    with pytest.raises(ValueError, match="first"):
        until(lambda: cached.get("a"))
    until(lambda: cached.get("a") == 1)
    work.now += 1000.0
    until(lambda: cached.get("a") and work.begun == 3)
    work.now += 1000.0
    until(lambda: cached.get("a") == 2)
