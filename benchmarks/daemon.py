"""The daemon's loop over all files: the delay after the edit of one file, and memory over many edits."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.databases import open_store
from benchmarks.syncs import options
from benchmarks.task import Measurement, Task, peak_mib, timed

if TYPE_CHECKING:
    from beatsync.daemon.loop import SourceLoop, Timing

_EDITS = 7
"""Edits of `daemon-one-file`."""
_MAX_EDITS = 1_000
"""Edits of `daemon-memory`, for the largest source."""
_TIMEOUT = 120.0
"""Seconds after which a wait fails."""


@contextmanager
def _running(task: Task, timing: Timing) -> Iterator[tuple[SourceLoop, list[float]]]:
    """Run the loop until its first sync, and yield it with a list of the times of its commits, which grows."""
    from beatsync.daemon.leadership import Leadership
    from beatsync.daemon.loop import SourceLoop
    from beatsync.daemon.metrics import Metrics
    from beatsync.daemon.source_reader import SourceReader
    from beatsync.store import Store

    commits: list[float] = []

    class TimedStore(Store):
        """A store that notes when its transactions end."""

        @contextmanager
        def locked(self, *args: Any, **kwargs: Any) -> Iterator[None]:
            with super().locked(*args, **kwargs):
                yield
            commits.append(time.monotonic())

    store = TimedStore(open_store(task.url).alias, project_settings=False)
    loop = SourceLoop(SourceReader(task.root), store, options(), timing, Metrics())
    leadership = Leadership(store, [loop.name], "benchmark", lambda _: loop.request_sync("leadership"))
    leadership.start()
    loop.start(leadership)
    try:
        _wait_until(lambda: loop.report.succeeded_at is not None)
        yield loop, commits
    finally:
        loop.stop()
        loop.join(_TIMEOUT)
        leadership.stop(_TIMEOUT)


@contextmanager
def _editor(task: Task) -> Iterator[Callable[[int], float]]:
    """Yield a function that edits a file by an atomic rename and returns when it did so; an even number makes the change.

    An odd number undoes the change. The file has its first content again afterwards.
    """
    files, changed_files = (
        sorted(Path(directory).rglob("*.yaml")) for directory in (task.directory, task.changed_directory)
    )
    file, changed = next(
        (file, changed)
        for file, changed in zip(files, changed_files, strict=True)
        if file.read_bytes() != changed.read_bytes()
    )
    texts = (changed.read_bytes(), file.read_bytes())

    def edit(number: int) -> float:
        new = file.with_name(f".{file.name}.new")
        new.write_bytes(texts[number % 2])
        edited_at = time.monotonic()
        new.replace(file)
        return edited_at

    yield edit
    file.write_bytes(texts[1])


def daemon_one_file(task: Task) -> Measurement:
    """From the rename of one changed file to the commit, without the quiet period; the median of several edits."""
    from beatsync.daemon.loop import Timing

    delays: list[float] = []
    timing = Timing(resync=3600.0)
    with _running(task, timing) as (loop, commits), _editor(task) as edit:
        for number in range(2 if task.quick else _EDITS):
            before, last_success = len(commits), loop.report.succeeded_at
            edited_at = edit(number)
            _wait_until(lambda: len(commits) > before)  # noqa: B023
            delays.append(commits[before] - edited_at - timing.quiet_period.seconds)
            _wait_until(lambda: loop.report.succeeded_at != last_success)  # noqa: B023
    return Measurement(seconds=statistics.median(delays), notes={"worst": max(delays)}, peak_mib=peak_mib())


def daemon_memory(task: Task) -> Measurement:
    """Peak memory of the loop after a tenth of many edits, each followed by its sync, and its growth during the others."""
    from beatsync.daemon.debounce import QuietPeriod
    from beatsync.daemon.loop import Timing

    measurement = Measurement()
    edits = 2 if task.quick else max(10, min(_MAX_EDITS, task.schedules // 100))
    # The timer starts comparisons of all files and rows in between.
    timing = Timing(resync=20.0, quiet_period=QuietPeriod(0.02))
    with timed(measurement), _running(task, timing) as (loop, _), _editor(task) as edit:
        for number in range(edits):
            last_success = loop.report.succeeded_at
            edit(number)
            _wait_until(lambda: loop.report.succeeded_at != last_success)  # noqa: B023
            if number == edits // 10:
                measurement.peak_mib = peak_mib()
    measurement.notes = {"edits": edits, "growth MiB": peak_mib() - measurement.peak_mib}
    return measurement


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the daemon did not sync within {_TIMEOUT:.0f} s")
        time.sleep(0.002)
