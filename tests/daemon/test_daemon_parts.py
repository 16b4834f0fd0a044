"""The small parts: the bell, back-off, logs, systemd."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.daemon import backoff, systemd
from beatsync.daemon.bell import Bell, Quiet
from beatsync.daemon.logs import JsonFormatter, TextFormatter


class TestQuiet:
    def test_a_burst_is_heard_when_it_has_been_quiet(self) -> None:
        assert Quiet(0.5, 5.0).due(first=10.0, last=10.0) == 10.5
        assert Quiet(0.5, 5.0).due(first=10.0, last=12.0) == 12.5

    def test_and_at_most_so_late(self) -> None:
        assert Quiet(0.5, 5.0).due(first=10.0, last=14.9) == 15.0


class TestBell:
    def test_many_rings_are_one(self) -> None:
        bell = Bell(Quiet(0.01, 1.0))
        for reason in ("event", "poll", "event"):
            bell.ring(reason)
        assert bell.wait(time.monotonic() + 10) == ("event", "poll")
        assert bell.wait(time.monotonic() + 0.01) == ()

    def test_the_clock_alone_answers_nothing(self) -> None:
        assert Bell(Quiet()).wait(time.monotonic() - 1) == ()

    def test_it_wakes_who_waits(self) -> None:
        bell, heard = Bell(Quiet(0.0, 0.0)), []
        thread = threading.Thread(target=lambda: heard.append(bell.wait(time.monotonic() + 60)))
        thread.start()
        bell.ring("event")
        thread.join(30)
        assert heard == [("event",)]

    def test_closed_it_lets_nobody_wait(self) -> None:
        bell = Bell(Quiet(60, 60))
        thread = threading.Thread(target=lambda: bell.wait(time.monotonic() + 60))
        thread.start()
        bell.close()
        thread.join(30)
        assert not thread.is_alive()

    def test_a_burst_without_an_end_is_heard_all_the_same(self) -> None:
        now = [100.0]
        bell = Bell(Quiet(0.5, 5.0), clock=lambda: now[0])
        for _ in range(60):
            bell.ring("event")
            now[0] += 0.1
        assert bell.wait(until=1e9) == ("event",)


class TestBackOff:
    def test_it_doubles_up_to_five_minutes(self) -> None:
        assert [backoff.delay(n, 0.0) for n in (1, 2, 3, 9, 10, 1000)] == [1.0, 2.0, 4.0, 256.0, 300.0, 300.0]

    @given(st.integers(1, 10_000), st.floats(0, 1))
    def test_jitter_takes_up_to_half(self, failures: int, chance: float) -> None:
        whole = backoff.delay(failures, 0.0)
        assert whole / 2 <= backoff.delay(failures, chance) <= whole

    @given(st.floats(1, 10_000))
    def test_an_interval_is_jittered_by_a_tenth(self, seconds: float) -> None:
        assert 0.89 * seconds <= backoff.jittered(seconds) <= 1.11 * seconds


def record(message: str, **fields: object) -> logging.LogRecord:
    one = logging.LogRecord("beatsync.daemon.loop", logging.INFO, "f.py", 1, message, None, None)
    one.created = 0.0
    one.fields = fields
    return one


class TestLogs:
    def test_text(self) -> None:
        line = TextFormatter().format(record("applied", source="shop", reasons=("event", "poll"), note="a b"))
        assert line == '1970-01-01T00:00:00.000Z INFO applied source=shop reasons=event,poll note="a b"'

    def test_text_stays_on_its_line(self) -> None:
        line = TextFormatter().format(record("bad\n2026 INFO fake\x1b[31m", source="a\nb"))
        assert "\n" not in line
        assert "\x1b" not in line

    def test_json(self) -> None:
        line = JsonFormatter().format(record("applied\n", source="shop", seconds=0.25))
        assert "\n" not in line
        assert json.loads(line) == {
            "time": "1970-01-01T00:00:00.000Z",
            "level": "info",
            "logger": "beatsync.daemon.loop",
            "message": "applied\n",
            "source": "shop",
            "seconds": 0.25,
        }

    @pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
    def test_a_traceback(self, formatter: logging.Formatter) -> None:
        one = record("a bug")
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            one.exc_info = sys.exc_info()
        assert "ZeroDivisionError: integer" in formatter.format(one)


class TestSystemd:
    def test_nobody_listens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
        systemd.notify("READY=1")
        monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
        systemd.notify("READY=1")

    @pytest.mark.parametrize("abstract", [False, True])
    def test_it_is_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, abstract: bool) -> None:
        name = f"@beatsync-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind("\0" + name[1:] if abstract else name)
            listener.settimeout(10)
            monkeypatch.setenv("NOTIFY_SOCKET", name)
            systemd.notify("READY=1")
            assert listener.recv(100) == b"READY=1"

    def test_a_service_is_told_what_is_new(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[str] = []
        monkeypatch.setattr(systemd, "notify", told.append)
        monkeypatch.setattr(systemd, "watchdog_seconds", lambda: 1e-9)
        service = systemd.Service()
        service.tell("shop: starting", is_ready=False, is_healthy=True)
        service.tell("shop: starting", is_ready=False, is_healthy=False)
        service.tell("shop: synced", is_ready=True, is_healthy=True)
        service.tell("shop: synced", is_ready=True, is_healthy=False)
        assert [one for one in told if one != "WATCHDOG=1"] == [
            "STATUS=shop: starting", "EXTEND_TIMEOUT_USEC=60000000", "STATUS=shop: synced", "READY=1",
        ]  # fmt: skip
        assert told.count("WATCHDOG=1") == 2

    def test_the_watchdog(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
        assert systemd.watchdog_seconds() is None
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        assert systemd.watchdog_seconds() == 30.0
        monkeypatch.setenv("WATCHDOG_PID", "1")
        assert systemd.watchdog_seconds() is None
