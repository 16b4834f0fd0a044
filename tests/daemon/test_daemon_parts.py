"""The small parts of the daemon: debouncer, back-off, logs, systemd."""

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
from beatsync.daemon.debounce import Debouncer, QuietPeriod
from beatsync.daemon.logs import JsonFormatter, TextFormatter, set_up
from beatsync.values import Diagnostic, Location, Revision, Severity, Snapshot


class TestQuietPeriod:
    def test_a_burst_ends_after_a_quiet_period(self) -> None:
        assert QuietPeriod(0.5, 5.0).end(first=10.0, last=10.0) == 10.5
        assert QuietPeriod(0.5, 5.0).end(first=10.0, last=12.0) == 12.5

    def test_a_burst_ends_after_the_maximum_delay(self) -> None:
        assert QuietPeriod(0.5, 5.0).end(first=10.0, last=14.9) == 15.0


class TestDebouncer:
    def test_many_triggers_are_one_burst(self) -> None:
        debouncer = Debouncer(QuietPeriod(0.01, 1.0))
        for reason in ("event", "poll", "event"):
            debouncer.trigger(reason)
        assert debouncer.wait(time.monotonic() + 10) == (("event", "poll"), False)
        assert debouncer.wait(time.monotonic() + 0.01) == ((), False)

    def test_without_a_trigger_there_are_no_reasons(self) -> None:
        assert Debouncer(QuietPeriod()).wait(time.monotonic() - 1) == ((), False)

    def test_a_trigger_wakes_the_waiting_thread(self) -> None:
        debouncer, results = Debouncer(QuietPeriod(0.0, 0.0)), []
        thread = threading.Thread(target=lambda: results.append(debouncer.wait(time.monotonic() + 60)))
        thread.start()
        debouncer.trigger("event")
        thread.join(30)
        assert results == [(("event",), False)]

    def test_close_wakes_the_waiting_thread(self) -> None:
        debouncer = Debouncer(QuietPeriod(60, 60))
        thread = threading.Thread(target=lambda: debouncer.wait(time.monotonic() + 60))
        thread.start()
        debouncer.close()
        thread.join(30)
        assert not thread.is_alive()

    def test_an_endless_burst_ends_after_the_maximum_delay(self) -> None:
        now = [100.0]
        debouncer = Debouncer(QuietPeriod(0.5, 5.0), clock=lambda: now[0])
        for _ in range(60):
            debouncer.trigger("event")
            now[0] += 0.1
        assert debouncer.wait(until=1e9).reasons == ("event",)


class TestBackOff:
    def test_the_delay_doubles_up_to_five_minutes(self) -> None:
        assert [backoff.delay(n, 0.0) for n in (1, 2, 3, 9, 10, 1000)] == [1.0, 2.0, 4.0, 256.0, 300.0, 300.0]

    @given(st.integers(1, 10_000), st.floats(0, 1))
    def test_jitter_subtracts_up_to_half(self, failures: int, chance: float) -> None:
        longest = backoff.delay(failures, 0.0)
        assert longest / 2 <= backoff.delay(failures, chance) <= longest

    @given(st.floats(1, 10_000))
    def test_an_interval_varies_by_a_tenth(self, seconds: float) -> None:
        assert 0.89 * seconds <= backoff.jittered(seconds) <= 1.11 * seconds


def snapshot(digest: str, *diagnostics: Diagnostic) -> Snapshot:
    return Snapshot((), Revision(digest), None, diagnostics)


