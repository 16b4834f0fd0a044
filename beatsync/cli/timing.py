"""What `next` and `load` share: the time that they look at, and the schedules of files or rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from beatsync.cli import options, output, wiring

if TYPE_CHECKING:
    from beatsync.plan.upcoming import Upcoming
    from beatsync.values import Desired

_YEARS = range(1000, 9801)
"""In which times are accepted: what is added to them for zones and for how far runs are looked for stays in the years of Python."""

flags = options.combine(
    options.option(
        "--dir", "directory", metavar="DIR", type=click.Path(path_type=Path),
        help="The files: a directory or one file.  [default: as for sync]",
    ),
    options.option("--at", metavar="TIME", help="Begin at this time, and count intervals from it.  [default: now]"),
    options.option("--for", "length", metavar="DURATION", callback=options.length, help="How long."),
    options.option(
        "--between", metavar="A B", nargs=2, help="From time A (included) to time B (not included), in ISO 8601."
    ),
    options.option(
        "--live", is_flag=True, help="Read the enabled rows of the database with their last runs, instead of files."
    ),
    options.environment,
    options.timezone,
    options.database,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is looked at: from `start` (included) to `end` (not included); None: without end."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Request:
    """What the shared flags and the arguments choose."""

    cli_options: options.CliOptions
    names: Sequence[str]
    """Of schedules; empty: all."""
    zone: str
    """The zone of schedules and times that name none."""
    window: Window
    starts_now: bool
    """Whether no flag says when the window starts."""
    live: bool


class InvalidFilesError(Exception):
    """The files are invalid; their diagnostics were printed."""


def request(
    words: Sequence[str],
    *,
    directory: Path | None,
    at: str | None,
    length: float | None,
    between: tuple[str, str] | None,
    live: bool,
    **shared: Any,
) -> Request:
    """Return what the flags choose, with the project's settings. Raises click.UsageError."""
    directory, names = _split_words(words, directory)
    cli_options = wiring.with_project_settings(options.CliOptions(directory, **shared))
    zone = wiring.parse_options(cli_options, wiring.project_zone.get()).timezone
    starts_now = at is None and between is None
    return Request(cli_options, names, zone, _window(at, length, between, zone), starts_now, live)


def _window(at: str | None, length: float | None, between: tuple[str, str] | None, zone: str) -> Window:
    """Return the time that the flags choose; `end` is None if they do not say. Raises click.UsageError."""
    from beatsync.sync_types import utc_now

    if between is not None:
        if at is not None or length is not None:
            raise click.UsageError("--between names both ends: leave out --at and --for")
        first, last = (_time("--between", text, zone) for text in between)
        if last <= first:
            raise click.UsageError("--between: B is not after A")
        return Window(first, last)
    start = utc_now() if at is None else _time("--at", at, zone)
    end = None if length is None else start + timedelta(seconds=length)
    if end is not None and end.year not in _YEARS:
        raise click.UsageError(f"--for: the end is after the year {_YEARS.stop - 1}")
    return Window(start, end)


def _time(flag: str, text: str, zone: str) -> datetime:
    from beatsync.specfile import times
    from beatsync.specfile.problems import SpecError

    try:
        time = times.from_text(text, zone)
    except SpecError as error:
        hint = f"; {error.hint}" if error.hint else ""
        raise click.UsageError(f"{flag}: {error.message}{hint}") from None
    if time.year not in _YEARS:
        raise click.UsageError(f"{flag}: {text!r} is not in the years {_YEARS.start} to {_YEARS.stop - 1}")
    return time


def _split_words(words: Sequence[str], directory: Path | None) -> tuple[Path | None, tuple[str, ...]]:
    """Return the directory and the names among the arguments: without --dir, a first one that exists as a path is DIR."""
    source = click.get_current_context().get_parameter_source("directory")
    if source is not ParameterSource.COMMANDLINE and words and _is_path(words[0]):
        return Path(words[0]), tuple(words[1:])
    return directory, tuple(words)


def _is_path(word: str) -> bool:
    try:
        return Path(word).exists()
    except OSError:  # the name of a schedule may be longer than that of a file
        return False


def read(chosen: Request, start: datetime) -> Upcoming:
    """Return the chosen schedules from files, whose intervals count from `start`, or from rows.

    Raises InvalidFilesError, and click.ClickException if a name does not exist.
    """
    from beatsync.specfile.problems import with_nearest

    cli_options, names = chosen.cli_options, chosen.names
    upcoming, existing = _read_rows(cli_options) if chosen.live else _read_files(cli_options, start)
    if missing := [name for name in names if name not in existing]:
        place = "among the rows of the database" if chosen.live else f"in {wiring.source_directory(cli_options)}"
        listed = ", ".join(with_nearest(name, existing) for name in missing)
        raise click.ClickException(f"there is no schedule named {listed} {place}")
    return upcoming.only(existing[name] for name in names) if names else upcoming


def _read_files(cli_options: options.CliOptions, start: datetime) -> tuple[Upcoming, dict[str, str]]:
    """Return the schedules of the files, and the schedule of each name, be it that of a schedule or of a row."""
    from beatsync import reconcile
    from beatsync.plan.upcoming import of_files

    path = wiring.source_directory(cli_options)
    _, desired = reconcile.validate(path, wiring.parse_options(cli_options, wiring.project_zone.get()))
    if desired.invalid_paths:
        _print_errors(desired, path)
        raise InvalidFilesError
    return of_files(desired.schedules, start), {each.spec.name: each.schedule for each in desired.schedules}


def _print_errors(desired: Desired, path: Path) -> None:
    from beatsync.values import Severity

    errors = [each for each in desired.diagnostics if each.severity is Severity.ERROR]
    output.print_diagnostics(errors, wiring.directory_of(path))


def _read_rows(cli_options: options.CliOptions) -> tuple[Upcoming, dict[str, str]]:
    """Return the same of the rows of the database."""
    from beatsync.plan.upcoming import of_rows
    from beatsync.sync_types import utc_now

    with wiring.open_store(cli_options) as (store, _):
        observed, owned = store.observe(""), store.owned()
    groups = {entry.row_id: entry.group for entry in owned if entry.group is not None}
    names = {row.name: groups.get(row.row_id, row.name) for row in observed.rows.values()}
    return of_rows(observed.rows.values(), owned, utc_now()), {**names, **{group: group for group in groups.values()}}
