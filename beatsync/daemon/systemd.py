"""Tells systemd how a service of `Type=notify` stands (sd_notify(3)); where no systemd listens, nothing happens."""

from __future__ import annotations

import os
import socket
import time

_MILLION = 1_000_000
_PATIENCE = 60
"""Seconds that a start may still take, said again and again while it does: a database that is away is no reason to be killed."""
_AGAIN = 10.0
"""Seconds."""


def notify(state: str) -> None:
    """Send `state`, such as `READY=1`."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), path)
        except OSError:
            return  # a systemd that went away must not take the service along


def watchdog_seconds() -> float | None:
    """Return how often systemd wants to hear that we live; None where it does not ask us."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    wanted = os.environ.get("WATCHDOG_USEC", "")
    return int(wanted) / _MILLION if wanted.isdigit() and int(wanted) else None


class Service:
    """What systemd was told already, so that it is told what is new."""

    def __init__(self) -> None:
        asked = watchdog_seconds()
        self._every = asked / 4 if asked else None
        self._is_ready = False
        self._status = ""
        self._alive_at = self._patience_at = -_AGAIN - (asked or 0.0)

    def tell(self, status: str, *, is_ready: bool, is_healthy: bool) -> None:
        """Tell how things stand; cheap, and to be called often."""
        now = time.monotonic()
        if status != self._status:
            self._status = status
            notify(f"STATUS={status}")
        if is_ready and not self._is_ready:
            self._is_ready = True
            notify("READY=1")
        elif not self._is_ready and is_healthy and now - self._patience_at >= _AGAIN:
            self._patience_at = now
            notify(f"EXTEND_TIMEOUT_USEC={_PATIENCE * _MILLION}")
        if self._every is not None and is_healthy and now - self._alive_at >= self._every:
            self._alive_at = now
            notify("WATCHDOG=1")
