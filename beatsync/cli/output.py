"""Printing: results go to standard output, everything else to standard error."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from beatsync.report.escape import one_line
from beatsync.report.paint import Paint, plain

if TYPE_CHECKING:
    from beatsync.reconcile import Result

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
    try:
        for text in lines:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"cannot write to standard output: {error.strerror}") from None


def print_plan(result: Result, directory: Path, output_format: str, *, applied: bool) -> None:
    """Print what the plan would do, or what the sync did if `applied`."""
    from beatsync.reconcile import Outcome
    from beatsync.report import jsonout, markdown, text
    from beatsync.report.places import plan_with_directory

    plan = plan_with_directory(result.plan, str(directory))
    refused = result.outcome in {Outcome.BLOCKED, Outcome.INVALID}
    if output_format == "json":
        print_lines(jsonout.render_plan(plan, applied=applied))
    elif output_format == "markdown":
        print_result(markdown.render_plan(plan, applied=applied, refused=refused))
    else:
        print_lines(text.render_plan(plan, applied=applied, refused=refused, paint=painter(sys.stdout)))
        if result.repairs:
            print_result(
                f"celery beat overwrote {result.repairs:,} of these rows during the sync; they were applied again."
            )


def print_error(message: str) -> None:
    """Print an error to standard error, with the lines after the first indented."""
    first, *others = message.splitlines() or [""]
    _print_message("error", first)
    for line in others:
        click.echo(f"  {one_line(line)}", err=True, color=True)


def print_warning(message: str) -> None:
    """Print a warning to standard error."""
    _print_message("warning", message)


def print_hint(message: str) -> None:
    """Print a hint to standard error."""
    _print_message("hint", message)


def _print_message(kind: str, message: str) -> None:
    paint = painter(sys.stderr)
    click.echo(f"{paint(kind + ':', kind)} {one_line(message)}", err=True, color=True)


def command_line(*words: str) -> str:
    """Return a command line for a hint, with the prefix of this run: `beatsync` or `manage.py beatsync`."""
    return shlex.join([*str(click.get_current_context().find_root().info_name).split(), *words])
