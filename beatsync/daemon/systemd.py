"""Tells systemd how a service of `Type=notify` stands (sd_notify(3)); where no systemd listens, nothing happens."""

from __future__ import annotations

import os
import socket

_MILLION = 1_000_000


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
