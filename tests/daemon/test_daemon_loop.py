from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from beatsync import reconcile
from beatsync.daemon.debounce import QuietPeriod
from beatsync.daemon.interventions import Interventions
from beatsync.daemon.leadership import Leadership
from beatsync.daemon.loop import SourceLoop, Timing
from beatsync.daemon.metrics import Metrics
from beatsync.daemon.source_reader import SourceReader
from beatsync.daemon.state import Phase
from beatsync.plan import diff
from beatsync.plan.observed import Suspension
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import SyncOptions, utc_now
from beatsync.source.watch import Watcher
from beatsync.store import Store, StoreError
from beatsync.values import Actor
from tests.daemon.daemons import write
from tests.processes import until

HOUR = 3600.0
on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For what does not depend on the database."""


class RunningLoop:
    """A loop in this process, and its metrics."""

    def __init__(self, loop: SourceLoop, metrics: Metrics) -> None:
        self.loop = loop
        self.metrics = metrics

    def until(self, phase: Phase) -> None:
        until(lambda: self.loop.report.phase is phase, what=lambda: self.loop.report)

    def until_synced(self, names: Callable[[], set[str]], *expected: str) -> None:
        until(lambda: names() == set(expected), what=lambda: self.loop.report)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"beatsync_{name}", {"source": "default", **labels}) or 0.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "specs"


@pytest.fixture
def names(store: Store) -> Callable[[], set[str]]:
    return lambda: set(store.observe("default").rows)


@contextmanager
def run_loop(
    store: Store,
    folder: Path,
    resync: float = HOUR,
    *,
    watch: bool = True,
    plan: PlanOptions | None = None,
    quiet_period: QuietPeriod = QuietPeriod(0.02, 0.5),  # noqa: B008  it is frozen
) -> Iterator[RunningLoop]:
    options = SyncOptions(plan=plan or PlanOptions(max_deletes="100%"), lock_timeout=5.0)
    metrics = Metrics()
    timing = Timing(resync, poll=0.05, quiet_period=quiet_period, watch=watch)
    loop = SourceLoop(SourceReader(folder), store, options, timing, metrics)
    leadership = Leadership(store, ["default"], "tests", lambda _: loop.request_sync("leadership"))
    leadership.start()
    loop.start(leadership)
    try:
        yield RunningLoop(loop, metrics)
    finally:
        loop.stop()
        assert loop.join(20)
        leadership.stop(20)


def test_existing_files_are_synced_and_changes_follow(
    store: Store, folder: Path, names: Callable[[], set[str]]
) -> None:
    write(folder, "first")
    with run_loop(store, folder) as running:
        running.until_synced(names, "first")
        write(folder, "first", "second")
        running.until_synced(names, "first", "second")
        write(folder, "second")
        running.until_synced(names, "second")
        until(lambda: running.value("changes_total", action="create", cause="spec") == 2)
        until(lambda: running.value("changes_total", action="delete", cause="spec") == 1)
        until(lambda: running.value("leader") == 1)
        until(lambda: running.loop.report.was_ready)
    assert store.leader("default") is None


@on_sqlite
def test_without_events_the_poll_detects_a_change(store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
    write(folder, "first")
    with run_loop(store, folder, watch=False) as running:
        running.until_synced(names, "first")
        write(folder, "second")
        running.until_synced(names, "second")
        assert running.value("watcher_events") == 0
        assert running.loop.report.json()["watcher"] == "polling"


def test_the_timer_repairs_drift(store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
    from django_celery_beat.models import PeriodicTask

    write(folder, "first", "second")
    with run_loop(store, folder, resync=0.2) as running:
        # Before the sync has verified its commit, a change counts as reverted by beat and not as drift.
        until(lambda: running.value("reconciles_total", result="applied") == 1)
        PeriodicTask.objects.using(store.alias).filter(name="first").update(queue="elsewhere")
        until(lambda: running.value("changes_total", action="update", cause="drift") == 1)
        assert store.observe("default").rows["first"].spec.queue is None
        PeriodicTask.objects.using(store.alias).filter(name="second")._raw_delete(store.alias)
        running.until_synced(names, "first", "second")


def test_an_edit_syncs_its_file_alone_and_does_not_delay_the_timer(store: Store, folder: Path) -> None:
    from django_celery_beat.models import PeriodicTask

    def edit(file: str, queue: str) -> None:
        folder.mkdir(exist_ok=True)
        text = f"schedules:\n  {file}: {{task: t, interval: 1h, queue: {queue}}}\n"
        # By rename: a file that is empty meanwhile could be synced.
        new = folder / f".{file}.new"
        new.write_text(text, encoding="utf-8")
        new.replace(folder / f"{file}.yaml")

    def queue(name: str) -> str | None:
        return store.observe("default").rows[name].spec.queue

    edit("one", "a")
    edit("two", "a")
    with run_loop(store, folder) as running:
        until(lambda: running.value("reconciles_total", result="applied") == 1)
        PeriodicTask.objects.using(store.alias).filter(name="two").update(queue="elsewhere")
        resync_at = running.loop._resync_at
        edit("one", "b")
        until(lambda: running.value("reconciles_total", result="applied") == 2)
        assert (queue("one"), queue("two")) == ("b", "elsewhere")
        assert running.loop._resync_at == resync_at
        running.loop.request_sync("a test")
        until(lambda: queue("two") == "a")


def test_events_without_a_new_revision_read_no_row(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "first")
    with run_loop(store, folder) as running:
        running.until_synced(names, "first")
        until(
            lambda: (
                running.value("reconciles_total", result="unchanged")
                + running.value("reconciles_total", result="applied")
            )
        )
        until(lambda: running.loop.report.phase is Phase.SYNCED)
        reads: list[str] = []
        monkeypatch.setattr(Store, "source_record", lambda *_: reads.append("read"))
        for _ in range(5):
            write(folder, "first")
            (folder / "README").write_text("no spec")
        before = running.loop.heartbeat
        until(lambda: running.loop.heartbeat > before + 0.5)
        assert not reads


class TestInvalidRevision:
    def test_it_is_reported_and_the_last_valid_revision_stays(
        self, store: Store, folder: Path, names: Callable[[], set[str]], caplog: pytest.LogCaptureFixture
    ) -> None:
        write(folder, "first")
        with run_loop(store, folder) as running:
            running.until(Phase.SYNCED)
            good = until(lambda: running.loop.report.revision)
            with caplog.at_level(logging.ERROR, "beatsync"):
                (folder / "b.yaml").write_text("schedules: {x: {task: a.b, crontab: '99 * * * *'}}")
                running.until(Phase.INVALID)
            assert names() == {"first"}
            assert "b.yaml:1:" in caplog.text
            assert "[crontab-range]" in caplog.text
            assert running.loop.report.revision == good
            assert running.loop.report.was_ready
            assert running.loop.report.failures == 0
            assert running.value("source_valid") == 0
            assert store.sources()[0].outcome == "invalid"
            (folder / "b.yaml").write_text("schedules: {x: {task: a.b, crontab: '9 * * * *'}}")
            # The write truncates the file first, and an empty file is valid too.
            running.until_synced(names, "first", "x")
            running.until(Phase.SYNCED)
            assert running.value("source_valid") == 1

    def test_after_a_revert_the_source_is_synced_again(self, store: Store, folder: Path) -> None:
        write(folder, "first")
        with run_loop(store, folder) as running:
            running.until(Phase.SYNCED)
            (folder / "b.yaml").write_text("schedules: nonsense")
            running.until(Phase.INVALID)
            assert store.sources()[0].outcome == "invalid"
            (folder / "b.yaml").unlink()
            running.until(Phase.SYNCED)
            assert (store.sources()[0].outcome, store.sources()[0].message) == ("applied", "")

    def test_after_a_restart_the_last_valid_revision_is_still_reported(self, store: Store, folder: Path) -> None:
        write(folder, "first")
        with run_loop(store, folder) as running:
            good = until(lambda: running.loop.report.revision)
        (folder / "b.yaml").write_text("schedules: nonsense")
        with run_loop(store, folder) as running:
            running.until(Phase.INVALID)
            until(lambda: running.loop.report.was_ready)
            assert running.loop.report.revision == good
            assert running.value("last_success_timestamp_seconds") > 0
        shutil.rmtree(folder)
        with run_loop(store, folder) as running:
            running.until(Phase.FAILED)
            until(lambda: running.loop.report.was_ready)

    def test_an_invalid_first_revision_is_not_ready(self, store: Store, folder: Path) -> None:
        write(folder)
        (folder / "b.yaml").write_text("schedules: nonsense")
        with run_loop(store, folder) as running:
            running.until(Phase.INVALID)
            before = running.loop.heartbeat
            until(lambda: running.loop.heartbeat > before)
            assert not running.loop.report.was_ready

    def test_a_guard_blocks_a_revision_that_deletes_too_much(
        self, store: Store, folder: Path, names: Callable[[], set[str]]
    ) -> None:
        write(folder, *"abcdefghij")
        with run_loop(store, folder, plan=PlanOptions()) as running:
            running.until_synced(names, *"abcdefghij")
            write(folder, "a")
            running.until(Phase.BLOCKED)
            assert names() == set("abcdefghij")
            assert running.value("blocked", code="max-deletes") == 1
            write(folder, *"abcdefghi")
            running.until_synced(names, *"abcdefghi")
            until(lambda: running.value("blocked", code="max-deletes") == 0)


class TestDirectoryThatComesAndGoes:
    def test_it_may_be_created_after_the_start(self, store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
        with run_loop(store, folder / "deep" / "down") as running:
            running.until(Phase.FAILED)
            assert "there is no directory" in running.loop.report.message
            assert not running.loop.report.was_ready
            until(lambda: [state.outcome for state in store.sources()] == ["failed"])
            write(folder / "deep" / "down", "first")
            running.until_synced(names, "first")
            running.until(Phase.SYNCED)
            assert running.loop.report.failures == 0
            assert store.sources()[0].outcome == "applied"

    def test_it_may_vanish_and_return(
        self, store: Store, folder: Path, names: Callable[[], set[str]], tmp_path: Path
    ) -> None:
        write(folder, "first")
        with run_loop(store, folder) as running:
            running.until(Phase.SYNCED)
            folder.rename(tmp_path / "gone")
            running.until(Phase.FAILED)
            assert names() == {"first"}
            assert running.loop.report.was_ready
            write(folder, "first", "second")
            running.until_synced(names, "first", "second")

    @on_sqlite
    def test_a_half_written_directory_prunes_nothing(
        self, store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, "first")
        write(folder, "second", file="b.yaml")
        update_watches, started = Watcher.update_watches, threading.Event()
        rest = threading.Timer(0.3, write, (folder, "second"), {"file": "b.yaml"})

        def update_and_remove(self: Watcher) -> None:
            update_watches(self)
            if started.is_set():  # the last call before the files are scanned
                started.clear()
                shutil.rmtree(folder)
                write(folder, "first")
                rest.start()

        monkeypatch.setattr(Watcher, "update_watches", update_and_remove)
        with run_loop(store, folder, quiet_period=QuietPeriod(1.0, 10.0)) as running:
            running.until_synced(names, "first", "second")
            until(lambda: running.value("reconciles_total", result="applied") == 1)
            started.set()
            running.loop.request_sync("request")
            until(lambda: running.value("reconciles_total", result="unchanged") == 1)
            rest.join()
            assert running.value("changes_total", action="delete", cause="spec") == 0

    @on_sqlite
    def test_a_directory_that_never_stops_changing_is_read_after_the_maximum_delay(
        self, store: Store, folder: Path, names: Callable[[], set[str]]
    ) -> None:
        write(folder, "first")
        stop = threading.Event()

        def disturb() -> None:
            while not stop.wait(0.05):
                (folder / "README").touch()
                (folder / "README").unlink()

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            with run_loop(store, folder, quiet_period=QuietPeriod(0.3, 1.0)) as running:
                running.until_synced(names, "first")
        finally:
            stop.set()
            thread.join()

    def test_an_empty_directory_prunes_nothing(self, store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
        write(folder, "first")
        with run_loop(store, folder) as running:
            running.until_synced(names, "first")
            (folder / "a.yaml").unlink()
            running.until(Phase.BLOCKED)
            assert names() == {"first"}


def test_a_failing_database_is_retried_until_it_works(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.backoff.FIRST", 0.02)
    write(folder, "first")
    read, broken = Store.source_record, [True]

    def failing(self: Store, source: str, *more: Any) -> object:
        if broken:
            raise StoreError("the server has gone")
        return read(self, source, *more)

    monkeypatch.setattr(Store, "source_record", failing)
    with run_loop(store, folder) as running:
        until(lambda: running.loop.report.failures >= 3)
        assert running.loop.report.phase is Phase.FAILED
        assert running.value("reconciles_total", result="failed") >= 3
        broken.clear()
        running.until_synced(names, "first")
        running.until(Phase.SYNCED)
        assert running.loop.report.failures == 0


@on_sqlite
def test_a_new_revision_is_tried_at_once_and_a_failed_one_only_after_its_delay(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.backoff.FIRST", 200.0)
    write(folder, "first")
    observed: list[str] = []

    def failing(_: Store, source: str, *__: Any) -> object:
        observed.append(source)
        raise StoreError("the server has gone")

    monkeypatch.setattr(Store, "source_record", failing)
    with run_loop(store, folder) as running:
        until(lambda: running.loop.report.failures == 1)
        for _ in range(3):
            write(folder, "first")
            before = running.loop.heartbeat
            until(lambda then=before: running.loop.heartbeat > then + 0.2)  # type: ignore[misc]
        assert (len(observed), running.loop.report.failures) == (1, 1)
        running.loop.request_sync("request")
        until(lambda: running.loop.report.failures == 2)
        write(folder, "second")
        until(lambda: len(observed) == 3)
        until(lambda: running.loop.report.failures == 1)


@on_sqlite
def test_leases_that_cannot_be_requested_are_reported_and_requested_again(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("beatsync.daemon.leadership.RENEW", 0.2)
    write(folder, "first")
    acquire_lease, broken = Store.acquire_lease, [RuntimeError("ha"), StoreError("the server has gone")]

    def failing(self: Store, *words: Any) -> bool:
        if broken:
            raise broken[0]
        return acquire_lease(self, *words)

    monkeypatch.setattr(Store, "acquire_lease", failing)
    with caplog.at_level(logging.ERROR, "beatsync"), run_loop(store, folder) as running:
        until(lambda: "RuntimeError: ha" in running.loop.report.message)
        broken.pop(0)
        until(lambda: "the server has gone" in running.loop.report.message)
        assert running.loop.report.phase is Phase.FAILED
        assert not running.loop.report.is_leader
        assert running.value("consecutive_failures") > 0
        broken.pop(0)
        running.until_synced(names, "first")
        running.until(Phase.SYNCED)
    assert "Traceback" in caplog.text


@on_sqlite
def test_an_unexpected_exception_does_not_end_the_loop(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("beatsync.daemon.backoff.FIRST", 0.02)
    write(folder, "first")
    raised: list[int] = []

    def make_plan(*args: object) -> object:
        if not raised:
            raised.append(1)
            raise ZeroDivisionError("ha")
        return diff.make_plan(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("beatsync.reconcile.make_plan", make_plan)
    with caplog.at_level(logging.ERROR, "beatsync"), run_loop(store, folder) as running:
        running.until_synced(names, "first")
    assert "ZeroDivisionError" in caplog.text


@on_sqlite
@pytest.mark.parametrize("step", ["scope_source", "make_plan", "file_changes", "memory_after"])
def test_after_an_exception_in_any_step_the_next_attempt_syncs_the_new_files(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr("beatsync.daemon.backoff.FIRST", 0.02)
    write(folder, "first")
    with run_loop(store, folder) as running:
        running.until_synced(names, "first")
        until(lambda: running.value("reconciles_total", result="applied") == 1)
        original, raised = getattr(reconcile, step), list[bool]()

        def fail_once(*args: Any) -> object:
            if not raised:
                raised.append(True)
                raise MemoryError
            return original(*args)

        monkeypatch.setattr(f"beatsync.reconcile.{step}", fail_once)
        write(folder, "second")
        running.until_synced(names, "second")
        running.until(Phase.SYNCED)
        assert raised
        until(lambda: running.loop.report.revision == store.sources()[0].revision)
        write(folder, "third")
        running.until_synced(names, "third")


@on_sqlite
@pytest.mark.parametrize("is_busy", [True, False])
def test_a_request_that_arrives_while_git_is_checked_is_kept(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch, *, is_busy: bool
) -> None:
    from django_celery_beat.models import PeriodicTask

    write(folder, "first")
    is_git_busy, requests = SourceReader.is_git_busy, list[str]()
    with run_loop(store, folder) as running:
        running.until_synced(names, "first")
        until(lambda: running.value("reconciles_total", result="applied") == 1)

        def request_and_check(reader: SourceReader) -> bool:
            if requests:
                return is_git_busy(reader)
            PeriodicTask.objects.using(store.alias).filter(name="first").update(queue="elsewhere")
            running.loop.request_sync("request")
            requests.append("request")
            return is_busy

        monkeypatch.setattr(SourceReader, "is_git_busy", request_and_check)
        # An event alone compares no row, because the files are the same.
        running.loop._debouncer.trigger("event")
        until(lambda: requests)
        until(lambda: store.observe("default").rows["first"].spec.queue is None, what=lambda: running.loop.report)


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "a pipe": lambda folder: os.mkfifo(folder / "b.yaml"),
    "a link that leads out": lambda folder: (folder / "b.yaml").symlink_to("/etc/hostname"),
    "a name that is not UTF-8": lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/x\xff.yaml")).touch(),
    "a file that is too large": lambda folder: (folder / "b.yaml").write_bytes(b"#" * (9 * 1024 * 1024)),
}


@on_sqlite
@pytest.mark.parametrize("add", UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_makes_the_source_invalid_without_the_timer(
    store: Store, folder: Path, names: Callable[[], set[str]], add: Callable[[Path], object]
) -> None:
    write(folder, "first")
    with run_loop(store, folder) as running:
        running.until_synced(names, "first")
        running.until(Phase.SYNCED)
        add(folder)
        running.until(Phase.INVALID)
        write(folder, "second")
        revision = running.loop.report.attempted_at
        until(lambda: running.loop.report.attempted_at != revision)
        assert running.loop.report.phase is Phase.INVALID
        assert names() == {"first"}
        for path in folder.iterdir():
            if path.name != "a.yaml":
                path.unlink()
        running.until_synced(names, "second")
        running.until(Phase.SYNCED)


@on_sqlite
def test_the_log_names_the_changed_schedules_and_warns_about_what_stops_a_sync(
    store: Store, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def record(message: str) -> logging.LogRecord:
        return until(lambda: [record for record in caplog.records if message in record.getMessage()])[0]

    all_names = [f"s{number:02}" for number in range(25)]
    write(folder, *all_names)
    with caplog.at_level(logging.INFO, "beatsync"), run_loop(store, folder, plan=PlanOptions()) as running:
        fields = record("applied").fields  # type: ignore[attr-defined]
        assert fields["schedules"] == tuple(f"create {name} (spec)" for name in all_names[:20])
        assert (fields["more"], fields["create"]) == (5, 25)
        caplog.clear()
        write(folder, *all_names[1:])
        fields = record("applied").fields  # type: ignore[attr-defined]
        assert fields["schedules"] == ("delete s00 (spec)",)
        assert "more" not in fields
        write(folder, "other")
        running.until(Phase.BLOCKED)
        assert record(running.loop.report.message).levelno == logging.WARNING
        (folder / "b.yaml").write_text("schedules: nonsense")
        running.until(Phase.INVALID)
        assert record("error in the files").levelno == logging.WARNING


def test_a_suspended_source_is_not_synced_until_it_is_resumed(
    store: Store, folder: Path, names: Callable[[], set[str]]
) -> None:
    write(folder, "first")
    with run_loop(store, folder) as running:
        running.until(Phase.SYNCED)
        store.suspend("default", Suspension("ann", "release", utc_now()), Actor("ann"), utc_now())
        write(folder, "second")
        running.until(Phase.SUSPENDED)
        assert names() == {"first"}
        assert "suspended by ann" in running.loop.report.message
        assert running.value("suspended") == 1
        assert running.loop.report.failures == 0
        assert store.sources()[0].outcome == "applied"
        (folder / "b.yaml").write_text("schedules: nonsense")
        running.until(Phase.INVALID)
        assert running.value("suspended") == 1
        (folder / "b.yaml").unlink()
        running.until(Phase.SUSPENDED)
        store.suspend("default", None, Actor("ann"), utc_now())
        running.until_synced(names, "second")
        until(lambda: running.value("suspended") == 0)


def test_what_operators_do_in_the_database_is_noticed_without_any_other_trigger(
    store: Store, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "first")
    with run_loop(store, folder) as running, caplog.at_level(logging.DEBUG, "beatsync.daemon"):
        running.until(Phase.SYNCED)
        store.suspend("default", Suspension("ann", "release", utc_now()), Actor("ann"), utc_now())
        running.until(Phase.SUSPENDED)
        store.suspend("default", None, Actor("ann"), utc_now())
        running.until(Phase.SYNCED)
        write(folder, "first", "second")
        until(lambda: running.loop.report.schedules == 2)
        reconcile.release(store, ["second"], SyncOptions(holder="ann@host"))
        running.until(Phase.BLOCKED)
        fields = [getattr(record, "fields", {}) for record in caplog.records]
        reasons = [each["reasons"] for each in fields if "reasons" in each]
    # The sync of the file's change, which the same loop made, is no news.
    assert [reason for reason in reasons if reason == ("operator",)] == [("operator",)] * 3


def test_a_look_at_what_operators_did_is_one_statement_and_an_own_sync_is_no_news(store: Store, folder: Path) -> None:
    write(folder, "first")
    options = SyncOptions(holder="own")
    reconcile.sync(folder, store, options)
    looks = Interventions(store, "default", "own")
    looks.look(full=True)
    with CaptureQueriesContext(connections[store.alias]) as queries:
        assert not looks.are_new()
    assert len(queries) == 1
    write(folder, "first", "second")
    reconcile.sync(folder, store, options)
    assert not looks.are_new()
    reconcile.release(store, ["second"], replace(options, holder="another"))
    assert looks.are_new()
    assert not looks.are_new()
    reconcile.sync(folder, store, replace(options, plan=PlanOptions(adopt=True)))
    assert not looks.are_new()
    store.suspend("default", Suspension("ann", "release", utc_now()), Actor("ann"), utc_now())
    reconcile.release(store, ["first"], replace(options, holder="another"))
    looks.look(full=False)
    assert looks.are_new()  # the release, which a sync of some files does not see
    assert not looks.are_new()
    store.suspend("default", None, Actor("ann"), utc_now())
    assert looks.are_new()


@on_sqlite
def test_a_suspension_ends_by_itself(store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
    write(folder, "first")
    with run_loop(store, folder) as running:
        running.until(Phase.SYNCED)
        store.suspend(
            "default", Suspension("ann", "release", utc_now(), utc_now() + timedelta(hours=1)), Actor("ann"), utc_now()
        )
        write(folder, "second")
        running.until(Phase.SUSPENDED)
        suspension = running.loop.report.json()["suspended"]
        assert (suspension["by"], suspension["reason"]) == ("ann", "release")
        assert names() == {"first"}
        store.suspend(
            "default",
            Suspension("ann", "release", utc_now(), utc_now() + timedelta(seconds=1)),
            Actor("ann"),
            utc_now(),
        )
        running.loop.request_sync("request")
        running.until_synced(names, "second")
        until(lambda: running.loop.report.json()["suspended"] is None)


def test_a_process_without_the_lease_stands_by_and_takes_over(
    store: Store, folder: Path, names: Callable[[], set[str]]
) -> None:
    store.acquire_lease("default", "another", "token", 2)
    write(folder, "first")
    with run_loop(store, folder) as running:
        running.until(Phase.STANDING_BY)
        assert names() == set()
        assert running.loop.report.leader == "another"
        assert running.loop.report.was_ready
        assert running.value("leader") == 0
        running.until_synced(names, "first")
        until(lambda: running.loop.report.is_leader)


def test_a_process_that_lost_its_lease_removes_the_metrics_of_the_leader(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.leadership.RENEW", 0.2)
    write(folder, *"abcdefghij")
    with run_loop(store, folder, plan=PlanOptions()) as running:
        running.until(Phase.SYNCED)
        write(folder, "a")
        running.until(Phase.BLOCKED)
        assert running.value("blocked", code="max-deletes") == 1
        with connections[store.alias].cursor() as cursor:
            cursor.execute("UPDATE beatsync_lease SET holder = 'another', token = 'b'")
        running.until(Phase.STANDING_BY)
        metrics = running.metrics.text().decode()
        for name in ("blocked", "source_valid", "source_info", "diagnostics", "schedules", "schedules_left_alone"):
            assert f"beatsync_{name}{{" not in metrics
        assert running.value("consecutive_failures") == 0


@on_sqlite
def test_a_commit_of_unchanged_files_is_a_new_revision(
    store: Store, tmp_path: Path, names: Callable[[], set[str]]
) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=ann", "-c", "user.email=ann@shop.example", "-c", "commit.gpgsign=false"]
        process = subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return process.stdout.strip()

    folder = tmp_path / "schedules.d"
    write(folder, "first")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    with run_loop(store, folder) as running:
        running.until_synced(names, "first")
        write(folder, "second")
        running.until_synced(names, "second")
        until(lambda: (r := store.sources()[0].revision) and str(r.git).endswith("-dirty"))
        git("commit", "--quiet", "--all", "--message", "two")
        until(lambda: (r := store.sources()[0].revision) and r.git == git("rev-parse", "HEAD"))
        until(lambda: running.loop.report.revision == store.sources()[0].revision)
