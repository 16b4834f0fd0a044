"""The flags that several commands share, each with its environment variable, and the value that holds them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from beatsync.cli.validators import (
    callback,
    parse_duration,
    validate_delete_limit,
    validate_environment,
    validate_not_empty,
    validate_text,
    validate_zone,
)

F = TypeVar("F", bound=Callable[..., Any])
ON_INVALID = ("refuse", "isolate")
duration = callback(parse_duration)


@dataclass(frozen=True, slots=True)
class CliOptions:
    """The shared flags of one command line; None is a flag that is missing."""

    directory: Path | None = None
    source: str | None = None
    environment: str | None = None
    timezone: str | None = None
    database_url: str | None = None
    alias: str | None = None
    settings_module: str | None = None
    adopt: bool | None = None
    allow_empty: bool | None = None
    max_deletes: str | None = None
    on_invalid: str | None = None
    catch_up: bool | None = None
    accept_origin: bool | None = None


def option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """Return a click option that also reads `BEATSYNC_<LONG NAME>`."""
    long_name = next(name for name in names if name.startswith("--"))
    variable = "BEATSYNC_" + long_name[2:].replace("-", "_").upper()
    attributes.setdefault("callback", lambda _ctx, _param, value: validate_text(value))
    return click.option(*names, envvar=variable, show_envvar=False, **attributes)


def combine(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Return one decorator that applies several; `--help` shows their flags in this order."""
    return lambda function: functools.reduce(
        lambda result, decorator: decorator(result), reversed(decorators), function
    )


class _DirectoryType(click.Path):
    """A path that must not be empty text, which would be the current directory. A path may be any bytes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(validate_not_empty(value), param, ctx)


def directory() -> Callable[[F], F]:
    """Return the argument DIR."""
    return click.argument(
        "directory", metavar="[DIR]", required=False, type=_DirectoryType(path_type=Path), envvar="BEATSYNC_DIR"
    )


def output_format(*formats: str) -> Callable[[F], F]:
    """Return the flag `--format`, whose default is the first of `formats`."""
    return option(
        "--format", "output_format", type=click.Choice(formats), default=formats[0], show_default=True,
        help="Output format.",
    )  # fmt: skip


parsing = combine(
    option(
        "--env", "environment", metavar="NAME", callback=callback(validate_environment),
        help="Environment whose values apply.",
    ),
    option(
        "--timezone", metavar="ZONE", callback=callback(validate_zone),
        help="Time zone of schedules that name none.  [default: the project's zone, else UTC]",
    ),
)  # fmt: skip
source = option("--source", metavar="NAME", help="Name of the source that owns the rows.  [default: default]")
database = combine(
    option("--database-url", metavar="URL", help="URL of the database: sqlite, postgres, mysql or mariadb."),
    option("--database", "alias", metavar="ALIAS", help="Alias of the database in the Django project's DATABASES."),
    click.option(
        "--settings", "settings_module", metavar="MODULE", envvar=["BEATSYNC_SETTINGS", "DJANGO_SETTINGS_MODULE"],
        callback=lambda _ctx, _param, value: validate_not_empty(value),
        help="Settings module of the Django project.  [env: DJANGO_SETTINGS_MODULE]",
    ),
)  # fmt: skip
planning = combine(
    option("--adopt", is_flag=True, default=None, help="Take ownership of existing rows that no source owns."),
    option(
        "--allow-empty", is_flag=True, default=None,
        help="Allow files that declare no schedule to delete the rows of the source.",
    ),
    option(
        "--max-deletes", metavar="N|N%", callback=callback(validate_delete_limit),
        help="Most schedules that may be deleted or disabled.  [default: the larger of 3 and 30%]",
    ),
    option(
        "--on-invalid", type=click.Choice(ON_INVALID),
        help="If a file is invalid: change nothing, or sync the other files and freeze its rows.  [default: refuse]",
    ),
    option(
        "--catch-up", is_flag=True, default=None,
        help="Let beat run a new or changed schedule at once if a run is overdue.",
    ),
    option(
        "--accept-origin", is_flag=True, default=None,
        help="Accept that the files of this source come from a new place.",
    ),
)  # fmt: skip
verbosity = combine(
    option("-v", "--verbose", is_flag=True, help="Print the time of each step to standard error."),
    option(
        "-q",
        "--quiet",
        "is_quiet",
        is_flag=True,
        help="Show no progress, and print nothing if there is nothing to report.",
    ),
)
