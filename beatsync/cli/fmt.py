"""`beatsync fmt`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from beatsync.cli import exits, options, output, rewriting, wiring

if TYPE_CHECKING:
    from beatsync.values import Diagnostic, SourceFile

_HIDDEN = "\0"
"""Begins a line that may hold a secret; no text of YAML has this character."""


class Formatted(NamedTuple):
    """A file, and its content in the canonical layout; None if it cannot be formatted."""

    path: Path
    before: bytes
    after: bytes | None


@click.command("fmt")
@click.argument("paths", metavar="[DIR|FILE]...", nargs=-1, type=click.Path(path_type=Path), envvar="BEATSYNC_DIR")
@options.option("--check", is_flag=True, help="Change nothing; exit with 2 if a file would change.")
@options.option("--diff", "shows_diff", is_flag=True, help="Change nothing, and show what would change.")
def command(paths: tuple[Path, ...], check: bool, shows_diff: bool) -> int:
    """Write spec files in the canonical layout: indentation, spacing, quotes and the order of a schedule's keys.

    Comments, blank lines and the spelling of values stay. Exits with 3 if a file is not valid YAML or cannot be read; the others are formatted.
    """
    files = list(_files(paths))
    changed = [file for file in files if file.after not in {None, file.before}]
    for file in changed:
        if shows_diff:
            output.print_lines(_diff(file))
        else:
            _write(file, check=check)
    invalid = sum(file.after is None for file in files)
    if not shows_diff:
        output.print_result(_totals(len(files), len(changed), invalid, check=check))
    return exits.INVALID if invalid else (exits.CHANGES if check and changed else exits.DONE)


def _write(file: Formatted, *, check: bool) -> None:
    """Write a formatted file, and name it; with `check`, only name it. Raises click.ClickException."""
    from beatsync.report.escape import one_line

    if file.after is not None and not check:
        rewriting.rewrite(file.path, file.before, file.after)
    output.print_result(f"{'would change' if check else 'formatted'} {one_line(str(file.path))}")


def _totals(files: int, changed: int, invalid: int, *, check: bool) -> str:
    from beatsync.report.summary import counted

    counts = {
        "to format" if check else "formatted": changed,
        "unchanged": files - changed - invalid,
        "invalid": invalid,
    }
    shown = [f"{number:,} {word}" for word, number in counts.items() if number]
    return f"{counted(files, 'file')}: {', '.join(shown) or 'nothing to format'}"


def _files(paths: Sequence[Path]) -> Iterator[Formatted]:
    """Yield the files of these paths, or of the project's directory if there are none. Raises SourceError."""
    for path in paths or (wiring.source_directory(wiring.with_project_settings(options.CliOptions())),):
        yield from _files_of(path)


def _files_of(path: Path) -> Iterator[Formatted]:
    """Yield the formatted files of a directory, or one file. Raises SourceError."""
    from beatsync.source import load, load_file
    from beatsync.values import Severity

    snapshot = load_file(path) if path.is_file() else load(path)
    directory = wiring.directory_of(path)
    output.print_diagnostics(snapshot.diagnostics, directory)
    for refused in snapshot.diagnostics:
        if refused.severity is Severity.ERROR:
            yield Formatted(directory / refused.location.path, b"", None)
    for file in snapshot.files:
        problems, after = _formatted(file, directory / file.path)
        output.print_diagnostics(problems, directory)
        yield Formatted(directory / file.path, file.data, after)


def _formatted(file: SourceFile, path: Path) -> tuple[Sequence[Diagnostic], bytes | None]:
    """Return the problems of a file that is not valid YAML, and its formatted content; None if there are problems."""
    from codecs import BOM_UTF8

    from beatsync.specfile.canonical import UnsupportedError, formatted
    from beatsync.specfile.excerpts import diagnostics
    from beatsync.specfile.reader import read

    reading = read(file.data)
    if reading.problems:
        return list(diagnostics(file, list(reading.problems), frozenset())), None
    mark = BOM_UTF8 if file.data.startswith(BOM_UTF8) else b""
    try:
        return (), mark + formatted(file.data.removeprefix(mark).decode()).encode()
    except UnsupportedError as error:
        output.print_warning(f"{path} stays as it is: it has {error}")
        return (), file.data


def _diff(file: Formatted) -> Iterator[str]:
    """Yield the lines of a unified diff, with `***` for each line that may hold a secret."""
    from beatsync.report.escape import line_start, one_line
    from beatsync.specfile.parse import secret_lines
    from beatsync.values import SourceFile

    texts: list[list[str]] = []
    for data in (file.before, file.after or b""):
        hidden = secret_lines(SourceFile(file.path.name, data))
        lines = enumerate(data.decode("utf-8-sig").splitlines(), 1)
        texts.append([f"{_HIDDEN}{text}" if number in hidden else text for number, text in lines])
    name = one_line(str(file.path))
    for line in difflib.unified_diff(texts[0], texts[1], name, name, lineterm=""):
        sign, text = line[:1], line[1:]
        yield sign + ("***" if text.startswith(_HIDDEN) else line_start(text))
