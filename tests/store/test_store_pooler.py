"""PostgreSQL behind pgbouncer in transaction mode: each transaction may run in another session of the server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections

from beatsync.reconcile import Outcome, SyncOptions, plan, sync
from beatsync.store import Store
from tests.conftest import Backend, add_alias
from tests.processes import wait_until

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
auth_type = any
pool_mode = transaction
default_pool_size = 3
unix_socket_dir =
logfile = {folder}/log
"""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def pooled(backend: Backend) -> Iterator[Store]:
    if backend.name != "postgresql":
        pytest.skip("pgbouncer is for PostgreSQL")
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    # Not pytest's directory for this user alone, since pgbouncer refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    folder.chmod(0o777)
    server, port = urlsplit(backend.url), _free_port()
    values = {"host": server.hostname, "port": server.port, "user": server.username, "listen": port, "folder": folder}
    (folder / "ini").write_text(CONFIGURATION.format(**values), encoding="utf-8")
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen(
        [PROGRAM, *user, str(folder / "ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            log = folder / "log"
            wait_until(lambda: log.exists() and "listening on" in log.read_text(), 30, lambda: "no log")
            add_alias("pooled", f"postgres://{server.username}@127.0.0.1:{port}{server.path}")
            yield Store("pooled", project_settings=False)
            connections["pooled"].close()
        finally:
            process.terminate()
            shutil.rmtree(folder)


def test_concurrent_plans_and_a_sync_work(pooled: Store, tmp_path: Path) -> None:
    text = "schedules:\n" + "".join(f"  s{number}: {{task: t, interval: 1h}}\n" for number in range(200))
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert sync(tmp_path, pooled, SyncOptions()).outcome is Outcome.APPLIED

    def planned(_: int) -> Outcome:
        try:
            return plan(tmp_path, pooled, SyncOptions(fingerprints=False)).outcome
        finally:
            connections["pooled"].close()

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(planned, range(24)))
    assert outcomes == [Outcome.PLANNED] * 24
    (tmp_path / "a.yaml").write_text(text.replace("1h", "2h"), encoding="utf-8")
    assert sync(tmp_path, pooled, SyncOptions()).outcome is Outcome.APPLIED
