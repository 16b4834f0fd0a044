from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator

import pytest

from beatsync.daemon.http import Face, Server

Answer = tuple[int, str, dict[str, str]]


class Daemon:
    """What the endpoints ask, as a test wants it answered."""

    def __init__(self) -> None:
        self.health: str | None = None
        self.readiness: str | None = None
        self.asked: list[str | None] = []
        self.token: str | None = None

    def sync(self, source: str | None) -> bool:
        self.asked.append(source)
        return source != "unknown"

    def face(self) -> Face:
        return Face(
            lambda: self.health, lambda: self.readiness, lambda: {"sources": ["ü"]}, lambda: b"a_metric 1\n", self.sync,
            self.token,
        )  # fmt: skip


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def server(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[Server]:
    daemon.token = getattr(request, "param", None)
    one = Server("127.0.0.1", 0, daemon.face())
    one.start()
    yield one
    one.close()


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, {key.lower(): value for key, value in answer.getheaders()}


@pytest.mark.parametrize(("path", "field"), [("/-/healthy", "health"), ("/-/ready", "readiness")])
def test_probes(server: Server, daemon: Daemon, path: str, field: str) -> None:
    assert ask(server, path)[0] == 200
    setattr(daemon, field, "the loop has not moved")
    status, body, _ = ask(server, path)
    assert (status, body) == (503, "the loop has not moved\n")


def test_status_and_metrics(server: Server) -> None:
    status, body, headers = ask(server, "/status?x=1")
    assert (status, json.loads(body)) == (200, {"sources": ["ü"]})
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    status, body, headers = ask(server, "/metrics")
    assert (status, body) == (200, "a_metric 1\n")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")


def test_a_head_has_no_body(server: Server) -> None:
    status, body, headers = ask(server, "/metrics", "HEAD")
    assert (status, body, headers["content-length"]) == (200, "", "11")


def test_a_sync_is_asked_for(server: Server, daemon: Daemon) -> None:
    assert ask(server, "/-/sync", "POST")[0] == 202
    assert ask(server, "/-/sync?source=shop", "POST")[0] == 202
    assert ask(server, "/-/sync?source=unknown", "POST")[0] == 404
    assert daemon.asked == [None, "shop", "unknown"]


@pytest.mark.parametrize("server", ["s3cret"], indirect=True)
@pytest.mark.parametrize(
    ("given", "status"),
    [(None, 401), ("Bearer wrong", 401), ("Basic s3cret", 401), ("bearer", 401), ("Bearer s3cret", 202)],
)
def test_a_token_is_asked_for_where_one_is_set(server: Server, daemon: Daemon, given: str | None, status: int) -> None:
    headers = {} if given is None else {"Authorization": given}
    found, body, said = ask(server, "/-/sync", "POST", **headers)
    assert found == status
    assert bool(daemon.asked) == (status == 202)
    assert "s3cret" not in body
    if status == 401:
        assert said["www-authenticate"] == "Bearer"
    assert ask(server, "/metrics")[0] == 200


def test_what_there_is_not(server: Server, daemon: Daemon) -> None:
    status, body, _ = ask(server, "/")
    assert status == 404
    assert "/-/healthy" in body
    assert ask(server, "/-/sync")[0] == 405
    assert ask(server, "/status", "POST")[0] == 404
    assert ask(server, "/status", "DELETE")[0] == 501
    assert not daemon.asked


def test_a_client_that_says_nothing_keeps_nobody_waiting(server: Server) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    for one in idle[:10]:
        one.sendall(b"GET /sta")
    assert ask(server, "/status")[0] == 200
    for one in idle:
        one.close()


def test_rubbish_is_refused(server: Server) -> None:
    for rubbish in (b"\x00\xff\r\n\r\n", b"GET " + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as one:
            one.sendall(rubbish)
            answer = b"".join(iter(lambda: one.recv(1000), b""))
        assert re.search(rb"\b(400|414|505)\b", answer)
        assert b"<" not in answer
    assert ask(server, "/status")[0] == 200


def test_an_address_that_is_taken_is_an_error(server: Server, daemon: Daemon) -> None:
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        Server("127.0.0.1", server.port, daemon.face())


def test_ipv6(daemon: Daemon) -> None:
    try:
        server = Server("::1", 0, daemon.face())
    except OSError:
        pytest.skip("this host has no IPv6")
    server.start()
    with socket.create_connection(("::1", server.port), timeout=10) as one:
        one.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        assert b"200" in one.recv(100)
    server.close()
