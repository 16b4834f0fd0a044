"""The daemon's endpoints: `/-/healthy`, `/-/ready`, `/status`, `/metrics` and `POST /-/sync`."""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

T = TypeVar("T")
_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_TIMEOUT = 10.0
"""Seconds that a client may keep a thread waiting."""


@dataclass(frozen=True, slots=True)
class Face:
    """What the endpoints ask of the daemon; each may be asked from any thread."""

    problem_of_health: Callable[[], str | None]
    problem_of_readiness: Callable[[], str | None]
    status: Callable[[], dict[str, Any]]
    metrics: Callable[[], bytes]
    sync: Callable[[str | None], bool]
    """Asks for a look at one source or at all; False where there is no such source."""
    token: str | None = None


class Server:
    """Answers in threads of its own until it is closed."""

    def __init__(self, host: str, port: int, face: Face) -> None:
        """Raises OSError where the address cannot be listened on."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = _kind(ThreadingHTTPServer, address_family=family)((host, port), _kind(_Handler, face=face))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="http", daemon=True)

    @property
    def host(self) -> str:
        """The address."""
        return str(self._server.server_address[0])

    @property
    def port(self) -> int:
        """The port, which the system chose where 0 was asked for."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _kind(base: type[T], **attributes: Any) -> type[T]:
    """Return a class with attributes of its own; http.server makes its objects itself and passes nothing on."""
    return type(base.__name__, (base,), attributes)


class _Handler(BaseHTTPRequestHandler):
    face: Face
    protocol_version = "HTTP/1.1"
    server_version = "beatsync"
    sys_version = ""
    timeout = _TIMEOUT
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = _TEXT

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/-/healthy":
            self._judge(self.face.problem_of_health(), "healthy")
        elif path == "/-/ready":
            self._judge(self.face.problem_of_readiness(), "ready")
        elif path == "/status":
            self._answer(HTTPStatus.OK, json.dumps(self.face.status(), indent=2).encode() + b"\n", _JSON)
        elif path == "/metrics":
            self._answer(HTTPStatus.OK, self.face.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        elif path == "/-/sync":
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, b"POST it\n", _TEXT, {"Allow": "POST"})
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"/-/healthy, /-/ready, /status, /metrics, POST /-/sync\n", _TEXT)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        # What is in a body does not matter, and is not read.
        self.close_connection = True
        url = urlsplit(self.path)
        if url.path != "/-/sync":
            self._answer(HTTPStatus.NOT_FOUND, b"only /-/sync takes a POST\n", _TEXT)
        elif not self._is_allowed():
            challenge = {"WWW-Authenticate": "Bearer"}
            self._answer(HTTPStatus.UNAUTHORIZED, b"the bearer token is missing or wrong\n", _TEXT, challenge)
        elif self.face.sync(parse_qs(url.query).get("source", [None])[0]):
            self._answer(HTTPStatus.ACCEPTED, b"looking again\n", _TEXT)
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"there is no such source here\n", _TEXT)

    def _is_allowed(self) -> bool:
        if self.face.token is None:
            return True
        given = self.headers.get("Authorization", "").encode()
        return hmac.compare_digest(given, f"Bearer {self.face.token}".encode())

    def _judge(self, problem: str | None, good: str) -> None:
        status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, f"{problem or good}\n".encode(), _TEXT)

    def _answer(self, status: HTTPStatus, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Say nothing: probes come every few seconds."""
