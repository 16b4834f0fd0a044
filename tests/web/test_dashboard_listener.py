"""The dashboard on the daemon's listener: who may read it, and that it keeps no probe waiting."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections

from beatsync.daemon.http import Endpoints, Server
from beatsync.store import Store
from beatsync.web.dashboard import listener
from beatsync.web.dashboard.listener import AT_ONCE, Listener, is_loopback
from beatsync.web.dashboard.pages import Dashboard
from tests.conftest import Backend
from tests.daemon.daemons import daemon, write
from tests.processes import until

Answer = tuple[int, str, dict[str, str]]
Serve = Callable[..., Server]


@pytest.fixture
def store(sqlite_backend: Backend) -> Store:
    return Store(sqlite_backend.alias, project_settings=False)


@pytest.fixture
def serve(store: Store) -> Iterator[Serve]:
    servers: list[Server] = []

    def start(token: str | None = None, *hosts: str) -> Server:
        pages = Listener(Dashboard(store), token, hosts)
        server = Server(
            "127.0.0.1", 0, Endpoints(lambda: None, lambda: None, dict, lambda: b"", lambda _: True, token, pages)
        )
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def send(server: Server, path: str = "/schedules/", method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body, {key.lower(): value for key, value in response.getheaders()}


def test_a_page_has_a_strict_policy_and_head_has_no_body(serve: Serve) -> None:
    server = serve()
    status, body, headers = send(server)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>Schedules</h1>" in body
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    status, body, headers = send(server, method="HEAD")
    assert (status, body) == (200, "")
    assert int(headers["content-length"]) > 1000
    assert send(server, "/nothing")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_page_is_only_read(serve: Serve, method: str) -> None:
    status, _, headers = send(serve(), method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD")


def basic(password: str, user: str = "anyone") -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401), ("Bearer wrong", 401), ("Bearer", 401), ("s3:cret", 401), (basic("wrong"), 401), ("Basic !", 401),
        ("Basic ü", 401), (basic(""), 401), ("Digest s3:cret", 401),
        ("Bearer s3:cret", 200), ("bearer s3:cret", 200), (basic("s3:cret"), 200), (basic("s3:cret", ""), 200),
    ],
)  # fmt: skip
def test_a_token_is_the_password_of_any_user(serve: Serve, authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode().decode("latin-1")}
    actual, body, response_headers = send(serve("s3:cret"), **headers)
    assert actual == status
    assert "s3:cret" not in body
    if status == 401:
        assert response_headers["www-authenticate"].startswith("Basic realm=")
        assert "schedule" not in body.lower()


def test_a_token_in_the_url_does_not_count(serve: Serve) -> None:
    assert send(serve("s3cret"), "/schedules/?token=s3cret")[0] == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:9808", 200), ("localhost.", 200), ("127.0.0.1:1", 200), ("[::1]:9808", 200),
        (socket.gethostname(), 200), ("beat.example", 200), ("evil.example", 421), ("evil.example:9808", 421),
        ("localhost.evil.example", 421), ("192.0.2.7", 421), ("0.0.0.0", 421), ("", 421), ("[", 421),
        ("localhost:x@evil.example", 421), ("[::1]evil.example", 421), ("localhost,evil.example", 421), ("localhost..", 421),
    ],
)  # fmt: skip
def test_a_page_answers_to_names_of_this_machine_only(serve: Serve, host: str, status: int) -> None:
    server = serve(None, "Beat.Example", "0.0.0.0")
    assert send(server, Host=host)[0] == status
    assert send(server, "/-/healthy", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"GET http://localhost/schedules/ HTTP/1.1\r\nHost: evil.example", 200),
        (b"GET http://evil.example/schedules/ HTTP/1.1\r\nHost: localhost", 421),
        (b"GET /schedules/ HTTP/1.1\r\nHost: localhost\r\nHost: evil.example", 421),
    ],
)
def test_the_host_of_an_absolute_url_counts_and_two_headers_are_none(serve: Serve, start: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", serve().port), timeout=10) as connection:
        connection.sendall(start + b"\r\n\r\n")
        assert connection.makefile("rb").readline().split()[1] == str(status).encode()


def test_a_token_may_have_any_characters(serve: Serve) -> None:
    server = serve("tök€n")
    bearer = "Bearer tök€n".encode().decode("latin-1")
    assert send(server, Authorization=bearer)[0] == 200
    assert send(server, Authorization=basic("tök€n"))[0] == 200
    assert send(server, "/-/sync", "POST", Authorization=bearer)[0] == 202


def test_probes_are_answered_while_pages_are_slow_and_the_pages_are_limited(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_WAIT", 0.05)
    release, working = threading.Event(), threading.Semaphore(0)
    respond = Dashboard.respond

    def slow(*arguments: object) -> object:
        working.release()
        assert release.wait(20)
        return respond(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Dashboard, "respond", slow)
    server = serve()
    answers: list[int] = []
    readers = [threading.Thread(target=lambda: answers.append(send(server)[0])) for _ in range(AT_ONCE)]
    for reader in readers:
        reader.start()
        assert working.acquire(timeout=10)
    status, _, headers = send(server)
    assert (status, headers["retry-after"]) == (503, "2")
    for path in ("/-/healthy", "/-/ready", "/metrics"):
        assert send(server, path)[0] == 200
    release.set()
    for reader in readers:
        reader.join(10)
    assert answers == [200] * AT_ONCE
    assert send(server)[0] == 200


def test_no_connection_to_the_database_stays_open(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    closed: list[object] = []
    close = Store.close

    def noted(self: Store) -> None:
        opened.append(connections[self.alias].connection)
        close(self)
        closed.append(connections[self.alias].connection)

    monkeypatch.setattr(Store, "close", noted)
    assert send(serve())[0] == 200
    assert (len(opened), opened[0] is not None, closed) == (1, True, [None])


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("host", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_daemon_serves_the_dashboard(tmp_path: Path, sqlite_backend: Backend) -> None:
    write(tmp_path / "specs", "nightly")
    flags = ("--dashboard", "--source", "shop", "--token", "s3cret", "--dashboard-host", "beat.example")
    with daemon(tmp_path / "specs", sqlite_backend.url, tmp_path, *flags) as running:
        running.until_ready()
        headers = {"Authorization": basic("s3cret"), "Host": "beat.example"}
        assert running.get("/")[0] == 401
        assert running.get("/", **{**headers, "Host": "evil.example"})[0] == 421
        until(lambda: "nightly" in running.get("/schedules/", **headers)[1])
        until(lambda: "Each source of schedules" in running.get("/", **headers)[1])
        (tmp_path / "specs" / "a.yaml").write_text(
            "schedules: {nightly: {task: t, interval: nonsense}}", encoding="utf-8"
        )
        until(lambda: "a.yaml:1:42: " in running.get("/", **headers)[1], what=lambda: running.get("/", **headers)[1])


def test_the_dashboard_is_off_by_default(tmp_path: Path, sqlite_backend: Backend) -> None:
    write(tmp_path / "specs", "nightly")
    with daemon(tmp_path / "specs", sqlite_backend.url, tmp_path) as running:
        assert running.get("/")[0] == 404
