"""Limits on what clients of the daemon's listener may use: connections, time and memory."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from http.client import LineTooLong
from io import BufferedIOBase
from threading import Condition

MAX_CONNECTIONS = 32
"""Each has a thread and a file descriptor."""
TIMEOUT = 5.0
"""Seconds that a connection may take, from its start to the end of the response."""
MAX_HEADER_BYTES = 16 * 1024
"""Upper limit of the request line and the headers together."""
_EVICTION_WAIT = 0.5
"""Seconds that a new connection waits until a slow one has ended."""


class Connections:
    """The open connections, at most `MAX_CONNECTIONS`, oldest first. One that takes too long is ended by shutting its socket down."""

    def __init__(self) -> None:
        self._deadlines: dict[socket.socket, float] = {}
        self._changed = Condition()

    def add(self, connection: socket.socket) -> bool:
        """Add a connection, and return whether there is room. If there is none, the oldest connection is ended.

        A request is answered within milliseconds, so the oldest connection is a slow client, and a probe is served although there
        are many of them.
        """
        with self._changed:
            if len(self._deadlines) >= MAX_CONNECTIONS:
                _end(next(iter(self._deadlines)))
                if not self._changed.wait_for(lambda: len(self._deadlines) < MAX_CONNECTIONS, _EVICTION_WAIT):
                    return False
            self._deadlines[connection] = time.monotonic() + TIMEOUT
            return True

    def remove(self, connection: socket.socket) -> None:
        """Remove a connection, if it was added."""
        with self._changed:
            self._deadlines.pop(connection, None)
            self._changed.notify()

    def end_overdue(self) -> None:
        """End the connections that have taken too long."""
        with self._changed:
            now = time.monotonic()
            for connection in (connection for connection, deadline in self._deadlines.items() if deadline <= now):
                _end(connection)


def _end(connection: socket.socket) -> None:
    """Make the thread that reads from a connection, or writes to it, continue without it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class HeaderReader:
    """A client's stream, of which at most `MAX_HEADER_BYTES` are read."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._remaining = MAX_HEADER_BYTES

    def readline(self, size: int) -> bytes:
        """Return the next line. Raises LineTooLong if it does not fit."""
        line = self._stream.readline(min(size, self._remaining + 1))
        self._remaining -= len(line)
        if self._remaining < 0:
            raise LineTooLong("request")
        return line

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
