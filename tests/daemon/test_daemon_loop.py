from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from beatsync.daemon.debounce import QuietPeriod
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
from beatsync.specfile import ParseOptions
from beatsync.store import Store, StoreError
from tests.daemon.daemons import write
from tests.processes import until

HOUR = 3600.0


class Running:
    """A loop in this process, and what it told."""

    def __init__(self, loop: SourceLoop, metrics: Metrics) -> None:
        self.loop = loop
        self.metrics = metrics

    def until(self, phase: Phase) -> None:
        until(lambda: self.loop.report.phase is phase, what=lambda: self.loop.report)

    def until_synced(self, names: Callable[[], set[str]], *wanted: str) -> None:
        until(lambda: names() == set(wanted), what=lambda: self.loop.report)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"beatsync_{name}", {"source": "default", **labels}) or 0.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "specs"


@pytest.fixture
def names(store: Store) -> Callable[[], set[str]]:
    return lambda: set(store.observe("default").rows)


@contextmanager
def running(
    store: Store,
    folder: Path,
    resync: float = HOUR,
    *,
    watch: bool = True,
    plan: PlanOptions | None = None,
    quiet_period: QuietPeriod = QuietPeriod(0.02, 0.5),  # noqa: B008  it is frozen
) -> Iterator[Running]:
    options = SyncOptions(plan=plan or PlanOptions(), lock_wait=5.0)
    metrics = Metrics()
    timing = Timing(resync, poll=0.05, quiet_period=quiet_period, watch=watch)
    loop = SourceLoop(SourceReader(folder, ParseOptions()), store, options, timing, metrics)
    leadership = Leadership(store, ["default"], "tests", lambda _: loop.request_sync("leadership"))
    leadership.start()
    loop.start(leadership)
    try:
        yield Running(loop, metrics)
    finally:
        loop.stop()
        assert loop.join(20)
        leadership.stop(20)


def test_what_is_there_is_synced_and_what_changes_follows(
    store: Store, folder: Path, names: Callable[[], set[str]]
) -> None:
    write(folder, "first")
    with running(store, folder) as one:
        one.until_synced(names, "first")
        write(folder, "first", "second")
        one.until_synced(names, "first", "second")
        write(folder, "second")
        one.until_synced(names, "second")
        until(lambda: one.value("changes_total", action="create", cause="spec") == 2)
        until(lambda: one.value("changes_total", action="delete", cause="spec") == 1)
        until(lambda: one.value("leader") == 1)
        until(lambda: one.loop.report.was_ready)
    assert store.leader("default") is None


