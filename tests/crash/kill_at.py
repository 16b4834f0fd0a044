"""Sync a directory in a child process that is killed right before or after its Nth statement, or instead of its Nth commit.

Usage: kill_at.py URL DIR; then lines `before N`, `after N` or `commit N` on standard input; prints `killed` or the outcome for each.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connections

from beatsync.plan.request import PlanOptions
from beatsync.reconcile import SyncOptions, sync
from beatsync.store import DatabaseChoice, Store, connect
from tests.statements import each_statement


class Killer:
    """Counts statements, including each BEGIN and COMMIT that Django reports, and kills the process at the chosen number."""

    def __init__(self, where: str, number: int) -> None:
        self._where = where
        self._remaining = number

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self._remaining -= 1
        if self._remaining == 0 and self._where == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = execute(sql, params, many, context)
        if self._remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def child(store: Store, folder: Path, where: str, number: int) -> None:
    connection: Any = connections[store.alias]
    if where == "commit":
        # The last statement has run; the process dies instead of committing.
        commit = connection._commit

        def die() -> None:
            nonlocal number
            number -= 1
            if number == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            commit()

        connection._commit = die
        where, killer = "", Killer("", 0)
    else:
        killer = Killer(where, number)
    with each_statement(connection, killer):
        options = SyncOptions(plan=PlanOptions(max_deletes="100%"), lock_timeout=30)
        print(sync(folder, store, options).outcome.value, flush=True)
    connection.close()


def main() -> None:
    url, folder = sys.argv[1:]
    store = connect(DatabaseChoice(url=url))
    connections[store.alias].close()
    for line in sys.stdin:
        where, number = line.split()
        pid = os.fork()
        if pid == 0:
            child(store, Path(folder), where, int(number))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            print("killed", flush=True)
        elif status != 0:
            print(f"failed with {status}", flush=True)


main()
