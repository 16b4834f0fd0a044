"""A MariaDB server that becomes read-only for all users, as a replica is, and is promoted."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connections

from beatsync.reconcile import SyncOptions, plan
from beatsync.store import ConnectionUnusable, Store
from tests.conftest import add_alias
from tests.daemon.daemons import daemon, write
from tests.lab.mariadb import mariadb
from tests.processes import until, wait_until

ALIAS = "private"
pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


def test_a_mariadb_server_becomes_read_only_and_is_promoted(tmp_path: Path) -> None:
    folder, store = tmp_path / "specs", Store(ALIAS)
    write(folder, "first")
    with mariadb() as server:
        add_alias(ALIAS, server.url)
        store.migrate(with_beat=True)
        try:
            with daemon(folder, server.url, tmp_path, "--resync", "1s") as running:
                running.until_phase("synced")
                server.set_read_only(on=True)
                write(folder, "first", "second")
                blockers = plan(folder, store, SyncOptions()).plan.blocked
                assert [(blocked.code, "replica" in blocked.message) for blocked in blockers] == [("read-only", True)]
                with pytest.raises(ConnectionUnusable, match="read-only"):
                    store.check_writable()
                until(lambda: running.status()["phase"] != "synced", what=lambda: running.log)
                server.set_read_only(on=False)
                wait_until(lambda: set(store.observe("default").rows) == {"first", "second"}, 10.0, lambda: running.log)
                running.until_phase("synced")
                assert "Traceback" not in running.log
        finally:
            connections[ALIAS].close()
