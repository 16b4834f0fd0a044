from __future__ import annotations

import http.client
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from beatsync.daemon.connections import MAX_CONNECTIONS
from beatsync.daemon.http import Endpoints, Server
from tests.processes import until

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


MALFORMED = {
    "no request line": (b"\x00\xff\r\n\r\n", 400),
    "a number as version": (b"GET / 1.1\r\n\r\n", 400),
    "an unknown version": (b"GET / HTTP/9.9\r\n\r\n", 505),
    "a malformed host": (b"GET http://[::1/status HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a malformed host in a POST": (b"POST http://[x/-/sync HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a long request line": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    "a request line without end": (b"a" * 1_000_000, 414),
    "a long header": (b"GET /status HTTP/1.1\r\nx: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /status HTTP/1.1\r\n" + b"x: y\r\n" * 200 + b"\r\n", 431),
    "large headers": (b"GET /status HTTP/1.1\r\n" + b"x: %b\r\n" % (b"a" * 1000) * 50 + b"\r\n", 431),
}


@pytest.mark.parametrize(("request_bytes", "status"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_refused_and_not_logged(
    server: Server,
    request_bytes: bytes,
    status: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(request_bytes)
        response = b"".join(iter(lambda: client.recv(1000), b""))
    assert re.search(rb"\b%d\b" % status, response)
    assert b"<" not in response
    assert send(server, "/status")[0] == 200
    assert (caplog.records, capfd.readouterr().err) == ([], "")


def test_a_client_that_resets_its_connection_is_not_logged(
    server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 50)
        client.close()
    assert send(server, "/status")[0] == 200
    until(lambda: threading.active_count() == before_requests())
    assert (caplog.records, capfd.readouterr().err) == ([], "")


def test_an_endpoint_that_fails_is_logged_by_the_logger(
    server: Server, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(daemon, "sync", lambda _: 1 // 0)
    server.endpoints = daemon.endpoints()
    with pytest.raises(http.client.RemoteDisconnected):
        send(server, "/-/sync", "POST")
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]
    assert capfd.readouterr().err == ""


def before_requests() -> int:
    """Return the number of threads without those that serve connections."""
    return sum("process_request" not in thread.name for thread in threading.enumerate())


def ends_after(client: socket.socket, began: float) -> float:
    """Send a byte of a header now and then until the server ends the connection; return when that was, in seconds since `began`."""
    with suppress(OSError):
        client.settimeout(0.1)
        while True:
            client.sendall(b"a")
            with suppress(TimeoutError):
                if not client.recv(100):
                    break
    return time.monotonic() - began


def test_a_client_that_sends_a_byte_at_a_time_is_disconnected(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beatsync.daemon.connections.TIMEOUT", 1.0)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /status HTTP/1.1\r\nx: ")
        assert 0.8 < ends_after(client, time.monotonic()) < 5.0


def test_a_client_that_does_not_read_is_disconnected(
    server: Server, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.connections.TIMEOUT", 1.0)
    server.endpoints = replace(daemon.endpoints(), metrics=lambda: b"x" * 50_000_000)
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        until(lambda: threading.active_count() > before_requests())
        until(lambda: threading.active_count() == before_requests(), 5.0)


def test_probes_are_answered_during_an_attack_by_slow_clients(server: Server) -> None:
    """200 clients that send headers slowly; each connects again once after it was disconnected, so the attack ends by itself."""

    def attack() -> None:
        for _ in range(2):
            with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                client.sendall(b"GET /status HTTP/1.1\r\nx: ")
                ends_after(client, 0.0)

    clients = [threading.Thread(target=attack, daemon=True) for _ in range(200)]
    for client in clients:
        client.start()
    slowest = 0.0
    while any(client.is_alive() for client in clients):
        began = time.monotonic()
        assert send(server, "/-/healthy")[0] == 200
        slowest = max(slowest, time.monotonic() - began)
        assert threading.active_count() - before_requests() <= MAX_CONNECTIONS + 1
    assert slowest < 1.0


def test_a_connection_above_the_limit_is_refused_if_none_ends(
    server: Server, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.connections.MAX_CONNECTIONS", 2)
    release = threading.Event()
    server.endpoints = replace(daemon.endpoints(), metrics=lambda: b"x" if release.wait(20) else b"")
    busy = [threading.Thread(target=lambda: suppressed_send(server), daemon=True) for _ in range(2)]
    for thread in busy:
        thread.start()
    until(lambda: threading.active_count() - before_requests() == 2)
    began = time.monotonic()
    assert send(server, "/status")[0] == 503
    assert time.monotonic() - began < 2.0
    release.set()
    for thread in busy:
        thread.join(10)
    until(lambda: send(server, "/status")[0] == 200)


def suppressed_send(server: Server) -> None:
    with suppress(OSError, http.client.HTTPException):
        send(server, "/metrics")


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
