"""Progress on standard error: a bar in a terminal, or the time of each step with `--verbose`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from beatsync.cli.output import is_interactive

if TYPE_CHECKING:
    from rich.progress import Progress

_BAR_DELAY = 0.5
"""Seconds after which the bar appears; a shorter command shows none."""


class ProgressReporter:
    """Receives the progress of a plan or a sync, and shows it."""

    def __init__(self, *, verbose: bool, enabled: bool) -> None:
        self._verbose = verbose
        self._step, self._done, self._total = "", 0, 0
        self._step_started = time.monotonic()
        self._bar: Progress | None = None
        self._lock = threading.Lock()
        # A timer shows the bar, because a step that waits for a lock reports nothing.
        self._timer = threading.Timer(_BAR_DELAY, self._show_bar)
        self._timer.daemon = True
        if enabled and not verbose and is_interactive(sys.stderr):
            self._timer.start()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report that `done` of `total` items of a step are done; `total` is 0 if the number is unknown."""
        with self._lock:
            if step != self._step:
                self._print_duration()
                self._step_started = time.monotonic()
            self._step, self._done, self._total = step, done, total
            self._update_bar()

    def close(self) -> None:
        """Report the time of the last step and remove the bar."""
        with self._lock:
            self._timer.cancel()
            self._print_duration()
            if self._bar is not None:
                self._bar.stop()

    def _show_bar(self) -> None:
        bar = _create_bar()
        with self._lock:
            if not self._timer.finished.is_set():
                self._bar = bar
                bar.start()
                self._update_bar()

    def _update_bar(self) -> None:
        if self._bar is None:
            return
        if [task.description for task in self._bar.tasks] != [self._step]:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._bar.add_task(self._step, total=self._total or None)
        self._bar.update(self._bar.task_ids[0], completed=self._done)

    def _print_duration(self) -> None:
        if self._verbose and self._step:
            click.echo(f"{self._step}: {time.monotonic() - self._step_started:.3f} s", err=True)


@contextmanager
def show_progress(*, verbose: bool, enabled: bool) -> Iterator[ProgressReporter]:
    """Show progress while the body runs."""
    progress = ProgressReporter(verbose=verbose, enabled=enabled)
    try:
        yield progress
    finally:
        progress.close()


def _create_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class CountColumn(MofNCompleteColumn):
        """`done/total`; empty if the total is unknown."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total else Text()

    columns = (TextColumn("{task.description}"), BarColumn(), CountColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
