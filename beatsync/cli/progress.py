"""Progress on standard error: one line in a terminal, or the time of each step with `--verbose`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import click

from beatsync.cli.output import is_interactive

_DELAY = 0.5
"""Seconds after which the line appears; a shorter command shows none."""
_REFRESH = 0.1
_ERASE = "\r\x1b[2K"


class ProgressReporter:
    """Receives the progress of a plan or a sync, and shows it."""

    def __init__(self, *, verbose: bool, enabled: bool = True) -> None:
        self._verbose = verbose
        self._enabled = enabled
        self.is_drawn = enabled and not verbose and is_interactive(sys.stderr)
        self._step, self._count = "", ""
        self._started = self._step_started = time.monotonic()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report that `done` of `total` items of a step are done; `total` is 0 if the number is unknown."""
        if step.startswith("waiting"):
            # A log needs to say what is waited for too; once, because each further report differs only in its time.
            if self._enabled and not self._step.startswith("waiting"):
                click.echo((_ERASE if self.is_drawn else "") + step, err=True, color=True)
            step = "waiting"
        if step != self._step:
            self.finish_step()
            self._step, self._step_started = step, time.monotonic()
        self._count = f" {done:,}/{total:,}" if total else ""

    def finish_step(self) -> None:
        """Print the time of the current step with `--verbose`."""
        if self._verbose and self._step:
            click.echo(f"{self._step}: {time.monotonic() - self._step_started:.3f} s", err=True)

    def draw_until(self, finished: Event) -> None:
        """Keep the line up to date, and remove it at the end. A step that waits for a lock reports nothing meanwhile."""
        pause = _DELAY
        while not finished.wait(pause):
            line = f"{self._step}{self._count} {time.monotonic() - self._started:.0f} s"
            click.echo(_ERASE + line, nl=False, err=True, color=True)
            pause = _REFRESH
        if pause == _REFRESH:
            click.echo(_ERASE, nl=False, err=True, color=True)


@contextmanager
def show_progress(*, verbose: bool, enabled: bool) -> Iterator[ProgressReporter]:
    """Show progress while the body runs."""
    progress, finished = ProgressReporter(verbose=verbose, enabled=enabled), Event()
    drawing = Thread(target=progress.draw_until, args=(finished,), daemon=True)
    if progress.is_drawn:
        drawing.start()
    try:
        yield progress
    finally:
        finished.set()
        if drawing.ident is not None:
            drawing.join()
        progress.finish_step()
