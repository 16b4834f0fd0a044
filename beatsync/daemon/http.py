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
from typing import Any
from urllib.parse import parse_qs, urlsplit

_TEXT = "text/plain; charset=utf-8"
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


class Server(ThreadingHTTPServer):
    """Serves the endpoints in its own threads until it is closed."""

    request_queue_size = _BACKLOG

    def __init__(self, host: str, port: int, endpoints: Endpoints) -> None:
        """Bind the address. Raises OSError if that fails. With port 0, the system chooses the port."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.endpoints = endpoints
        super().__init__((host, port), _Handler)
        self.host, self.port = str(self.server_address[0]), self.server_port
        self._thread = Thread(target=self.serve_forever, args=(_SHUTDOWN_POLL,), name="http", daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "beatsync"
    sys_version = ""
    timeout = _TIMEOUT
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = _TEXT

    def do_GET(self) -> None:
        path, endpoints = urlsplit(self.path).path, self.server.endpoints
        if path == "/-/healthy":
            self._respond_to_probe(endpoints.health_problem(), "healthy")
        elif path == "/-/ready":
            self._respond_to_probe(endpoints.readiness_problem(), "ready")
        elif path == "/status":
            self._respond(HTTPStatus.OK, json.dumps(endpoints.status(), indent=2), "application/json")
        elif path == "/metrics":
            self._respond(HTTPStatus.OK, endpoints.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        elif path == "/-/sync":
            self._respond(HTTPStatus.METHOD_NOT_ALLOWED, "use POST", Allow="POST")
        else:
            self._respond(HTTPStatus.NOT_FOUND, "/-/healthy, /-/ready, /status, /metrics, POST /-/sync")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        # The body is ignored and not read.
        self.close_connection = True
        url = urlsplit(self.path)
        if url.path != "/-/sync":
            self._respond(HTTPStatus.NOT_FOUND, "only /-/sync accepts POST")
        elif not self._is_allowed():
            challenge = {"WWW-Authenticate": "Bearer"}
            self._respond(HTTPStatus.UNAUTHORIZED, "the bearer token is missing or wrong", **challenge)
        elif self.server.endpoints.request_sync(parse_qs(url.query).get("source", [None])[0]):
            self._respond(HTTPStatus.ACCEPTED, "sync requested")
        else:
            self._respond(HTTPStatus.NOT_FOUND, "unknown source")

    def _is_allowed(self) -> bool:
        token, authorization = self.server.endpoints.token, self.headers.get("Authorization", "")
        return token is None or hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())

    def _respond_to_probe(self, problem: str | None, success: str) -> None:
        self._respond(HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE, problem or success)

    def _respond(self, status: HTTPStatus, body: str | bytes, content_type: str = _TEXT, **headers: str) -> None:
        """Send a response; a newline is added to text."""
        data = f"{body}\n".encode() if isinstance(body, str) else body
        self.send_response(status)
        headers |= {"Content-Type": content_type, "Content-Length": str(len(data)), "Cache-Control": "no-store"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Log nothing: probes arrive every few seconds."""