def test_without_events_the_poll_finds_it(store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
    write(folder, "first")
    with running(store, folder, watch=False) as one:
        one.until_synced(names, "first")
        write(folder, "second")
        one.until_synced(names, "second")
        assert one.value("watcher_events") == 0
        assert one.loop.report.json()["watcher"] == "polling"


def test_a_drift_is_healed_by_the_timer(store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
    from django_celery_beat.models import PeriodicTask

    write(folder, "first", "second")
    with running(store, folder, resync=0.2) as one:
        # Until the sync has verified its commit, a change is what beat undid, and no drift.
        until(lambda: one.value("reconciles_total", result="applied") == 1)
        PeriodicTask.objects.using(store.alias).filter(name="first").update(queue="elsewhere")
        until(lambda: one.value("changes_total", action="update", cause="drift") == 1)
        assert store.observe("default").rows["first"].spec.queue is None
        PeriodicTask.objects.using(store.alias).filter(name="second")._raw_delete(store.alias)
        one.until_synced(names, "first", "second")


def test_an_edit_is_about_its_file_alone_and_does_not_put_the_timer_off(store: Store, folder: Path) -> None:
    from django_celery_beat.models import PeriodicTask

    def edit(file: str, queue: str) -> None:
        folder.mkdir(exist_ok=True)
        text = f"schedules:\n  {file}: {{task: t, interval: 1h, queue: {queue}}}\n"
        (folder / f"{file}.yaml").write_text(text, encoding="utf-8")

    def queue(name: str) -> str | None:
        return store.observe("default").rows[name].spec.queue

    edit("one", "a")
    edit("two", "a")
    with running(store, folder) as one:
        until(lambda: one.value("reconciles_total", result="applied") == 1)
        PeriodicTask.objects.using(store.alias).filter(name="two").update(queue="elsewhere")
        due = one.loop._resync_at
        edit("one", "b")
        until(lambda: one.value("reconciles_total", result="applied") == 2)
        assert (queue("one"), queue("two")) == ("b", "elsewhere")
        assert one.loop._resync_at == due
        one.loop.request_sync("a test")
        until(lambda: queue("two") == "a")


def test_a_look_that_finds_nothing_new_reads_no_row(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "first")
    with running(store, folder) as one:
        one.until_synced(names, "first")
        until(
            lambda: one.value("reconciles_total", result="unchanged") + one.value("reconciles_total", result="applied")
        )
        until(lambda: one.loop.report.phase is Phase.SYNCED)
        looked: list[str] = []
        monkeypatch.setattr(Store, "told", lambda *_: looked.append("told"))
        text = (folder / "a.yaml").read_bytes()
        for _ in range(5):
            (folder / "a.yaml").write_bytes(text)
            (folder / "README").write_text("no spec")
        before = one.loop.heartbeat
        until(lambda: one.loop.heartbeat > before + 0.5)
        assert not looked


class TestThatABadRevisionChangesNothing:
    def test_it_is_told_and_the_last_good_one_stays_and_goes_on(
        self, store: Store, folder: Path, names: Callable[[], set[str]], caplog: pytest.LogCaptureFixture
    ) -> None:
        write(folder, "first")
        with running(store, folder) as one:
            one.until(Phase.SYNCED)
            good = until(lambda: one.loop.report.revision)
            with caplog.at_level(logging.ERROR, "beatsync"):
                (folder / "b.yaml").write_text("schedules: {x: {task: a.b, crontab: '99 * * * *'}}")
                one.until(Phase.INVALID)
            assert names() == {"first"}
            assert "b.yaml:1:" in caplog.text
            assert "[crontab-range]" in caplog.text
            assert one.loop.report.revision == good
            assert one.loop.report.was_ready
            assert one.loop.report.failures == 0
            assert one.value("source_valid") == 0
            assert store.sources()[0].outcome == "invalid"
            (folder / "b.yaml").write_text("schedules: {x: {task: a.b, crontab: '9 * * * *'}}")
            one.until(Phase.SYNCED)
            assert names() == {"first", "x"}
            assert one.value("source_valid") == 1

    def test_taken_back_it_is_as_if_it_had_never_been(self, store: Store, folder: Path) -> None:
        write(folder, "first")
        with running(store, folder) as one:
            one.until(Phase.SYNCED)
            (folder / "b.yaml").write_text("schedules: nonsense")
            one.until(Phase.INVALID)
            assert store.sources()[0].outcome == "invalid"
            (folder / "b.yaml").unlink()
            one.until(Phase.SYNCED)
            assert (store.sources()[0].outcome, store.sources()[0].message) == ("applied", "")

    def test_after_a_restart_the_last_good_one_still_counts(self, store: Store, folder: Path) -> None:
        write(folder, "first")
        with running(store, folder) as one:
            good = until(lambda: one.loop.report.revision)
        (folder / "b.yaml").write_text("schedules: nonsense")
        with running(store, folder) as one:
            one.until(Phase.INVALID)
            until(lambda: one.loop.report.was_ready)
            assert one.loop.report.revision == good
            assert one.value("last_success_timestamp_seconds") > 0
        shutil.rmtree(folder)
        with running(store, folder) as one:
            one.until(Phase.FAILED)
            until(lambda: one.loop.report.was_ready)

    def test_the_very_first_one_leaves_it_not_ready(self, store: Store, folder: Path) -> None:
        write(folder)
        (folder / "b.yaml").write_text("schedules: nonsense")
        with running(store, folder) as one:
            one.until(Phase.INVALID)
            before = one.loop.heartbeat
            until(lambda: one.loop.heartbeat > before)
            assert not one.loop.report.was_ready

    def test_a_guard_blocks_it(self, store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
        write(folder, *"abcdefghij")
        with running(store, folder) as one:
            one.until_synced(names, *"abcdefghij")
            write(folder, "a")
            one.until(Phase.BLOCKED)
            assert names() == set("abcdefghij")
            assert one.value("blocked", code="max-deletes") == 1
            write(folder, *"abcdefghi")
            one.until_synced(names, *"abcdefghi")
            until(lambda: one.value("blocked", code="max-deletes") == 0)


class TestThatADirectoryMayComeAndGo:
    def test_it_may_come_later(self, store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
        with running(store, folder / "deep" / "down") as one:
            one.until(Phase.FAILED)
            assert "there is no directory" in one.loop.report.message
            assert not one.loop.report.was_ready
            until(lambda: [state.outcome for state in store.sources()] == ["failed"])
            write(folder / "deep" / "down", "first")
            one.until_synced(names, "first")
            one.until(Phase.SYNCED)
            assert one.loop.report.failures == 0
            assert store.sources()[0].outcome == "applied"

    def test_it_may_go_and_return(
        self, store: Store, folder: Path, names: Callable[[], set[str]], tmp_path: Path
    ) -> None:
        write(folder, "first")
        with running(store, folder) as one:
            one.until(Phase.SYNCED)
            folder.rename(tmp_path / "gone")
            one.until(Phase.FAILED)
            assert names() == {"first"}
            assert one.loop.report.was_ready
            write(folder, "first", "second")
            one.until_synced(names, "first", "second")

    def test_half_of_it_prunes_nothing(
        self, store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, "first")
        write(folder, "second", file="b.yaml")
        arm, begun = Watcher.update_watches, threading.Event()
        rest = threading.Timer(0.3, write, (folder, "second"), {"file": "b.yaml"})

        def arm_and_begin(self: Watcher) -> None:
            arm(self)
            if begun.is_set():  # the last instant before the files are looked at
                begun.clear()
                shutil.rmtree(folder)
                write(folder, "first")
                rest.start()

        monkeypatch.setattr(Watcher, "update_watches", arm_and_begin)
        with running(store, folder, quiet_period=QuietPeriod(1.0, 10.0)) as one:
            one.until_synced(names, "first", "second")
            until(lambda: one.value("reconciles_total", result="applied") == 1)
            begun.set()
            one.loop.request_sync("request")
            until(lambda: one.value("reconciles_total", result="unchanged") == 1)
            rest.join()
            assert one.value("changes_total", action="delete", cause="spec") == 0

    def test_files_that_never_rest_are_read_all_the_same(
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
            with running(store, folder, quiet_period=QuietPeriod(0.3, 1.0)) as one:
                one.until_synced(names, "first")
        finally:
            stop.set()
            thread.join()

    def test_an_empty_one_prunes_nothing(self, store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
        write(folder, "first")
        with running(store, folder) as one:
            one.until_synced(names, "first")
            (folder / "a.yaml").unlink()
            one.until(Phase.BLOCKED)
            assert names() == {"first"}


def test_a_database_that_fails_is_tried_again_later_and_later_and_then_all_is_well(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.backoff.FIRST", 0.02)
    write(folder, "first")
    told, broken = Store.told, [True]

    def failing(self: Store, source: str, *more: Any) -> object:
        if broken:
            raise StoreError("the server has gone")
        return told(self, source, *more)

    monkeypatch.setattr(Store, "told", failing)
    with running(store, folder) as one:
        until(lambda: one.loop.report.failures >= 3)
        assert one.loop.report.phase is Phase.FAILED
        assert one.value("reconciles_total", result="failed") >= 3
        broken.clear()
        one.until_synced(names, "first")
        one.until(Phase.SYNCED)
        assert one.loop.report.failures == 0


def test_the_same_files_are_not_tried_before_their_time_and_new_ones_are(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.backoff.FIRST", 200.0)
    write(folder, "first")
    observed: list[str] = []

    def failing(_: Store, source: str, *__: Any) -> object:
        observed.append(source)
        raise StoreError("the server has gone")

    monkeypatch.setattr(Store, "told", failing)
    with running(store, folder) as one:
        until(lambda: one.loop.report.failures == 1)
        for _ in range(3):
            write(folder, "first")
            before = one.loop.heartbeat
            until(lambda then=before: one.loop.heartbeat > then + 0.2)  # type: ignore[misc]
        assert (len(observed), one.loop.report.failures) == (1, 1)
        one.loop.request_sync("request")
        until(lambda: one.loop.report.failures == 2)
        write(folder, "second")
        until(lambda: len(observed) == 3)
        until(lambda: one.loop.report.failures == 1)


def test_leases_that_cannot_be_asked_for_are_told_of_and_asked_for_again(
    store: Store, folder: Path, names: Callable[[], set[str]], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("beatsync.daemon.leadership.RENEW", 0.2)
    write(folder, "first")
    lead, broken = Store.lead, [RuntimeError("ha"), StoreError("the server has gone")]

    def failing(self: Store, *words: Any) -> bool:
        if broken:
            raise broken[0]
        return lead(self, *words)

    monkeypatch.setattr(Store, "lead", failing)
    with caplog.at_level(logging.ERROR, "beatsync"), running(store, folder) as one:
        until(lambda: "RuntimeError: ha" in one.loop.report.message)
        broken.pop(0)
        until(lambda: "the server has gone" in one.loop.report.message)
        assert one.loop.report.phase is Phase.FAILED
        assert not one.loop.report.is_leader
        assert one.value("consecutive_failures") > 0
        broken.pop(0)
        one.until_synced(names, "first")
        one.until(Phase.SYNCED)
    assert "Traceback" in caplog.text


def test_what_nobody_foresaw_does_not_end_the_loop(
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

    monkeypatch.setattr("beatsync.applying.make_plan", make_plan)
    with caplog.at_level(logging.ERROR, "beatsync"), running(store, folder) as one:
        one.until_synced(names, "first")
    assert "ZeroDivisionError" in caplog.text


def test_a_suspended_source_is_left_alone_until_it_is_over(
    store: Store, folder: Path, names: Callable[[], set[str]]
) -> None:
    write(folder, "first")
    with running(store, folder) as one:
        one.until(Phase.SYNCED)
        store.suspend("default", Suspension("ann", "release", utc_now()))
        write(folder, "second")
        one.until(Phase.SUSPENDED)
        assert names() == {"first"}
        assert "suspended by ann" in one.loop.report.message
        assert one.value("suspended") == 1
        assert one.loop.report.failures == 0
        assert store.sources()[0].outcome == "applied"
        (folder / "b.yaml").write_text("schedules: nonsense")
        one.until(Phase.INVALID)
        assert one.value("suspended") == 1
        (folder / "b.yaml").unlink()
        one.until(Phase.SUSPENDED)
        store.suspend("default", None)
        one.loop.request_sync("request")
        one.until_synced(names, "second")
        until(lambda: one.value("suspended") == 0)


def test_a_suspension_ends_by_itself(store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
    write(folder, "first")
    with running(store, folder) as one:
        one.until(Phase.SYNCED)
        store.suspend("default", Suspension("ann", "release", utc_now(), utc_now() + timedelta(seconds=5)))
        write(folder, "second")
        one.until(Phase.SUSPENDED)
        told = one.loop.report.json()["suspended"]
        assert (told["by"], told["reason"]) == ("ann", "release")
        one.until_synced(names, "second")
        until(lambda: one.loop.report.json()["suspended"] is None)


def test_who_does_not_lead_stands_by_and_takes_over(store: Store, folder: Path, names: Callable[[], set[str]]) -> None:
    store.lead("default", "another", "token", 2)
    write(folder, "first")
    with running(store, folder) as one:
        one.until(Phase.STANDING_BY)
        assert names() == set()
        assert one.loop.report.leader == "another"
        assert one.loop.report.was_ready
        assert one.value("leader") == 0
        one.until_synced(names, "first")
        until(lambda: one.loop.report.is_leader)


def test_who_leads_no_longer_takes_back_what_it_said(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beatsync.daemon.leadership.RENEW", 0.2)
    write(folder, *"abcdefghij")
    with running(store, folder) as one:
        one.until(Phase.SYNCED)
        write(folder, "a")
        one.until(Phase.BLOCKED)
        assert one.value("blocked", code="max-deletes") == 1
        with connections[store.alias].cursor() as cursor:
            cursor.execute("UPDATE beatsync_lease SET holder = 'another', token = 'b'")
        one.until(Phase.STANDING_BY)
        told = one.metrics.text().decode()
        for name in ("blocked", "source_valid", "source_info", "diagnostics", "schedules", "schedules_left_alone"):
            assert f"beatsync_{name}{{" not in told
        assert one.value("consecutive_failures") == 0


def test_a_commit_of_files_that_stay_as_they_are_is_a_new_revision(
    store: Store, tmp_path: Path, names: Callable[[], set[str]]
) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=ann", "-c", "user.email=ann@shop.example", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    folder = tmp_path / "schedules.d"
    write(folder, "first")
    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    with running(store, folder) as one:
        one.until_synced(names, "first")
        write(folder, "second")
        one.until_synced(names, "second")
        until(lambda: (r := store.sources()[0].revision) and str(r.git).endswith("-dirty"))
        git("commit", "--quiet", "--all", "--message", "two")
        until(lambda: (r := store.sources()[0].revision) and r.git == git("rev-parse", "HEAD"))
        until(lambda: one.loop.report.revision == store.sources()[0].revision)
