"""The daemon as a process: how it begins and ends, two of them, and a database that goes away."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connections

from beatsync.store import Store
from tests.conftest import Backend
from tests.daemon.daemons import daemon, write
from tests.processes import run, until
from tests.proxies import Proxy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "specs"


def names(store: Store) -> set[str]:
    return set(store.observe("default").rows)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_it_syncs_answers_and_ends(sqlite_backend: Backend, folder: Path, tmp_path: Path, number: int) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    write(folder, "first")
    with daemon(folder, sqlite_backend.url, tmp_path) as one:
        one.until_ready()
        assert names(store) == {"first"}
        assert one.get("/-/healthy") == (200, "healthy\n")
        status = one.status()
        assert (status["phase"], status["schedules"], status["watcher"]) == ("synced", 1, "events")
        assert 'beatsync_reconciles_total{result="applied",source="default"} 1.0' in one.get("/metrics")[1]
        write(folder, "first", "second")
        until(lambda: names(store) == {"first", "second"}, what=lambda: one.log)
        one.process.send_signal(signal.SIGHUP)
        until(lambda: 'result="unchanged",source="default"} 1.0' in one.get("/metrics")[1])
        assert one.get("/-/sync", "POST")[0] == 202
        until(lambda: 'result="unchanged",source="default"} 2.0' in one.get("/metrics")[1])
        assert one.end(number) == 0
        assert "Traceback" not in one.log
    assert store.leader("default") is None


def test_several_sources_in_one_process(sqlite_backend: Backend, tmp_path: Path) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    write(tmp_path / "shop", "one")
    write(tmp_path / "billing", "two")
    with daemon(Path("shop=shop"), sqlite_backend.url, tmp_path, "billing=billing") as one:
        one.until_ready()
        assert {state.name: [*store.observe(state.name).inventory] for state in store.sources()} == {
            "billing": ["two"],
            "shop": ["one"],
        }
        assert one.get("/-/sync?source=shop", "POST")[0] == 202
        assert one.get("/-/sync?source=elsewhere", "POST")[0] == 404


def test_one_broken_source_does_not_disturb_another(sqlite_backend: Backend, tmp_path: Path) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    write(tmp_path / "good", "one")
    write(tmp_path / "bad")
    (tmp_path / "bad" / "b.yaml").write_text("schedules: nonsense")
    with daemon(Path("good=good"), sqlite_backend.url, tmp_path, "bad=bad", "gone=gone", "--resync", "1s") as one:
        one.until_phase("synced", name="good")
        one.until_phase("invalid", name="bad")
        one.until_phase("failed", name="gone")
        assert one.get("/-/ready") == (503, "not synced yet: bad, gone\n")
        for number in range(3):
            write(tmp_path / "good", f"one-{number}")
            until(lambda name=f"one-{number}": name in names(store), what=lambda: one.log)  # type: ignore[misc]
        assert {state.name: state.outcome for state in store.sources()} == {
            "bad": "invalid", "gone": "failed", "good": "applied",
        }  # fmt: skip
        assert one.get("/-/healthy")[0] == 200
        write(tmp_path / "gone", "two")
        (tmp_path / "bad" / "b.yaml").unlink()
        write(tmp_path / "bad", "three")
        one.until_ready()


def test_it_tells_no_secret(sqlite_backend: Backend, folder: Path, tmp_path: Path) -> None:
    """Neither of what it writes, nor of what is wrong with a file, nor of a row that the database refuses."""
    store = Store(sqlite_backend.alias, project_settings=False)
    write(folder)
    spec = folder / "a.yaml"
    text = "schedules: {one: {task: t, interval: 1h, queue: %s, args: [{apiKey: s3cr3t}], kwargs: {token: s3cr3t%s}}}"
    with daemon(folder, sqlite_backend.url, tmp_path, "--verbose") as one:

        def told(phase: str) -> str:
            one.until_phase(phase)
            return one.get("/status")[1] + one.get("/metrics")[1] + one.get("/-/ready")[1] + one.log

        spec.write_text(text % ("a", ""))
        until(lambda: names(store) == {"one"}, what=lambda: one.log)
        said = told("synced")
        spec.write_text(text % ("a", "-anew, x: 12:30"))
        said += told("invalid")
        spec.write_text(text % ("a", "-anew"))
        until(lambda: "s3cr3t-anew" in store.observe("default").rows["one"].spec.kwargs, what=lambda: one.log)
        said += told("synced")
        with connections[sqlite_backend.alias].cursor() as cursor:
            cursor.execute(
                "CREATE TRIGGER refuse BEFORE UPDATE ON django_celery_beat_periodictask"
                " BEGIN SELECT RAISE(ABORT, 'not in this house'); END"
            )
        try:
            spec.write_text(text % ("b", "-third"))
            said += told("failed")
        finally:
            with connections[sqlite_backend.alias].cursor() as cursor:
                cursor.execute("DROP TRIGGER refuse")
        assert one.end() == 0
        said += one.log
    said += str([entry.changes for entry in store.history("default", 9)])
    assert "yaml-" in said or "invalid" in said
    assert "not in this house" in said
    assert "s3cr3t" not in said


class TestWhatSystemdIsTold:
    def test_it_is_ready_when_it_has_synced_and_lives_and_ends(
        self, sqlite_backend: Backend, folder: Path, tmp_path: Path
    ) -> None:
        told: list[str] = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(tmp_path / "notify"))

            def listen() -> None:
                while told[-1:] != ["STOPPING=1"]:
                    told.append(listener.recv(1000).decode())

            thread = threading.Thread(target=listen, daemon=True)
            thread.start()
            environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
            with daemon(folder, sqlite_backend.url, tmp_path, **environment) as one:
                until(lambda: "STATUS=default: failed" in told, what=lambda: one.log)
                until(lambda: told.count("WATCHDOG=1") > 2, what=lambda: told)
                assert "READY=1" not in told
                assert "EXTEND_TIMEOUT_USEC=60000000" in told
                write(folder, "first")
                until(lambda: "READY=1" in told, what=lambda: one.log)
                assert one.end() == 0
            thread.join(30)
        assert told[-1] == "STOPPING=1"


class TestWithoutFileEvents:
    @pytest.mark.parametrize("what", ["instances", "watches"])
    def test_exhausted_limits_are_told_and_the_poll_goes_on(
        self, sqlite_backend: Backend, folder: Path, tmp_path: Path, what: str
    ) -> None:
        # A user namespace has limits of its own, so nobody else's are used up.
        limited = ["unshare", "--user", "--map-root-user", "sh", "-c"]
        set_limit = f"echo 0 > /proc/sys/user/max_inotify_{what}"
        if subprocess.run([*limited, set_limit], check=False, capture_output=True).returncode:
            pytest.skip("user namespaces cannot be made here")
        store = Store(sqlite_backend.alias, project_settings=False)
        write(folder, "first")
        before = [*limited, f'{set_limit} && exec "$0" "$@"']
        with daemon(folder, sqlite_backend.url, tmp_path, before=before) as one:
            one.until_phase("synced")
            told = one.status()
            assert told["watcher"] == "polling"
            assert re.search("inotify|space|files", told["watcher_problem"])
            assert 'beatsync_watcher_events{source="default"} 0.0' in one.get("/metrics")[1]
            write(folder, "second")
            until(lambda: names(store) == {"second"}, what=lambda: one.log)
            assert one.log.count("polling instead") == 1
            assert one.end() == 0


class TestHowItCannotBegin:
    def begin(self, tmp_path: Path, *words: str) -> tuple[int, str]:
        ended = run("-m", "beatsync", "run", *words, cwd=tmp_path)
        assert "Traceback" not in ended.stderr
        return ended.returncode, ended.stderr

    def test_an_address_that_is_taken(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            code, told = self.begin(tmp_path, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert code == 1
        assert "cannot listen on 127.0.0.1:" in told
        assert "--listen" in told

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--listen", "nonsense"), "is not HOST:PORT"),
            (("--resync", "0.1"), "--resync"),
            (("a", "b"), "each of several sources has a name: write NAME=a"),
            (("x=a", "x=b"), "the source 'x' is given twice"),
            (("x=a", "--source", "y"), "twice"),
            (("=a",), "neither DIR nor NAME=DIR"),
        ],
    )
    def test_wrong_words(self, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
        code, said = self.begin(tmp_path, *words)
        assert code == 64
        assert told in said


def test_others_can_wait_for_the_first_success(sqlite_backend: Backend, folder: Path, tmp_path: Path) -> None:
    def wait(seconds: str, *words: str) -> tuple[int, str]:
        ended = run(
            "-m", "beatsync", "status", "--database-url", sqlite_backend.url, "--wait", seconds, *words, cwd=tmp_path
        )
        return ended.returncode, ended.stdout + ended.stderr

    code, told = wait("1s")
    assert code == 1
    assert "after 1 s" in told
    write(folder, "first")
    answers: list[tuple[int, str]] = []
    waiter = threading.Thread(target=lambda: answers.append(wait("60s", "--source", "default")))
    waiter.start()
    with daemon(folder, sqlite_backend.url, tmp_path) as one:
        waiter.join()
        assert answers[0][0] == 0
        assert "default: applied" in answers[0][1]
        digest = one.status()["revision"]["digest"]
        assert wait("20s", "--revision", digest[:10])[0] == 0
        assert wait("1s", "--revision", "0123456789")[0] == 1


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: number.name)
def test_a_leader_that_is_killed_or_frozen_is_replaced_and_can_do_no_harm(
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
        begun = time.monotonic()
        write(other, "new")
        write(folder, "stale")
        follower.until_phase("synced", 40)
        assert time.monotonic() - begun < 35
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


class TestThatTheDatabaseMayGo:
    @pytest.fixture
    def proxied(self, database_url: str) -> Iterator[tuple[Proxy, str]]:
        if database_url.startswith("sqlite"):
            pytest.skip("SQLite has no server")
        proxy, url = Proxy.before(database_url)
        yield proxy, url
        proxy.cut()

    @pytest.mark.parametrize("how", ["cut", "drop"])
    def test_it_goes_and_returns(
        self, proxied: tuple[Proxy, str], store: Store, folder: Path, tmp_path: Path, how: str
    ) -> None:
        proxy, url = proxied
        write(folder, "first")
        with daemon(folder, url, tmp_path, "--resync", "1s") as one:
            one.until_ready()
            getattr(proxy, how)()
            write(folder, "second")
            if how == "cut":
                one.until_phase("failed")
                assert one.get("/-/healthy")[0] == 200
                assert one.get("/-/ready")[0] == 200
                assert names(store) == {"first"}
                proxy.restore()
            until(lambda: names(store) == {"second"}, what=lambda: one.log)
            assert one.until_phase("synced")["failures"] == 0
            assert one.process.poll() is None
            assert "Traceback" not in one.log

    def test_one_that_is_silent_keeps_nobody_waiting_for_the_end(
        self, proxied: tuple[Proxy, str], folder: Path, tmp_path: Path
    ) -> None:
        proxy, url = proxied
        write(folder, "first")
        with daemon(folder, url, tmp_path, "--grace", "2s") as one:
            one.until_ready()
            proxy.silence()
            assert one.get("/-/sync", "POST")[0] == 202
            write(folder, "second")
            begun = time.monotonic()
            assert one.end() == 1
            assert time.monotonic() - begun < 20
            assert re.search("did not end within the time of grace|does not answer", one.log)

    def test_it_need_not_be_there_at_the_start(
        self, proxied: tuple[Proxy, str], store: Store, folder: Path, tmp_path: Path
    ) -> None:
        proxy, url = proxied
        proxy.cut()
        write(folder, "first")
        with daemon(folder, url, tmp_path) as one:
            until(lambda: "the lease cannot be asked for" in one.log, what=lambda: one.log)
            assert one.get("/-/healthy")[0] == 200
            assert one.get("/-/ready")[0] == 503
            one.until_phase("failed")
            proxy.restore()
            one.until_ready()
            assert names(store) == {"first"}


def test_tables_that_are_missing_are_named_and_may_come_later(bare_url: str, folder: Path, tmp_path: Path) -> None:
    write(folder, "first")
    migrate = ("-m", "beatsync", "migrate", "--database-url", bare_url)
    with daemon(folder, bare_url, tmp_path) as one:
        told = one.until_phase("failed")
        assert "are missing or too old: migrations" in told["message"]
        assert "Run `" in told["message"]
        assert one.get("/-/healthy")[0] == 200
        assert one.get("/-/ready")[0] == 503
        assert run(*migrate, cwd=tmp_path).returncode == 0
        until(lambda: "django-celery-beat" in one.status()["message"], what=lambda: one.log)
        assert run(*migrate, "--with-beat", cwd=tmp_path).returncode == 0
        one.get("/-/sync", "POST")
        one.until_ready()
        assert "Traceback" not in one.log
