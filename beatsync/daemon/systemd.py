"""Reports the state of a service of `Type=notify` to systemd (sd_notify(3)); does nothing if it was not started by systemd."""

from __future__ import annotations

import os
import socket
import time

_MICROSECONDS = 1_000_000
_START_EXTENSION = 60
"""Seconds that a start may still take, extended repeatedly: an unavailable database is no reason to kill the service."""
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
        watchdog = watchdog_seconds()
        self._watchdog_interval = watchdog / 4 if watchdog else None
        self._is_ready = False
        self._status = ""
        self._watchdog_at = self._extended_at = -_EXTEND_EVERY - (watchdog or 0.0)

    def update(self, status: str, *, is_ready: bool, is_healthy: bool) -> None:
        """Send what changed. Cheap; call it often."""
        now = time.monotonic()
        if status != self._status:
            self._status = status
            notify(f"STATUS={status}")
        if is_ready and not self._is_ready:
            self._is_ready = True
            notify("READY=1")
        elif not self._is_ready and is_healthy and now - self._extended_at >= _EXTEND_EVERY:
            self._extended_at = now
            notify(f"EXTEND_TIMEOUT_USEC={_START_EXTENSION * _MICROSECONDS}")
        interval = self._watchdog_interval
        if interval is not None and is_healthy and now - self._watchdog_at >= interval:
            self._watchdog_at = now
            notify("WATCHDOG=1")
