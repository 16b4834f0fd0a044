"""Where output goes and how it looks: the answer on standard output, everything else on standard error."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

from beatsync.report.escape import one_line
from beatsync.report.paint import Paint, plain

if TYPE_CHECKING:
    from rich.progress import Progress

_PALETTE: dict[str, dict[str, str | bool]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow", "bold": True},
    "good": {"fg": "green"},
    "hint": {"fg": "cyan"},
    "place": {"bold": True},
    "name": {"bold": True},
    "caret": {"fg": "red", "bold": True},
    "quiet": {"dim": True},
    "create": {"fg": "green"},
    "update": {"fg": "yellow"},
    "adopt": {"fg": "yellow"},
    "disable": {"fg": "red"},
    "delete": {"fg": "red"},
    "forget": {"fg": "red"},
}
_LONG = 0.5
"""Seconds after which a person wants to see that something is going on."""


def is_watched(stream: TextIO) -> bool:
    """Whether a person looks at `stream`, and not a pipe, a file or a CI server."""
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def painter(stream: TextIO) -> Paint:
    """Return how to colour what goes to `stream`; `NO_COLOR` and `FORCE_COLOR` have the last word."""
    if os.environ.get("NO_COLOR"):
        return plain
    if not os.environ.get("FORCE_COLOR") and not is_watched(stream):
        return plain
    return lambda text, kind: click.style(text, **_PALETTE[kind])  # type: ignore[arg-type]


def answer(text: str) -> None:
    """Print the answer."""
    answer_lines([text])


def answer_lines(lines: Iterable[str]) -> None:
    """Print an answer that comes line by line, or in blocks of lines."""
    stream = sys.stdout
    # A terminal that cannot say ü shall still get an answer.
    encoding = stream.encoding or "utf-8"
    try:
        for text in lines:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"the answer cannot be written to standard output: {error.strerror}") from None


def complain(message: str) -> None:
    """Say what went wrong, on standard error."""
    paint = painter(sys.stderr)
    first, *more = message.splitlines() or [""]
    click.echo(f"{paint('error:', 'error')} {one_line(first)}", err=True, color=True)
    for line in more:
        click.echo(f"  {one_line(line)}", err=True, color=True)


def note(message: str, kind: str = "warning") -> None:
    """Say something that is not the answer, on standard error."""
    paint = painter(sys.stderr)
    click.echo(f"{paint(kind + ':', kind)} {one_line(message)}", err=True, color=True)


def command(*words: str) -> str:
    """Return a command line as it is typed here, be it behind `beatsync` or behind `manage.py beatsync`."""
    return shlex.join([*str(click.get_current_context().find_root().info_name).split(), *words])


class Watch:
    """Shows a person what a sync is at: a bar once it takes long, or each step's time with `-v`."""

    def __init__(self, *, verbose: bool, quiet: bool) -> None:
        self._verbose = verbose
        self._step, self._done, self._total = "", 0, 0
        self._step_begun = time.monotonic()
        self._bar: Progress | None = None
        self._lock = threading.Lock()
        # A step may wait for a lock and say nothing meanwhile: the bar must not depend on its next word.
        self._timer = threading.Timer(_LONG, self._show)
        self._timer.daemon = True
        if not quiet and not verbose and is_watched(sys.stderr):
            self._timer.start()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Note that `done` of `total` pieces of a step are done; a total of 0 is one that nobody knows."""
        with self._lock:
            if step != self._step:
                self._tell()
                self._step_begun = time.monotonic()
            self._step, self._done, self._total = step, done, total
            self._draw()

    def _show(self) -> None:
        bar = _bar()
        with self._lock:
            if not self._timer.finished.is_set():
                self._bar = bar
                bar.start()
                self._draw()

    def _draw(self) -> None:
        if self._bar is None:
            return
        if [task.description for task in self._bar.tasks] != [self._step]:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._bar.add_task(self._step, total=self._total or None)
        self._bar.update(self._bar.task_ids[0], completed=self._done)

    def _tell(self) -> None:
        if self._verbose and self._step:
            click.echo(f"{self._step}: {time.monotonic() - self._step_begun:.3f} s", err=True)

    def end(self) -> None:
        """Take the bar away."""
        with self._lock:
            self._timer.cancel()
            self._tell()
            if self._bar is not None:
                self._bar.stop()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Counted(MofNCompleteColumn):
        """Nothing where nobody knows of how many."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total else Text()

    columns = (TextColumn("{task.description}"), BarColumn(), Counted(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def watching(*, verbose: bool, quiet: bool) -> Iterator[Watch]:
    """Show progress while the body runs."""
    watch = Watch(verbose=verbose, quiet=quiet)
    try:
        yield watch
    finally:
        watch.end()
