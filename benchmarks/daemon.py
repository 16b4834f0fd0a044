"""The daemon's own loop over all files: one file changed, a full look that finds nothing, and memory over many looks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.databases import counted, open_store
from benchmarks.syncs import options
from benchmarks.task import Answer, Task, clocked, peak

if TYPE_CHECKING:
    from beatsync.daemon.loop import SourceLoop, Timing
    from beatsync.store import Store

TIMES = 7
LOOKS = 1_000
LONG = 120.0
"""Seconds after which a wait is given up."""


class Commits:
    """When a store's transactions ended."""

    def __init__(self, store: Store) -> None:
        self.at: list[float] = []
        locked = store.locked

        @contextmanager
        def noted(*args: Any, **kwargs: Any) -> Iterator[None]:
            with locked(*args, **kwargs):
                yield
            self.at.append(time.monotonic())

        store.locked = noted  # type: ignore[method-assign]


@contextmanager
def _running(task: Task, timing: Timing) -> Iterator[tuple[SourceLoop, Commits]]:
    from beatsync.daemon.leadership import Leadership
    from beatsync.daemon.loop import SourceLoop
    from beatsync.daemon.metrics import Metrics
    from beatsync.daemon.source_reader import SourceReader
    from beatsync.store import Store

    alias = open_store(task.url).alias
    store = Store(alias, project_settings=False)
    commits = Commits(store)
    loop = SourceLoop(SourceReader(task.root, options().parse), store, options(), timing, Metrics())
    leadership = Leadership(store, [loop.name], "benchmark", lambda _: loop.request_sync("leadership"))
    leadership.start()
    loop.start(leadership)
    try:
        _until(lambda: loop.report.succeeded_at is not None)
        yield loop, commits
    finally:
        loop.stop()
        loop.join(LONG)
        leadership.stop(LONG)


@contextmanager
def _edited(task: Task) -> Iterator[Callable[[int], float]]:
    """A way to rename one changed file into place, and the next time the former one; it returns when that was."""
    files, others = (sorted(Path(place).rglob("*.yaml")) for place in (task.folder, task.changed))
    file, other = next(
        (one, other) for one, other in zip(files, others, strict=True) if one.read_bytes() != other.read_bytes()
    )
    texts = (other.read_bytes(), file.read_bytes())

    def edit(turn: int) -> float:
        new = file.with_name(f".{file.name}.new")
        new.write_bytes(texts[turn % 2])
        begun = time.monotonic()
        new.replace(file)
        return begun

    yield edit
    file.write_bytes(texts[1])


def daemon_one_file(task: Task) -> Answer:
    """From the rename of one changed file to the commit, beyond the quiet time; the median of several."""
    from beatsync.daemon.loop import Timing

    waits: list[float] = []
    timing = Timing(resync=3600.0)
    with _running(task, timing) as (loop, commits), _edited(task) as edit:
        for turn in range(TIMES):
            seen, last = len(commits.at), loop.report.succeeded_at
            begun = edit(turn)
            _until(lambda: len(commits.at) > seen)  # noqa: B023
            waits.append(commits.at[seen] - begun - timing.quiet_period.seconds)
            _until(lambda: loop.report.succeeded_at != last)  # noqa: B023
    return Answer(seconds=statistics.median(waits), notes={"worst": max(waits)}, peak=peak())


def daemon_resync(task: Task) -> Answer:
    """A full look at files and rows that finds nothing; the median of several."""
    from beatsync.daemon.source_reader import SourceReader
    from beatsync.reconcile import sync_read

    store, reading = open_store(task.url), SourceReader(task.root, options().parse)
    sync_read(*reading.read(by_content=True), store, options())
    parsed, found = reading.parsed_files, []
    for _ in range(3):
        answer = Answer()
        with counted(task.url, answer), clocked(answer):
            sync_read(*reading.read(by_content=True), store, options())
        found.append(answer)
    assert reading.parsed_files == parsed, "a resync that finds nothing parses nothing"
    return sorted(found, key=lambda one: one.seconds)[1]


def daemon_memory(task: Task) -> Answer:
    """The most memory of the loop after a tenth of many edits, each with its sync, and what the others add to it."""
    from beatsync.daemon.debounce import QuietPeriod
    from beatsync.daemon.loop import Timing

    answer = Answer()
    looks = max(10, min(LOOKS, task.schedules // 100))
    # Looks at everything come in between by the timer.
    timing = Timing(resync=20.0, quiet_period=QuietPeriod(0.02))
    with clocked(answer), _running(task, timing) as (loop, _), _edited(task) as edit:
        for number in range(looks):
            last = loop.report.succeeded_at
            edit(number)
            _until(lambda: loop.report.succeeded_at != last)  # noqa: B023
            if number == looks // 10:
                answer.peak = peak()
    answer.notes = {"looks": looks, "grown": peak() - answer.peak}
    return answer


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the daemon did not do it")
        time.sleep(0.002)
