"""The pages on the daemon's listener: who may read them, and how many at a time."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
import socket
from collections.abc import Iterable
from http import HTTPStatus
from threading import Semaphore
from urllib.parse import parse_qsl

from beatsync.daemon.http import PageRequest, PageResponse
from beatsync.web.dashboard.pages import Dashboard

AT_ONCE = 2
"""Pages that are rendered at the same time: each has a connection to the database, and a thread that a probe could need."""
_WAIT = 1.0
"""Seconds that a request waits for its turn."""
_HTML = "text/html; charset=utf-8"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s\[\]:@/,]+?)\.?)(?::[0-9]*)?")
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  they are no names


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Listener:
    """Answers requests for pages. May be called from any thread, whose connection it closes."""

    def __init__(self, dashboard: Dashboard, token: str | None, hosts: Iterable[str]) -> None:
        """`token` is required if it is not None; `hosts` are names of this machine in addition to its own."""
        self._dashboard = dashboard
        self._token = token
        names = {name.lower().strip("[].") for name in (*hosts, socket.gethostname())}
        self._hosts = (_LOCAL | names) - _EVERY_ADDRESS
        self._turns = Semaphore(AT_ONCE)

    def __call__(self, request: PageRequest) -> PageResponse:
        """Return the page, or why it is refused."""
        if not self._is_own_host(request):
            # A page of another site can have its own name point here, and read what the browser may (DNS rebinding).
            message = f"unknown host {request.host[:100]!r}: name it with --dashboard-host"
            return PageResponse(HTTPStatus.MISDIRECTED_REQUEST, message)
        if not self._is_authorized(request.authorization):
            headers = {"WWW-Authenticate": 'Basic realm="BeatSync", charset="UTF-8"'}
            message = "the token is missing or wrong: it is the password, for any user"
            return PageResponse(HTTPStatus.UNAUTHORIZED, message, headers=headers)
        if not self._turns.acquire(timeout=_WAIT):
            message = f"{AT_ONCE} other pages are being rendered: try again"
            return PageResponse(HTTPStatus.SERVICE_UNAVAILABLE, message, headers={"Retry-After": "2"})
        try:
            query = dict(parse_qsl(request.query, keep_blank_values=True))
            response = self._dashboard.respond("/", request.path.strip("/"), query)
        finally:
            self._dashboard.store.close()
            self._turns.release()
        return PageResponse(response.status, response.body, _HTML, response.headers)

    def _is_own_host(self, request: PageRequest) -> bool:
        host = _host_of(request.host)
        return host in self._hosts or host == request.address.lower().removeprefix("::ffff:")

    def _is_authorized(self, authorization: str) -> bool:
        if self._token is None:
            return True
        scheme, _, value = authorization.partition(" ")
        secret = value.encode("latin-1", "replace")
        if scheme.lower() == "basic":
            try:
                secret = base64.b64decode(value, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(secret, self._token.encode())


def _host_of(header: str) -> str:
    """Return the host of a header `Host`, without its port and without brackets; empty if it is malformed."""
    match = _HOST.fullmatch(header.strip().lower())
    return "" if match is None else match["address"] or match["name"]