class TestAttempts:
    def test_a_revision_is_new_once_and_starts_without_failures(self) -> None:
        attempts = backoff.Attempts()
        assert attempts.is_new(snapshot("a"))
        attempts.fail()
        assert not attempts.is_new(snapshot("a"))
        assert attempts.failures == 1
        assert attempts.is_new(snapshot("b"))
        assert attempts.failures == 0

    def test_a_file_that_cannot_be_read_makes_a_revision_new(self) -> None:
        attempts = backoff.Attempts()
        pipe = Diagnostic(Severity.ERROR, "source-not-a-file", "this is not a regular file", Location("b.yaml"))
        assert attempts.is_new(snapshot("a"))
        assert attempts.is_new(snapshot("a", pipe))
        assert not attempts.is_new(snapshot("a", pipe))
        assert attempts.is_new(snapshot("a"))

    def test_forgotten_files_are_new_again(self) -> None:
        attempts = backoff.Attempts()
        attempts.is_new(snapshot("a"))
        attempts.forget_files()
        assert attempts.is_new(snapshot("a"))

    def test_the_wait_grows_until_a_success(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("random.random", lambda: 0.0)
        attempts = backoff.Attempts()
        assert [attempts.fail(), attempts.fail()] == [1.0, 2.0]
        attempts.succeed()
        assert attempts.fail() == 1.0

    def test_the_wait_for_a_connection_is_at_most_five_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("random.random", lambda: 0.0)
        attempts = backoff.Attempts()
        assert max(attempts.fail(backoff.LONGEST_UNUSABLE) for _ in range(100)) == 5.0


def log_record(message: str, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("beatsync.daemon.loop", logging.INFO, "f.py", 1, message, None, None)
    record.created = 0.0
    record.fields = fields
    return record


class TestLogs:
    def test_a_text_record_is_one_line_with_its_fields(self) -> None:
        line = TextFormatter().format(log_record("applied", source="shop", reasons=("event", "poll"), note="a b"))
        assert line == '1970-01-01T00:00:00.000Z INFO applied source=shop reasons=event,poll note="a b"'

    def test_the_outcome_is_in_the_text_once(self) -> None:
        line = TextFormatter().format(log_record("unchanged", source="shop", outcome="unchanged"))
        assert line == "1970-01-01T00:00:00.000Z INFO unchanged source=shop"

    def test_control_characters_are_escaped_in_text(self) -> None:
        line = TextFormatter().format(log_record("bad\n2026 INFO fake\x1b[31m", source="a\nb"))
        assert "\n" not in line
        assert "\x1b" not in line

    def test_a_json_record_is_one_object_on_one_line(self) -> None:
        line = JsonFormatter().format(log_record("applied\n", source="shop", seconds=0.25))
        assert "\n" not in line
        assert json.loads(line) == {
            "time": "1970-01-01T00:00:00.000Z",
            "level": "info",
            "logger": "beatsync.daemon.loop",
            "message": "applied\n",
            "source": "shop",
            "seconds": 0.25,
        }

    def test_every_line_is_json_also_of_other_loggers_and_of_threads(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(logging, "lastResort", logging.lastResort)
        monkeypatch.setattr(threading, "excepthook", threading.excepthook)
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        logger = logging.getLogger("beatsync")
        for name in ("handlers", "propagate", "level"):
            monkeypatch.setattr(logger, name, getattr(logger, name))
        monkeypatch.setattr(logger, "handlers", [])
        set_up("json", verbose=False)
        logging.getLogger("another.library").warning("a warning")
        thread = threading.Thread(target=lambda: 1 // 0, name="worker")
        thread.start()
        thread.join()
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [line["message"] for line in lines] == ["a warning", "a thread ended: worker"]
        assert "ZeroDivisionError" in lines[1]["traceback"]

    @pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
    def test_a_traceback_is_logged(self, formatter: logging.Formatter) -> None:
        record = log_record("a bug")
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            record.exc_info = sys.exc_info()
        assert "ZeroDivisionError: integer" in formatter.format(record)


class TestSystemd:
    def test_without_systemd_nothing_is_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
        systemd.notify("READY=1")
        monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
        systemd.notify("READY=1")

    @pytest.mark.parametrize("abstract", [False, True])
    def test_a_state_is_sent_to_the_socket(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, abstract: bool
    ) -> None:
        name = f"@beatsync-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind("\0" + name[1:] if abstract else name)
            listener.settimeout(10)
            monkeypatch.setenv("NOTIFY_SOCKET", name)
            systemd.notify("READY=1")
            assert listener.recv(100) == b"READY=1"

    def test_only_changes_are_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[str] = []
        monkeypatch.setattr(systemd, "notify", sent.append)
        monkeypatch.setattr(systemd, "watchdog_seconds", lambda: 1e-9)
        service = systemd.Service()
        service.update("shop: starting", is_ready=False, is_healthy=True)
        service.update("shop: starting", is_ready=False, is_healthy=False)
        service.update("shop: synced", is_ready=True, is_healthy=True)
        service.update("shop: synced", is_ready=True, is_healthy=False)
        assert [state for state in sent if state != "WATCHDOG=1"] == [
            "STATUS=shop: starting", "EXTEND_TIMEOUT_USEC=60000000", "STATUS=shop: synced", "READY=1",
        ]  # fmt: skip
        assert sent.count("WATCHDOG=1") == 2

    def test_the_watchdog_interval_is_read_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
        assert systemd.watchdog_seconds() is None
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        assert systemd.watchdog_seconds() == 30.0
        monkeypatch.setenv("WATCHDOG_PID", "1")
        assert systemd.watchdog_seconds() is None
