"""The daemon's endpoints: `/-/healthy`, `/-/ready`, `/status`, `/metrics` and `POST /-/sync`."""

from __future__ import annotations

import hmac
import json
import logging
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from beatsync.daemon.connections import TIMEOUT, Connections, HeaderReader

_TEXT = "text/plain; charset=utf-8"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_SHUTDOWN_POLL = 0.1
"""Seconds that `close` may have to wait."""
_BACKLOG = 256
"""Connections that wait to be accepted; with http.server's 5, a burst of probes waits for a second."""
_CHUNK = 64 * 1024
_PATHS = frozenset({"/-/healthy", "/-/ready", "/status", "/metrics", "/-/sync"})
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page."""

    path: str
    query: str
    host: str
    """The header `Host`, or the host of an absolute URL; empty if it is missing."""
    authorization: str
    """The header `Authorization`, whose bytes are those of Latin-1; empty if it is missing."""
    address: str
    """The address of this machine that the client connected to."""


@dataclass(frozen=True, slots=True)
class PageResponse:
    """The answer to a request for a page."""

    status: HTTPStatus
    body: str
    content_type: str = _TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


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
    pages: Callable[[PageRequest], PageResponse] | None = None
    """Answers GET and HEAD of every other path; None if there are no pages."""


class Server(ThreadingHTTPServer):
    """Serves the endpoints in its own threads until it is closed. A connection carries one request."""

    request_queue_size = _BACKLOG

    def __init__(self, host: str, port: int, endpoints: Endpoints) -> None:
        """Bind the address. Raises OSError if that fails. With port 0, the system chooses the port."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.endpoints = endpoints
        self._connections = Connections()
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

    def service_actions(self) -> None:
        """End slow connections. Called several times a second."""
        self._connections.end_overdue()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread, or refuse it."""
        if self._connections.add(request):
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.send(_BUSY)
        self.close_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection after its response. Input that is not read yet would reset it, and the response could be lost."""
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            while request.recv(_CHUNK):
                pass
        self.close_request(request)

    def close_request(self, request: Any) -> None:
        """Close a connection."""
        self._connections.remove(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  socketserver's names
        """Log an error in a request; a client that went away is none."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            log.error("unexpected error in a request", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "beatsync"
    sys_version = ""
    timeout = TIMEOUT
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = _TEXT

    def setup(self) -> None:
        super().setup()
        self.rfile: Any = HeaderReader(self.rfile)

    def handle(self) -> None:
        try:
            self.handle_one_request()
        except LineTooLong:
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)

    def parse_request(self) -> bool:
        """Parse the request; return False if it was answered with an error."""
        if not super().parse_request():
            return False
        self.close_connection = True
        try:
            self._url = urlsplit(self.path)
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST, "the URL is malformed")
            return False
        return True

    def do_GET(self) -> None:
        path, endpoints = self._url.path, self.server.endpoints
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
        elif endpoints.pages is not None:
            self._respond_with_page(endpoints.pages)
        else:
            self._respond(HTTPStatus.NOT_FOUND, "/-/healthy, /-/ready, /status, /metrics, POST /-/sync")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        # The body is ignored.
        if self._is_page():
            self._refuse_method()
        elif self._url.path != "/-/sync":
            self._respond(HTTPStatus.NOT_FOUND, "only /-/sync accepts POST")
        elif not self._is_allowed():
            challenge = {"WWW-Authenticate": "Bearer"}
            self._respond(HTTPStatus.UNAUTHORIZED, "the bearer token is missing or wrong", **challenge)
        elif self.server.endpoints.request_sync(parse_qs(self._url.query).get("source", [None])[0]):
            self._respond(HTTPStatus.ACCEPTED, "sync requested")
        else:
            self._respond(HTTPStatus.NOT_FOUND, "unknown source")

    def _refuse_method(self) -> None:
        if self._is_page():
            self._respond(HTTPStatus.METHOD_NOT_ALLOWED, "use GET or HEAD", Allow="GET, HEAD")
        else:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED, f"Unsupported method ({self.command!r})")

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse_method  # noqa: N815

    def _is_page(self) -> bool:
        return self.server.endpoints.pages is not None and self._url.path not in _PATHS

    def _respond_with_page(self, pages: Callable[[PageRequest], PageResponse]) -> None:
        # The host of an absolute URL replaces the header; several headers are no host.
        host = self._url.netloc or ",".join(self.headers.get_all("Host", []))
        authorization = self.headers.get("Authorization", "")
        address = str(self.connection.getsockname()[0])
        response = pages(PageRequest(self._url.path, self._url.query, host, authorization, address))
        self._respond(response.status, response.body, response.content_type, **response.headers)

    def _is_allowed(self) -> bool:
        token, authorization = self.server.endpoints.token, self.headers.get("Authorization", "")
        # http.server reads the bytes of headers as Latin-1.
        return token is None or hmac.compare_digest(
            authorization.encode("latin-1", "replace"), f"Bearer {token}".encode()
        )

    def _respond_to_probe(self, problem: str | None, success: str) -> None:
        self._respond(HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE, problem or success)

    def _respond(self, status: HTTPStatus, body: str | bytes, content_type: str = _TEXT, **headers: str) -> None:
        """Send a response; a newline is added to text."""
        data = f"{body}\n".encode() if isinstance(body, str) else body
        self.send_response(status)
        headers |= {
            "Content-Type": content_type, "Content-Length": str(len(data)), "Cache-Control": "no-store", "Connection": "close",
        }  # fmt: skip
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  http.server's name
        """Log nothing: probes arrive every few seconds."""
