"""A private MariaDB server for a test, which may be made read-only for all of its users."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql

from tests.conftest import missing_service
from tests.processes import until

DATABASE = "app"


class MariaDB:
    """A server on a free port, with a user without special rights. Under root it runs as `mysql`, as the package installs it."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="beatsync-mariadb-"))
        self._user = "mysql" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._home, self._user)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._server: subprocess.Popen[bytes] | None = None
        install = [*self._as_user("mariadb-install-db"), *self._options, "--auth-root-authentication-method=normal"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)

    @property
    def url(self) -> str:
        """The URL of the user without special rights."""
        return f"mysql://app:secret@127.0.0.1:{self._port}/{DATABASE}"

    @property
    def _options(self) -> list[str]:
        return [f"--datadir={self._home}/data"]

    def start(self) -> None:
        """Start it, and create a database and its user."""
        listen = [f"--port={self._port}", "--bind-address=127.0.0.1", f"--socket={self._home}/socket"]
        quick = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin"]
        server = [*self._as_user("mariadbd"), *self._options, *listen, *quick]
        self._server = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until((self._home / "socket").exists, 60, lambda: f"exit code {self._server and self._server.poll()}")
        self.execute(
            f"CREATE DATABASE {DATABASE}",
            "CREATE USER 'app'@'127.0.0.1' IDENTIFIED BY 'secret'",
            f"GRANT ALL ON {DATABASE}.* TO 'app'@'127.0.0.1'",
        )

    def execute(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with pymysql.connect(unix_socket=f"{self._home}/socket", user="root", autocommit=True) as session:
            for statement in statements:
                session.cursor().execute(statement)

    def set_read_only(self, *, on: bool) -> None:
        """Make the server refuse every write of a user without special rights, also in open sessions."""
        self.execute(f"SET GLOBAL read_only = {'ON' if on else 'OFF'}")

    def remove(self) -> None:
        """Stop it and delete its files."""
        if self._server is not None:
            self._server.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(30)
            self._server.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _as_user(self, program: str) -> list[str]:
        path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
        if path is None:
            raise LookupError(f"{program} is not installed")
        # The server itself changes to the user, so that a signal reaches it.
        return [path, "--no-defaults", *([f"--user={self._user}"] if self._user else [])]


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """Run a server while the body runs; skip the test if its programs are not installed."""
    try:
        server = MariaDB()
    except (LookupError, OSError, subprocess.CalledProcessError) as error:
        missing_service("private MariaDB server", error)
        raise
    try:
        server.start()
        yield server
    finally:
        server.remove()
