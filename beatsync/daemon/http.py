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
"""Seconds after which an idle client is disconnected."""
_SHUTDOWN_POLL = 0.1
"""Seconds that `close` may have to wait."""
_BACKLOG = 64
"""Connections that wait to be accepted; with http.server's 5, a burst of probes waits for a second."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The functions behind the endpoints. Each may be called from any thread."""

    health_problem: Callable[[], str | None]
    readiness_problem: Callable[[], str | None]
    status: Callable[[], dict[str, Any]]
    metrics: Callable[[], bytes]
    request_sync: Callable[[str | None], bool]
    """Requests a sync of one source, or of all for None. Returns False if the source is unknown."""
    token: str | None = None
    """Bearer token that `POST /-/sync` requires, if any."""


class Server:
    """Serves the endpoints in its own threads until it is closed."""

    def __init__(self, host: str, port: int, endpoints: Endpoints) -> None:
        """Bind the address. Raises OSError if that fails."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._server = _subclass(ThreadingHTTPServer, address_family=family, request_queue_size=_BACKLOG)(
            (host, port), _subclass(_Handler, endpoints=endpoints)
        )
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(_SHUTDOWN_POLL,), name="http", daemon=True)

    @property
    def host(self) -> str:
        """The address."""
        return str(self._server.server_address[0])

    @property
    def port(self) -> int:
        """The port; the system chose it if 0 was requested."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _subclass(base: type[T], **attributes: Any) -> type[T]:
    """Return a subclass with these attributes, because http.server creates its objects without our arguments."""
    return type(base.__name__, (base,), attributes)


class _Handler(BaseHTTPRequestHandler):
    endpoints: Endpoints
    protocol_version = "HTTP/1.1"
    server_version = "beatsync"
    sys_version = ""
    timeout = _TIMEOUT
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = _TEXT

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/-/healthy":
            self._respond_to_probe(self.endpoints.health_problem(), "healthy")
        elif path == "/-/ready":
            self._respond_to_probe(self.endpoints.readiness_problem(), "ready")
        elif path == "/status":
            self._respond(HTTPStatus.OK, json.dumps(self.endpoints.status(), indent=2).encode() + b"\n", _JSON)
        elif path == "/metrics":
            self._respond(HTTPStatus.OK, self.endpoints.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        elif path == "/-/sync":
            self._respond(HTTPStatus.METHOD_NOT_ALLOWED, b"use POST\n", _TEXT, {"Allow": "POST"})
        else:
            self._respond(HTTPStatus.NOT_FOUND, b"/-/healthy, /-/ready, /status, /metrics, POST /-/sync\n", _TEXT)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        # The body is ignored and not read.
        self.close_connection = True
        url = urlsplit(self.path)
        if url.path != "/-/sync":
            self._respond(HTTPStatus.NOT_FOUND, b"only /-/sync accepts POST\n", _TEXT)
        elif not self._is_allowed():
            challenge = {"WWW-Authenticate": "Bearer"}
            self._respond(HTTPStatus.UNAUTHORIZED, b"the bearer token is missing or wrong\n", _TEXT, challenge)
        elif self.endpoints.request_sync(parse_qs(url.query).get("source", [None])[0]):
            self._respond(HTTPStatus.ACCEPTED, b"sync requested\n", _TEXT)
        else:
            self._respond(HTTPStatus.NOT_FOUND, b"unknown source\n", _TEXT)

    def _is_allowed(self) -> bool:
        if self.endpoints.token is None:
            return True
        authorization = self.headers.get("Authorization", "").encode()
        return hmac.compare_digest(authorization, f"Bearer {self.endpoints.token}".encode())

    def _respond_to_probe(self, problem: str | None, success: str) -> None:
        status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
        self._respond(status, f"{problem or success}\n".encode(), _TEXT)

    def _respond(
        self, status: HTTPStatus, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Log nothing: probes arrive every few seconds."""
