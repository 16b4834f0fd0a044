"""The daemon as a process: start, stop, two replicas, and a database that becomes unavailable."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections

from beatsync.store import Store
from tests.conftest import Backend, Server
from tests.daemon.daemons import Daemon, daemon, write
from tests.processes import run, until, wait_until
from tests.proxies import Proxy
from tests.store.granting import account, as_user


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "specs"


def names(store: Store) -> set[str]:
    return set(store.observe("default").rows)


def test_it_syncs_serves_its_endpoints_and_ends(sqlite_backend: Backend, folder: Path, tmp_path: Path) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    write(folder, "first")
    with daemon(folder, sqlite_backend.url, tmp_path) as running:
        running.until_ready()
        assert names(store) == {"first"}
        assert running.get("/-/healthy") == (200, "healthy\n")
        status = running.status()
        assert (status["phase"], status["schedules"], status["watcher"]) == ("synced", 1, "events")
        assert 'beatsync_reconciles_total{result="applied",source="default"} 1.0' in running.get("/metrics")[1]
        write(folder, "first", "second")
        until(lambda: names(store) == {"first", "second"}, what=lambda: running.log)
        running.process.send_signal(signal.SIGHUP)
        until(lambda: 'result="unchanged",source="default"} 1.0' in running.get("/metrics")[1])
        assert running.get("/-/sync", "POST")[0] == 202
        until(lambda: 'result="unchanged",source="default"} 2.0' in running.get("/metrics")[1])
        assert running.end(signal.SIGTERM) == 0
        assert "Traceback" not in running.log
    assert store.leader("default") is None


def test_one_process_syncs_several_sources_and_ends_on_sigint(sqlite_backend: Backend, tmp_path: Path) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    write(tmp_path / "shop", "one")
    write(tmp_path / "billing", "two")
    with daemon(Path("shop=shop"), sqlite_backend.url, tmp_path, "billing=billing") as running:
        running.until_ready()
        assert {state.name: [*store.observe(state.name).inventory] for state in store.sources()} == {
            "billing": ["two"],
            "shop": ["one"],
        }
        assert running.get("/-/sync?source=shop", "POST")[0] == 202
        assert running.get("/-/sync?source=elsewhere", "POST")[0] == 404
        assert running.end(signal.SIGINT) == 0


def test_a_broken_source_does_not_affect_another(sqlite_backend: Backend, tmp_path: Path) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    write(tmp_path / "good", "one")
    write(tmp_path / "bad")
    (tmp_path / "bad" / "b.yaml").write_text("schedules: nonsense")
    with daemon(Path("good=good"), sqlite_backend.url, tmp_path, "bad=bad", "gone=gone", "--resync", "1s") as running:
        running.until_phase("synced", name="good")
        running.until_phase("invalid", name="bad")
        running.until_phase("failed", name="gone")
        assert running.get("/-/ready") == (503, "not synced yet: bad, gone\n")
        for number in range(3):
            write(tmp_path / "good", f"one-{number}")
            until(lambda name=f"one-{number}": name in names(store), what=lambda: running.log)  # type: ignore[misc]
        assert {state.name: state.outcome for state in store.sources()} == {
            "bad": "invalid", "gone": "failed", "good": "applied",
        }  # fmt: skip
        assert running.get("/-/healthy")[0] == 200
        write(tmp_path / "gone", "two")
        (tmp_path / "bad" / "b.yaml").unlink()
        write(tmp_path / "bad", "three")
        running.until_ready()


def test_no_output_contains_a_secret(sqlite_backend: Backend, folder: Path, tmp_path: Path) -> None:
    """Neither for rows that are written, nor for an invalid file, nor for a row that the database rejects."""
    store = Store(sqlite_backend.alias, project_settings=False)
    write(folder)
    spec = folder / "a.yaml"
    text = "schedules: {one: {task: t, interval: 1h, queue: %s, args: [{apiKey: s3cr3t}], kwargs: {token: s3cr3t%s}}}"
    with daemon(folder, sqlite_backend.url, tmp_path, "--verbose") as running:

        def outputs(phase: str) -> str:
            running.until_phase(phase)
            return running.get("/status")[1] + running.get("/metrics")[1] + running.get("/-/ready")[1] + running.log

        spec.write_text(text % ("a", ""))
        until(lambda: names(store) == {"one"}, what=lambda: running.log)
        output = outputs("synced")
        spec.write_text(text % ("a", "-anew, x: 12:30"))
        output += outputs("invalid")
        spec.write_text(text % ("a", "-anew"))
        until(lambda: "s3cr3t-anew" in store.observe("default").rows["one"].spec.kwargs, what=lambda: running.log)
        output += outputs("synced")
        with connections[sqlite_backend.alias].cursor() as cursor:
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE UPDATE ON django_celery_beat_periodictask"
                " BEGIN SELECT RAISE(ABORT, 'rejected by a trigger'); END"
            )
        try:
            spec.write_text(text % ("b", "-third"))
            output += outputs("failed")
        finally:
            with connections[sqlite_backend.alias].cursor() as cursor:
                cursor.execute("DROP TRIGGER refuse")
        assert running.end() == 0
        output += running.log
    output += str([entry.changes for entry in store.history("default", 9)])
    assert "invalid" in output
    assert "rejected by a trigger" in output
    assert "s3cr3t" not in output


class TestSystemd:
    def test_it_reports_its_start_readiness_watchdog_and_stop(
        self, sqlite_backend: Backend, folder: Path, tmp_path: Path
    ) -> None:
        states: list[str] = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(tmp_path / "notify"))

            def listen() -> None:
                while states[-1:] != ["STOPPING=1"]:
                    states.append(listener.recv(1000).decode())

            thread = threading.Thread(target=listen, daemon=True)
            thread.start()
            environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
            with daemon(folder, sqlite_backend.url, tmp_path, **environment) as running:
                until(lambda: "STATUS=default: failed" in states, what=lambda: running.log)
                until(lambda: states.count("WATCHDOG=1") > 2, what=lambda: states)
                assert "READY=1" not in states
                assert "EXTEND_TIMEOUT_USEC=60000000" in states
                write(folder, "first")
                until(lambda: "READY=1" in states, what=lambda: running.log)
                assert running.end() == 0
            thread.join(30)
        assert states[-1] == "STOPPING=1"


class TestWithoutFileEvents:
    @pytest.mark.parametrize("what", ["instances", "watches"])
    def test_exhausted_limits_are_reported_and_the_poll_goes_on(
        self, sqlite_backend: Backend, folder: Path, tmp_path: Path, what: str
    ) -> None:
        # A user namespace has separate limits, so no other process is affected.
        limited = ["unshare", "--user", "--map-root-user", "sh", "-c"]
        set_limit = f"echo 0 > /proc/sys/user/max_inotify_{what}"
        if subprocess.run([*limited, set_limit], check=False, capture_output=True).returncode:
            pytest.skip("user namespaces are unavailable")
        store = Store(sqlite_backend.alias, project_settings=False)
        write(folder, "first")
        before = [*limited, f'{set_limit} && exec "$0" "$@"']
        with daemon(folder, sqlite_backend.url, tmp_path, before=before) as running:
            running.until_phase("synced")
            status = running.status()
            assert status["watcher"] == "polling"
            assert re.search("inotify|space|files", status["watcher_problem"])
            assert 'beatsync_watcher_events{source="default"} 0.0' in running.get("/metrics")[1]
            write(folder, "second")
            until(lambda: names(store) == {"second"}, what=lambda: running.log)
            assert running.log.count("polling instead") == 1
            assert running.end() == 0


class TestStartThatFails:
    def start(self, tmp_path: Path, *words: str) -> tuple[int, str]:
        process = run("-m", "beatsync", "run", *words, cwd=tmp_path)
        assert "Traceback" not in process.stderr
        return process.returncode, process.stderr

    def test_an_address_in_use_exits_with_1(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            code, error = self.start(tmp_path, "--listen", f"127.0.0.1:{server.getsockname()[1]}")
        assert code == 1
        assert "cannot listen on 127.0.0.1:" in error
        assert "--listen" in error

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--listen", "nonsense"), "is not HOST:PORT"),
            (("--resync", "0.1"), "--resync"),
            (("a", "b"), "each of several sources has a name: write NAME=a"),
            (("x=a", "x=b"), "the source 'x' occurs twice"),
            (("x=a", "--source", "y"), "twice"),
            (("=a",), "neither DIR nor NAME=DIR"),
        ],
    )
    def test_wrong_usage_exits_with_64(self, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
        code, error = self.start(tmp_path, *words)
        assert code == 64
        assert message in error


def test_status_can_wait_for_the_first_success(sqlite_backend: Backend, folder: Path, tmp_path: Path) -> None:
    def wait(seconds: str, *words: str) -> tuple[int, str]:
        process = run(
            "-m", "beatsync", "status", "--database-url", sqlite_backend.url, "--wait", seconds, *words, cwd=tmp_path
        )
        return process.returncode, process.stdout + process.stderr

    code, output = wait("1s")
    assert code == 1
    assert "after 1 s" in output
    write(folder, "first")
    results: list[tuple[int, str]] = []
    waiter = threading.Thread(target=lambda: results.append(wait("60s", "--source", "default")))
    waiter.start()
    with daemon(folder, sqlite_backend.url, tmp_path) as running:
        waiter.join()
        ((code, output),) = results
        assert code == 0
        assert "default: applied" in output
        digest = running.status()["revision"]["digest"]
        assert wait("20s", "--revision", digest[:10])[0] == 0
        assert wait("1s", "--revision", "0123456789")[0] == 1


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: number.name)
def test_a_killed_or_frozen_leader_is_replaced_and_writes_nothing_later(
    database_url: str, store: Store, folder: Path, tmp_path: Path, number: int
) -> None:
    other = tmp_path / "other"
    write(folder, "old")
    write(other, "old")
    with ExitStack() as stack:
        leader = stack.enter_context(daemon(folder, database_url, tmp_path))
        leader.until_phase("synced")
        follower = stack.enter_context(daemon(other, database_url, tmp_path))
        follower.until_phase("standing by")
        assert leader.status()["is_leader"]
        assert str(leader.process.pid) in follower.status()["leader"]

        leader.process.send_signal(number)
        started = time.monotonic()
        write(other, "new")
        write(folder, "stale")
        follower.until_phase("synced", 40)
        assert time.monotonic() - started < 35
        assert names(store) == {"new"}
        if number == signal.SIGSTOP:
            leader.process.send_signal(signal.SIGCONT)
            leader.until_phase("standing by")
            assert leader.get("/-/sync", "POST")[0] == 202
            assert leader.get("/-/healthy")[0] == 200
            until(lambda: leader.status()["phase"] == "standing by")
            assert names(store) == {"new"}
            appliers = [
                entry.actor
                for entry in store.history("default", 100)
                if "stale" in json.dumps(entry.changes, default=str)
            ]
            assert not appliers


@pytest.mark.lab
class TestDatabaseThatBecomesUnavailable:
    @pytest.fixture
    def proxied(self, database_url: str) -> Iterator[tuple[Proxy, str]]:
        if database_url.startswith("sqlite"):
            pytest.skip("SQLite has no server")
        proxy, url = Proxy.before(database_url)
        yield proxy, url
        proxy.cut()

    @pytest.mark.parametrize("how", ["cut", "drop"])
    def test_syncs_continue_when_it_returns(
        self, proxied: tuple[Proxy, str], store: Store, folder: Path, tmp_path: Path, how: str
    ) -> None:
        proxy, url = proxied
        write(folder, "first")
        with daemon(folder, url, tmp_path, "--resync", "1s") as running:
            running.until_ready()
            getattr(proxy, how)()
            write(folder, "second")
            if how == "cut":
                running.until_phase("failed")
                assert running.get("/-/healthy")[0] == 200
                assert running.get("/-/ready")[0] == 200
                assert names(store) == {"first"}
                proxy.restore()
            until(lambda: names(store) == {"second"}, what=lambda: running.log)
            assert running.until_phase("synced")["failures"] == 0
            assert running.process.poll() is None
            assert "Traceback" not in running.log

    def test_a_silent_server_does_not_delay_the_shutdown(
        self, proxied: tuple[Proxy, str], folder: Path, tmp_path: Path
    ) -> None:
        proxy, url = proxied
        write(folder, "first")
        with daemon(folder, url, tmp_path, "--grace", "2s") as running:
            running.until_ready()
            proxy.silence()
            assert running.get("/-/sync", "POST")[0] == 202
            write(folder, "second")
            started = time.monotonic()
            assert running.end() == 1
            assert time.monotonic() - started < 20
            assert re.search("did not end within the grace period|does not respond", running.log)

    def test_it_may_be_unavailable_at_the_start(
        self, proxied: tuple[Proxy, str], store: Store, folder: Path, tmp_path: Path
    ) -> None:
        proxy, url = proxied
        proxy.cut()
        write(folder, "first")
        with daemon(folder, url, tmp_path) as running:
            until(lambda: "the leases cannot be requested" in running.log, what=lambda: running.log)
            assert running.get("/-/healthy")[0] == 200
            assert running.get("/-/ready")[0] == 503
            running.until_phase("failed")
            proxy.restore()
            running.until_ready()
            assert names(store) == {"first"}


@pytest.mark.lab
class TestDatabaseThatCannotBeWritten:
    """The daemon recovers within 10 s, although its sessions work as far as the driver can see."""

    RECOVERY = 10.0

    @pytest.fixture
    def recovered(self, store: Store, record_property: Callable[[str, object], None]) -> Callable[[Daemon], None]:
        """Return a check that a new revision is synced in time. No event triggers the sync: the files changed before."""

        def check(running: Daemon) -> None:
            seconds = wait_until(lambda: names(store) == {"second"}, self.RECOVERY, lambda: running.log)
            record_property("measured", f"{seconds:.1f} s")
            running.until_phase("synced")
            assert "Traceback" not in running.log

        return check

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    @pytest.mark.parametrize("is_running", [False, True])
    def test_a_database_that_was_read_only(
        self, backend: Backend, recovered: Callable[[Daemon], None], folder: Path, tmp_path: Path, *, is_running: bool
    ) -> None:
        sql, database = as_user(backend.url), urlsplit(backend.url).path[1:]
        others = "pid <> pg_backend_pid() AND application_name = 'read-only test'"
        url = f"{backend.url}?application_name=read-only%20test"

        def set_read_only(*, on: bool) -> None:
            sql(
                f"SET transaction_read_only = off; ALTER DATABASE {database} SET default_transaction_read_only = {'on' if on else 'off'}"
            )

        write(folder, "first")
        try:
            set_read_only(on=not is_running)
            with daemon(folder, url, tmp_path, "--resync", "1s") as running:
                if is_running:
                    running.until_phase("synced")
                    set_read_only(on=True)
                    # New sessions are read-only; those of a standby began like that.
                    sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
                write(folder, "second")
                until(lambda: running.status()["failures"] >= 3, what=lambda: running.log)
                assert "read-only transaction" in running.log
                assert running.get("/-/healthy")[0] == 200
                set_read_only(on=False)
                recovered(running)
        finally:
            set_read_only(on=False)

    @pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
    def test_a_host_name_that_leads_to_another_server(
        self, backend: Backend, recovered: Callable[[Daemon], None], folder: Path, tmp_path: Path
    ) -> None:
        proxy, url = Proxy.before(backend.url)
        write(folder, "first")
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            daemon(folder, url, tmp_path, "--resync", "1s") as running,
        ):
            running.until_phase("synced")
            home, proxy.target = proxy.target, listener.getsockname()
            listener.close()  # the other server is down
            proxy.drop()
            write(folder, "second")
            until(lambda: running.status()["failures"] >= 3, what=lambda: running.log)
            proxy.target = home
            recovered(running)
        proxy.cut()

    @pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
    def test_a_login_that_is_refused_for_a_while(
        self, server: Callable[[str], Server], backend: Backend, folder: Path, tmp_path: Path,
        record_property: Callable[[str, object], None],
    ) -> None:  # fmt: skip
        refuse, accept, sessions = LOGINS[backend.name]
        write(folder, "first")
        with account(server(backend.name).create()) as granted:
            sql, user = granted.sql, granted.user
            task = "SELECT name FROM django_celery_beat_periodictask"
            with daemon(folder, granted.url, tmp_path, "--resync", "1s") as running:
                running.until_phase("synced")
                sql(refuse.format(user=user))
                for (kill,) in sql(sessions.format(user=user)):
                    if backend.name == "mariadb":
                        sql(kill)
                write(folder, "second")
                until(lambda: running.status()["failures"] >= 3, what=lambda: running.log)
                assert "secret" not in running.log
                sql(accept.format(user=user))
                seconds = wait_until(lambda: sql(task) == [("second",)], self.RECOVERY, lambda: running.log)
                record_property("measured", f"{seconds:.1f} s")
                assert running.end() == 0

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_sessions_that_are_ended_again_and_again(
        self, backend: Backend, store: Store, folder: Path, tmp_path: Path
    ) -> None:
        sql = as_user(backend.url)
        url = f"{backend.url}?application_name=ended%20test"
        with daemon(folder, url, tmp_path, "--resync", "1s") as running:
            for number in range(10):
                write(folder, f"task-{number}")
                sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended test'")
                until(lambda name=f"task-{number}": names(store) == {name}, 10.0, lambda: running.log)  # type: ignore[misc]
            assert "Traceback" not in running.log


LOGINS = {
    "postgresql": (
        "ALTER ROLE {user} NOLOGIN",
        "ALTER ROLE {user} LOGIN",
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE usename = '{user}'",
    ),
    "mariadb": (
        "ALTER USER '{user}'@'%' IDENTIFIED BY 'rotated'",
        "ALTER USER '{user}'@'%' IDENTIFIED BY 'secret'",
        "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE user = '{user}'",
    ),
}
"""How a login is refused and accepted again, and what ends its sessions."""


def test_missing_tables_are_named_and_may_be_created_later(bare_url: str, folder: Path, tmp_path: Path) -> None:
    write(folder, "first")
    migrate = ("-m", "beatsync", "migrate", "--database-url", bare_url)
    with daemon(folder, bare_url, tmp_path) as running:
        message = running.until_phase("failed")["message"]
        assert "are missing or too old: migrations" in message
        assert "Run `" in message
        assert running.get("/-/healthy")[0] == 200
        assert running.get("/-/ready")[0] == 503
        assert run(*migrate, cwd=tmp_path).returncode == 0
        until(lambda: "django-celery-beat" in running.status()["message"], what=lambda: running.log)
        assert run(*migrate, "--with-beat", cwd=tmp_path).returncode == 0
        running.get("/-/sync", "POST")
        running.until_ready()
        assert "Traceback" not in running.log
