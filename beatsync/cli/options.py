"""The flags that several commands share, each with its environment variable, and what they add up to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
ON_INVALID = ("refuse", "isolate")
LONGEST_ENVIRONMENT = 100


def option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """Return a click option that also reads `BEATSYNC_<LONG NAME>`."""
    long = next(name for name in names if name.startswith("--"))
    variable = "BEATSYNC_" + long.partition("/")[0][2:].replace("-", "_").upper()
    attributes.setdefault("callback", _text)
    return click.option(*names, envvar=variable, show_envvar=False, **attributes)


def _said(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Refuse what a variable that is not set makes of `--env "$NAME"`: that would quietly be another environment."""
    if value == "":
        raise click.BadParameter("there is nothing in it; leave the flag out where nothing is meant")
    return value


def _text(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse nothing, and bytes that are no text: no database and no saved plan could keep them. A path may be any bytes."""
    _said(context, parameter, value)
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise click.BadParameter("it is not UTF-8 text")
    return value


class _Directory(click.Path):
    """A directory; an empty text is not the current one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(_said(ctx, param, value) if ctx and param else value, param, ctx)


def together(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Return decorators as one, the first to be shown first."""
    return lambda function: functools.reduce(lambda made, one: one(made), reversed(decorators), function)


def directory() -> Callable[[F], F]:
    """Return the argument DIR."""
    return click.argument(
        "directory", metavar="[DIR]", required=False, type=_Directory(path_type=Path), envvar="BEATSYNC_DIR"
    )


def output_format(*formats: str) -> Callable[[F], F]:
    """Return `--format`, the first of `formats` where it is left out."""
    return option(
        "--format", "output_format", type=click.Choice(formats), default=formats[0], show_default=True,
        help="How the answer is written.",
    )  # fmt: skip


def _environment(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    said: str | None = _text(context, parameter, value)
    return None if said is None else checked_environment(said)


def checked_environment(value: str) -> str:
    """Return an environment's name, as the format has them. Raises click.BadParameter."""
    if len(value) > LONGEST_ENVIRONMENT:
        raise click.BadParameter(f"an environment's name has at most {LONGEST_ENVIRONMENT} characters")
    return value


def _limit(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    return None if value is None else checked_limit(value)


def checked_limit(value: str) -> str:
    """Return what `--max-deletes` was told. Raises click.BadParameter."""
    from beatsync.plan.guard import DeleteLimit

    try:
        DeleteLimit.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def zone(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return a time zone's name as it is spelled."""
    return None if value is None else checked_zone(value)


def checked_zone(value: str) -> str:
    """Return a time zone's name as it is spelled. Raises click.BadParameter."""
    from beatsync.specfile import times
    from beatsync.specfile.problems import SpecError

    try:
        return times.zone(value).key
    except SpecError as error:
        raise click.BadParameter(f"{error.message}; {error.hint}") from None


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return a duration such as `30s` in seconds; a plain number is seconds."""
    if value is None:
        return None
    from beatsync.specfile import interval
    from beatsync.specfile.problems import SpecError

    try:
        return float(value) if value.isdigit() else float(interval.seconds_from_text(value))
    except SpecError as error:
        raise click.BadParameter(f"{error.message}; {error.hint or 'write 30s'}") from None


parsing = together(
    option("--env", "environment", metavar="NAME", callback=_environment, help="Environment whose values apply."),
    option("--timezone", metavar="ZONE", callback=zone, help="Zone where no spec says one.  [the project's, else UTC]"),
)
jobs = option(
    "--jobs", metavar="N", type=click.IntRange(1, 64),
    help="How many processes parse the files.  [as many as pay: from 4 MiB on, up to four]",
)  # fmt: skip
source = option("--source", metavar="NAME", help="Name of the source that owns the rows.  [default: default]")
database = together(
    option("--database-url", metavar="URL", help="Database: sqlite, postgres, mysql or mariadb URL."),
    option("--database", "alias", metavar="ALIAS", help="Database of the Django project."),
    click.option(
        "--settings", "settings_module", metavar="MODULE", envvar=["BEATSYNC_SETTINGS", "DJANGO_SETTINGS_MODULE"],
        callback=_said,
        help="Settings of the Django project.  [env: DJANGO_SETTINGS_MODULE]",
    ),
)  # fmt: skip
planning = together(
    option("--adopt", is_flag=True, default=None, help="Take over rows that exist and nobody owns."),
    option("--allow-empty", is_flag=True, default=None, help="Let an empty directory prune what the source owns."),
    option(
        "--max-deletes", metavar="N|N%", callback=_limit,
        help="How many rows may be deleted or disabled.  [the larger of 3 and 30%]",
    ),
    option(
        "--on-invalid", type=click.Choice(ON_INVALID),
        help="With an invalid file: change nothing, or sync the others and freeze its rows.  [default: refuse]",
    ),
    option("--catch-up", is_flag=True, default=None, help="Let changed schedules run at once where beat would."),
    option("--accept-origin", is_flag=True, default=None, help="The source's files have moved: take its rows over."),
)  # fmt: skip
talking = together(
    option("-v", "--verbose", is_flag=True, help="Say what takes how long, on standard error."),
    option("-q", "--quiet", is_flag=True, help="No progress, and no answer where there is nothing to say."),
)
