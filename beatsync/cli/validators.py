"""Checks of values from flags, environment variables and settings. All of them raise click.BadParameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

T = TypeVar("T")
Callback = Callable[[click.Context, click.Parameter, Any], Any]
LONGEST_ENVIRONMENT = 100


def callback(validate: Callable[[str], T]) -> Callable[[click.Context, click.Parameter, str | None], T | None]:
    """Return a click callback that applies `validate` to the value of an option, and returns None if the option is missing."""

    def validate_option(_: click.Context, __: click.Parameter, value: str | None) -> T | None:
        return None if value is None else validate(validate_text(value))

    return validate_option


def validate_not_empty(value: Any) -> Any:
    """Return a value that is not empty text.

    `--env "$NAME"` is empty if the variable is not set; it would silently select another environment.
    """
    if value == "":
        raise click.BadParameter("the value is empty; omit the flag to use the default")
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


def parse_duration(value: str) -> float:
    """Return the seconds of a duration such as `30s`; a plain number is in seconds."""
    from beatsync.specfile import interval
    from beatsync.specfile.problems import SpecError

    try:
        return float(value) if value.isdigit() else float(interval.seconds_from_text(value))
    except SpecError as error:
        raise click.BadParameter(f"{error.message}; {error.hint or 'write 30s'}") from None
