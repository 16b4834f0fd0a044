"""The server ends a sync's connection before any statement of it: the rows say the old or the new, and the next sync finishes the job."""

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
from tests.crash.test_crash import MOST, begin_anew, state
from tests.statements import each_statement

OPTIONS = SyncOptions(plan=PlanOptions(max_deletes="100%"))


class Cut:
    """Counts statements and has the server end the connection before the one that it was told."""

    def __init__(self, alias: str, beside: str, number: int) -> None:
        self._alias = alias
        self._beside = beside
        self._left = number

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self._left -= 1
        if self._left == 0:
            end_connection(self._alias, self._beside)
        return execute(sql, params, many, context)


def end_connection(alias: str, beside: str) -> None:
    """End the connection of `alias` by a statement on that of `beside`."""
    raw: Any = connections[alias].connection
    with connections[beside].cursor() as cursor:
        if connections[alias].vendor == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [raw.info.backend_pid])
        else:
            cursor.execute(f"KILL {int(raw.thread_id())}")


@pytest.mark.lab
def test_cut_off_before_every_statement(backend: Backend, store: Store, tmp_path: Path) -> None:
    if backend.name == "sqlite":
        pytest.skip("SQLite has no server that could go")
    add_alias("beside", backend.url)
    begin_anew(backend.alias, store, tmp_path)
    old = state(backend.alias)
    assert sync(tmp_path, store, OPTIONS).outcome is Outcome.APPLIED
    new = state(backend.alias)
    cut = 0
    for number in range(1, MOST):
        begin_anew(backend.alias, store, tmp_path)
        connections[backend.alias].ensure_connection()
        try:
            with each_statement(connections[backend.alias], Cut(backend.alias, "beside", number)):
                outcome = sync(tmp_path, store, OPTIONS).outcome
        except StoreError:
            cut += 1
        else:
            assert outcome is Outcome.APPLIED
            break
        finally:
            connections[backend.alias].close()
        assert state(backend.alias) in (old, new), f"a mixture after statement {number}"
        assert sync(tmp_path, store, OPTIONS).outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
        assert state(backend.alias) == new
    else:
        pytest.fail(f"still cut off at statement {MOST}")
    assert cut > 10
    connections["beside"].close()
