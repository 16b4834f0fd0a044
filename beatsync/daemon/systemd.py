"""Reports the state of a service of `Type=notify` to systemd (sd_notify(3)); does nothing if it was not started by systemd."""

from __future__ import annotations

import math
import os
import socket
import time

_MICROSECONDS = 1_000_000
_START_EXTENSION = 60
"""Seconds that a start may still take, extended repeatedly: systemd must not kill the service because the database is unavailable."""
_EXTEND_EVERY = 10.0
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
            return  # the service outlives a restart of systemd


def watchdog_seconds() -> float | None:
    """Return the interval of systemd's watchdog; None if it does not watch this process."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / _MICROSECONDS if microseconds.isdigit() and int(microseconds) else None


class Service:
    """The state that was last sent to systemd, so that only changes are sent."""

    def __init__(self) -> None:
        self._watchdog = watchdog_seconds()
        self._status = ""
        self._sent_at: dict[str, float] = {}

    def update(self, status: str, *, is_ready: bool, is_healthy: bool) -> None:
        """Send what changed. Cheap; call it often."""
        if status != self._status:
            self._status = status
            notify(f"STATUS={status}")
        if is_ready:
            self._send("READY=1", math.inf)
        elif is_healthy and "READY=1" not in self._sent_at:
            self._send(f"EXTEND_TIMEOUT_USEC={_START_EXTENSION * _MICROSECONDS}", _EXTEND_EVERY)
        if is_healthy and self._watchdog is not None:
            self._send("WATCHDOG=1", self._watchdog / 4)

    def _send(self, state: str, interval: float) -> None:
        """Send a state, unless it was sent less than `interval` seconds ago."""
        now = time.monotonic()
        if state not in self._sent_at or now - self._sent_at[state] >= interval:
            self._sent_at[state] = now
            notify(state)
