from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator

import pytest

from beatsync.daemon.http import Endpoints, Server

Response = tuple[int, str, dict[str, str]]


class Daemon:
    """A daemon whose state the test sets."""

    def __init__(self) -> None:
        self.health: str | None = None
        self.readiness: str | None = None
        self.requests: list[str | None] = []
        self.token: str | None = None

    def sync(self, source: str | None) -> bool:
        self.requests.append(source)
        return source != "unknown"

    def endpoints(self) -> Endpoints:
        return Endpoints(
            lambda: self.health, lambda: self.readiness, lambda: {"sources": ["ü"]}, lambda: b"a_metric 1\n", self.sync,
            self.token,
        )  # fmt: skip


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def server(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[Server]:
    daemon.token = getattr(request, "param", None)
    server = Server("127.0.0.1", 0, daemon.endpoints())
    server.start()
    yield server
    server.close()


def send(server: Server, path: str, method: str = "GET", **headers: str) -> Response:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body, {key.lower(): value for key, value in response.getheaders()}


@pytest.mark.parametrize(("path", "field"), [("/-/healthy", "health"), ("/-/ready", "readiness")])
def test_a_probe_answers_503_with_the_problem(server: Server, daemon: Daemon, path: str, field: str) -> None:
    assert send(server, path)[0] == 200
    setattr(daemon, field, "the loop hangs")
    status, body, _ = send(server, path)
    assert (status, body) == (503, "the loop hangs\n")


def test_status_is_json_and_metrics_is_prometheus_text(server: Server) -> None:
    status, body, headers = send(server, "/status?x=1")
    assert (status, json.loads(body)) == (200, {"sources": ["ü"]})
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    status, body, headers = send(server, "/metrics")
    assert (status, body) == (200, "a_metric 1\n")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")


def test_a_head_request_gets_no_body(server: Server) -> None:
    status, body, headers = send(server, "/metrics", "HEAD")
    assert (status, body, headers["content-length"]) == (200, "", "11")


def test_a_post_requests_a_sync_of_one_or_all_sources(server: Server, daemon: Daemon) -> None:
    assert send(server, "/-/sync", "POST")[0] == 202
    assert send(server, "/-/sync?source=shop", "POST")[0] == 202
    assert send(server, "/-/sync?source=unknown", "POST")[0] == 404
    assert daemon.requests == [None, "shop", "unknown"]


@pytest.mark.parametrize("server", ["s3cret"], indirect=True)
@pytest.mark.parametrize(
    ("authorization", "status"),
    [(None, 401), ("Bearer wrong", 401), ("Basic s3cret", 401), ("bearer", 401), ("Bearer s3cret", 202)],
)
def test_a_configured_token_is_required(server: Server, daemon: Daemon, authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    actual, body, response_headers = send(server, "/-/sync", "POST", **headers)
    assert actual == status
    assert bool(daemon.requests) == (status == 202)
    assert "s3cret" not in body
    if status == 401:
        assert response_headers["www-authenticate"] == "Bearer"
    assert send(server, "/metrics")[0] == 200


def test_unknown_paths_and_methods_are_refused(server: Server, daemon: Daemon) -> None:
    status, body, _ = send(server, "/")
    assert status == 404
    assert "/-/healthy" in body
    assert send(server, "/-/sync")[0] == 405
    assert send(server, "/status", "POST")[0] == 404
    assert send(server, "/status", "DELETE")[0] == 501
    assert not daemon.requests


def test_idle_clients_do_not_delay_others(server: Server) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for client in idle[:10]:
        client.sendall(b"GET /sta")
    assert send(server, "/status")[0] == 200
    for client in idle:
        client.close()


def test_malformed_requests_are_refused(server: Server) -> None:
    for malformed in (b"\x00\xff\r\n\r\n", b"GET " + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(malformed)
            response = b"".join(iter(lambda: client.recv(1000), b""))
        assert re.search(rb"\b(400|414|505)\b", response)
        assert b"<" not in response
    assert send(server, "/status")[0] == 200


def test_an_address_in_use_is_an_error(server: Server, daemon: Daemon) -> None:
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        Server("127.0.0.1", server.port, daemon.endpoints())


def test_ipv6_addresses_are_served(daemon: Daemon) -> None:
    try:
        server = Server("::1", 0, daemon.endpoints())
    except OSError:
        pytest.skip("this host has no IPv6")
    server.start()
    with socket.create_connection(("::1", server.port), timeout=10) as client:
        client.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        assert b"200" in client.recv(100)
    server.close()
