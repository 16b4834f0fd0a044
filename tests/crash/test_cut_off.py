"""The server closes a sync's connection before each statement: the rows are the old or the new ones, and the next sync completes the change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store, StoreError
from tests.conftest import Backend, add_alias
from tests.crash.test_crash import MOST, reset, state
from tests.statements import each_statement

OPTIONS = SyncOptions(plan=PlanOptions(max_deletes="100%"))


class Cut:
    """Counts statements and makes the server close the connection before the chosen number."""

    def __init__(self, alias: str, other_alias: str, number: int) -> None:
        self._alias = alias
        self._other_alias = other_alias
        self._remaining = number

    @property
    def has_happened(self) -> bool:
        return self._remaining <= 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self._remaining -= 1
        if self._remaining == 0:
            end_connection(self._alias, self._other_alias)
        return execute(sql, params, many, context)


def end_connection(alias: str, other_alias: str) -> None:
    """Close the connection of `alias` by a statement on the connection of `other_alias`."""
    raw: Any = connections[alias].connection
    with connections[other_alias].cursor() as cursor:
        if connections[alias].vendor == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [raw.info.backend_pid])
        else:
            cursor.execute(f"KILL {int(raw.thread_id())}")


@pytest.mark.lab
def test_cut_off_before_every_statement(backend: Backend, store: Store, tmp_path: Path) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has no server")
    add_alias("other", backend.url)
    reset(backend.alias, store, tmp_path)
    old = state(backend.alias)
    assert sync(tmp_path, store, OPTIONS).outcome is Outcome.APPLIED
    new = state(backend.alias)
    failures = 0
    for number in range(1, MOST):
        reset(backend.alias, store, tmp_path)
        connections[backend.alias].ensure_connection()
        cut = Cut(backend.alias, "other", number)
        try:
            with each_statement(connections[backend.alias], cut):
                outcome = sync(tmp_path, store, OPTIONS).outcome
        except StoreError:
            failures += 1
        else:
            assert outcome is Outcome.APPLIED
            if not cut.has_happened:
                break
        finally:
            connections[backend.alias].close()
        assert state(backend.alias) in (old, new), f"old and new rows are mixed after statement {number}"
        assert sync(tmp_path, store, OPTIONS).outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
        assert state(backend.alias) == new
    else:
        pytest.fail(f"still cut off at statement {MOST}")
    assert failures > 10
    connections["other"].close()
