"""A TCP proxy in front of a server, so that a test can take the network away: refused, cut off, silent, or far away."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Forwards to `host:port` until it is told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        """Where new connections lead."""
        self._pairs: list[socket.socket] = []
        self._silent = threading.Event()
        self.delay = 0.0
        """Seconds that everything takes on its way, in either direction."""
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = 0
        self.restore()

    @classmethod
    def before(cls, url: str) -> tuple[Proxy, str]:
        """Return a proxy for a database URL, and the URL through it."""
        parts = urlsplit(url)
        one = cls(parts.hostname or "127.0.0.1", parts.port or 0)
        login = parts.netloc.rpartition("@")[0]
        return one, urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{one.port}"))

    def restore(self) -> None:
        """Let connections through (again)."""
        self._silent.clear()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """End every connection and refuse new ones, as a server that was stopped."""
        if self._listener is not None:
            # `accept` in the other thread does not notice a close.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop()

    def drop(self) -> None:
        """End every connection; new ones pass."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for one in pairs:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def silence(self) -> None:
        """Accept everything and pass nothing on, as a network that drops packets."""
        self._silent.set()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    server = socket.create_connection(self.target)
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._pairs += [client, server]
                for here, there in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(here, there), daemon=True).start()

    def _forward(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                time.sleep(self.delay)
                if not self._silent.is_set():
                    there.sendall(data)
        for one in (here, there):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
