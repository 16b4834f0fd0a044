"""The flags that several commands share, each with its environment variable, and the checks of their values.

All checks raise click.BadParameter.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
ON_INVALID = ("refuse", "isolate")
LONGEST_ENVIRONMENT = 100
MAX_COUNT = 2**31 - 1
"""Upper limit of a number of results: any database and iterator takes it."""
_LONGEST_NUMBER = 10
"""Digits of a number of seconds: 317 years, which can be added to any time of this millennium."""


def validate_not_empty(value: Any) -> Any:
    """Return a value that is not empty text.

    `--env "$NAME"` is empty if the variable is not set; it would silently select another environment.
    """
    if value == "":
        raise click.BadParameter("the value is empty; omit it to use the default")
    return value


def validate_text(value: Any) -> Any:
    """Return a value that, if it is text, is not empty and is valid UTF-8: databases and saved plans can store nothing else."""
    validate_not_empty(value)
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise click.BadParameter("the value is not UTF-8 text")
    return value


def validate_environment(value: str) -> str:
    """Return the name of an environment that the spec format allows."""
    if len(value) > LONGEST_ENVIRONMENT:
        raise click.BadParameter(f"the name of an environment has at most {LONGEST_ENVIRONMENT} characters")
    return value


def validate_on_invalid(value: str) -> str:
    """Return a value of `--on-invalid`."""
    if value not in ON_INVALID:
        raise click.BadParameter(f"the value must be {' or '.join(ON_INVALID)}, not {value!r}")
    return value


def validate_boolean(value: str) -> bool:
    """Return the truth of a setting that is True or False."""
    if value not in ("True", "False"):
        raise click.BadParameter(f"the value must be True or False, not {value!r}")
    return value == "True"


def validate_delete_limit(value: str) -> str:
    """Return a value of `--max-deletes`."""
    from beatsync.plan.guard import removal_limit

    try:
        removal_limit(value, owned=0)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def validate_zone(value: str) -> str:
    """Return the name of a time zone in its canonical spelling."""
    from beatsync.specfile import times
    from beatsync.specfile.problems import SpecError

    try:
        return times.zone(value).key
    except SpecError as error:
        raise click.BadParameter(f"{error.message}; {error.hint}") from None


def validate_reason(value: str) -> str:
    """Return a reason, which is more than spaces."""
    if not value.strip():
        raise click.BadParameter("the value is empty")
    return value


def validate_source_url(value: str) -> str:
    """Return a template of links to lines."""
    from beatsync.report.links import template_problem

    problem = template_problem(value)
    if problem:
        raise click.BadParameter(f"{value!r} makes no link: {problem}")
    return value


def parse_duration(value: str) -> float:
    """Return the seconds of a duration such as `30s`; a plain number is in seconds."""
    from beatsync.specfile import interval
    from beatsync.specfile.problems import SpecError

    if value.isascii() and value.isdecimal():
        if len(value) > _LONGEST_NUMBER:
            raise click.BadParameter(f"{value[:20]!r} seconds are too many; write 30s")
        return float(value)
    try:
        return float(interval.seconds_from_text(value))
    except SpecError as error:
        raise click.BadParameter(f"{error.message}; {error.hint or 'write 30s'}") from None


def parse_length(value: str) -> float:
    """Return the seconds of a duration that is not zero."""
    seconds = parse_duration(value)
    if not seconds:
        raise click.BadParameter(f"{value!r} is zero; write 30s")
    return seconds


def callback(validate: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, str | None], T | None]:
    """Return a click callback that applies `validate` to the value of an option, and returns None if the option is missing."""
    return lambda _ctx, _param, value: None if value is None else validate(validate_text(value))


duration, length = callback(parse_duration), callback(parse_length)
reason = callback(validate_reason)


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
    app: str | None = None
    strict: bool | None = None
    adopt: bool | None = None
    allow_empty: bool | None = None
    max_deletes: str | None = None
    on_invalid: str | None = None
    catch_up: bool | None = None
    accept_origin: bool | None = None
    actor: str | None = None
    source_url: str | None = None
    signals: bool | None = None
    """Only a setting: the store reads it."""
    admin: bool | None = None
    """Only a setting: the Django admin reads it."""


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


def refuse(names: Collection[str], reason: str) -> None:
    """Raise click.UsageError with the reason if the command line has a flag of these parameters; the environment may have it."""
    context = click.get_current_context()
    flags = [
        param.opts[-1]
        for param in context.command.params
        if param.name in names and context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    ]
    if flags:
        raise click.UsageError(f"{reason}: leave out {' and '.join(flags)}")


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


timezone = option(
    "--timezone", metavar="ZONE", callback=callback(validate_zone),
    help="Time zone of schedules that name none.  [default: the project's zone, that of the last sync, UTC]",
)  # fmt: skip
environment = option(
    "--env", "environment", metavar="NAME", callback=callback(validate_environment),
    help="Environment whose values apply.",
)  # fmt: skip
parsing = combine(
    environment,
    timezone,
    option("--strict", is_flag=True, default=None, help="Treat warnings that no comment acknowledges as errors."),
)  # fmt: skip
source = option("--source", metavar="NAME", help="Name of the source that owns the rows.  [default: default]")
settings = click.option(
    "--settings", "settings_module", metavar="MODULE", envvar=["BEATSYNC_SETTINGS", "DJANGO_SETTINGS_MODULE"],
    callback=lambda _ctx, _param, value: validate_not_empty(value),
    help="Settings module of the Django project.  [env: DJANGO_SETTINGS_MODULE]",
)  # fmt: skip
database = combine(
    option("--database-url", metavar="URL", help="URL of the database: sqlite, postgres, mysql or mariadb."),
    option("--database", "alias", metavar="ALIAS", help="Alias of the database in the Django project's DATABASES."),
    settings,
)
actor = option(
    "--actor", metavar="NAME",
    help="Who is responsible, for the history.  [default: the user of the CI run, else USER@HOST]",
)  # fmt: skip
source_url = option(
    "--source-url", metavar="TEMPLATE", callback=callback(validate_source_url),
    help="URL of a line, with {host}, {repository}, {commit}, {path} and {line}.  [default: that of a known code host]",
)  # fmt: skip
app = option("-A", "--app", metavar="APP", help="Celery application, as for `celery -A`.  [default: the project's]")
planning = combine(
    source,
    parsing,
    database,
    app,
    option("--adopt", is_flag=True, default=None, help="Take ownership of existing rows that no source owns."),
    option(
        "--allow-empty", is_flag=True, default=None,
        help="Allow files that declare no schedule to delete the rows of the source.",
    ),
    option(
        "--max-deletes", metavar="N|N%", callback=callback(validate_delete_limit),
        help="Maximum number of schedules that a sync may delete or disable.  [default: the larger of 3 and 30%, never all]",
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
"""Everything that a plan depends on besides the files."""
rows = option(
    "--rows",
    "with_rows",
    is_flag=True,
    help="Show each row of schedules with several rows (`every`), with its crontab.",
)
verbosity = combine(
    option("-v", "--verbose", is_flag=True, help="Print the time of each step to standard error."),
    option(
        "-q", "--quiet", "is_quiet", is_flag=True,
        help="Show no progress; print errors and totals only, and nothing if there is nothing to report.",
    ),
)  # fmt: skip
