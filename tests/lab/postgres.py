"""A private PostgreSQL server for a test, which may be killed, stopped and filled."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import missing_service

CONNECTIONS = 12


class Postgres:
    """A cluster on a free port. Under root it runs as `postgres`, because PostgreSQL refuses to run as root."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="beatsync-postgres-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(self._home, "postgres")
        self._run("initdb", "--auth=trust", "--username=app", "--no-sync", "-D", f"{self._home}/data")

    @property
    def url(self) -> str:
        return f"postgres://app@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
            f" -c max_connections={CONNECTIONS} -c superuser_reserved_connections=0"
        )
        self._control("start", "-o", options, "-l", f"{self._home}/log")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate` is like a crash, from which the next start recovers."""
        self._control("stop", "-m", mode)

    def become_standby(self) -> None:
        """Restart it as a hot standby without a primary: it can be read, but not written to."""
        self.stop("fast")
        self._run("touch", f"{self._home}/data/standby.signal")
        self.start()

    def promote(self) -> None:
        """Make a standby accept writes."""
        self._control("promote")

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "--wait", "-D", f"{self._home}/data", *words)

    def _run(self, program: str, *words: str) -> None:
        path = shutil.which(program) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{program}")))
        other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        # The server keeps an inherited output open, so the output is discarded.
        subprocess.run([*other, path, *words], cwd=self._home, check=True, stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server while the body runs; skip the test if its programs are not installed."""
    try:
        cluster = Postgres()
    except (StopIteration, LookupError, OSError, subprocess.CalledProcessError) as error:
        missing_service("private PostgreSQL server", error)
        raise
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
