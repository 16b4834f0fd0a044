"""Printing: results go to standard output, everything else to standard error."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from beatsync.cli.wrapping import terminal_width, wrapped
from beatsync.report.escape import one_line
from beatsync.report.paint import Paint, plain

if TYPE_CHECKING:
    from beatsync.reconcile import Result
    from beatsync.values import Diagnostic

program: ContextVar[str] = ContextVar("program", default="beatsync")
"""How this command line was called: `beatsync` or `manage.py beatsync`."""
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
    "forget": {"fg": "yellow"},
}


def is_interactive(stream: TextIO) -> bool:
    """Return whether a person watches `stream`: it is a terminal, and not a pipe, a file or a CI server's log."""
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def painter(stream: TextIO) -> Paint:
    """Return the function that colours text for `stream`; `NO_COLOR` and `FORCE_COLOR` take precedence."""
    if os.environ.get("NO_COLOR"):
        return plain
    if not os.environ.get("FORCE_COLOR") and not is_interactive(stream):
        return plain
    return lambda text, kind: click.style(text, **_PALETTE[kind])  # type: ignore[arg-type]


def print_result(text: str) -> None:
    """Print a result to standard output."""
    print_lines([text])


def print_lines(lines: Iterable[str]) -> None:
    """Print a result that consists of lines or blocks of lines to standard output."""
    stream = sys.stdout
    # Characters that the terminal's encoding lacks are escaped: the rest of the output is still useful.
    encoding = stream.encoding or "utf-8"
    width = terminal_width(stream)
    try:
        for text in lines:
            text = wrapped(text, width)  # noqa: PLW2901
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"cannot write to standard output: {error.strerror}") from None


def print_plan(
    result: Result,
    directory: Path,
    output_format: str,
    *,
    is_sync: bool,
    with_rows: bool = False,
    is_quiet: bool = False,
) -> None:
    """Print what a plan would do, or what a sync did; `with_rows` shows each row of schedules with several rows.

    `is_quiet` limits text to errors and totals, and to nothing if there is nothing to report.
    """
    from beatsync.report import jsonout, markdown, text
    from beatsync.report.places import plan_with_directory
    from beatsync.report.summary import refusal_text

    plan = plan_with_directory(result.plan, str(directory))
    blocked = (replace(reason, hint=reason.hint and with_program(reason.hint)) for reason in plan.blocked)
    plan = replace(plan, blocked=tuple(blocked))
    applied = is_sync and not result.is_refused
    refusal = refusal_text(plan, is_sync=is_sync) if result.is_refused else ""
    if output_format == "json":
        print_lines(jsonout.render_plan(plan, applied=applied))
    elif output_format == "markdown":
        print_result(with_program(markdown.render_plan(plan, applied=applied, refusal=refusal, with_rows=with_rows)))
    elif not is_quiet or plan.does_something or result.is_refused or plan.diagnostics:
        paint = painter(sys.stdout)
        print_lines(
            text.render_plan(
                plan, applied=applied, refusal=refusal, with_rows=with_rows, is_quiet=is_quiet, paint=paint
            )
        )
        if result.repairs:
            print_result(
                f"celery beat overwrote {result.repairs:,} of these rows during the sync; they were applied again."
            )


def print_error(message: str) -> None:
    """Print an error to standard error, with the lines after the first indented."""
    first, *others = with_program(message).splitlines() or [""]
    _print_message("error", first)
    for line in others:
        click.echo(f"  {one_line(line)}", err=True, color=True)


def print_warning(message: str) -> None:
    """Print a warning to standard error."""
    _print_message("warning", message)


def print_hint(message: str) -> None:
    """Print a hint to standard error."""
    _print_message("hint", message)


def print_diagnostics(diagnostics: Iterable[Diagnostic], directory: Path) -> None:
    """Print the diagnostics of files below a directory to standard error."""
    from beatsync.report.places import with_directory
    from beatsync.report.text import render_diagnostic

    for diagnostic in with_directory(diagnostics, str(directory)):
        click.echo(render_diagnostic(diagnostic, painter(sys.stderr)), err=True)


def _print_message(kind: str, message: str) -> None:
    paint = painter(sys.stderr)
    text = f"{paint(kind + ':', kind)} {one_line(with_program(message))}"
    click.echo(wrapped(text, terminal_width(sys.stderr)), err=True, color=True)


def command_line(*words: str) -> str:
    """Return a command line for a hint, as it is typed for this run."""
    return f"{program.get()} {shlex.join(words)}"


def with_program(text: str) -> str:
    """Return a message with the name of this run's program in each command that it quotes.

    Messages quote commands as `beatsync …`, because only the command line knows how it was called.
    """
    return text.replace("`beatsync ", f"`{program.get()} ")


def can_print(text: str, stream: TextIO) -> bool:
    """Return whether the encoding of `stream` has every character of `text`."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
