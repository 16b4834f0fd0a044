"""The arguments of a schedule → the values that are planned, by the rules and the interpretation of spec files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from beatsync.dynamic.native import spec_value
from beatsync.plan.observed import APPLICATION_PATH
from beatsync.specfile.checks import check_value
from beatsync.specfile.fields import one_line
from beatsync.specfile.interpret import interpret
from beatsync.specfile.keys import ARGUMENTS_RULE, NAME_RULE
from beatsync.specfile.layers import Layer, invalid_paths, make_layer
from beatsync.specfile.limits import MAX_ERRORS
from beatsync.specfile.lints import LINTS
from beatsync.specfile.problems import Path, Problem, SpecError
from beatsync.specfile.rules import text_fault
from beatsync.values import Declared, Location

_ROOT: Path = (0, "schedules")
_NO_DEFAULTS = Layer((0, "defaults"), {})
_PLACE = Location(APPLICATION_PATH)


class Declaration(NamedTuple):
    """What the arguments of one schedule mean."""

    declared: tuple[Declared, ...]
    """The rows that the schedule compiles to; empty if there is a problem."""
    problems: Sequence[Problem] = ()


def declare(name: str, arguments: Mapping[str, Any], timezone: str) -> Declaration:
    """Return what a schedule with these arguments is; `timezone` applies if they name none. Nothing is raised.

    Each kind of schedule here is one row; one that compiles to several rows would return all of them.
    """
    if not isinstance(name, str):
        return Declaration((), [name_problem(name)])
    if not isinstance(arguments, Mapping):
        message = f"a {type(arguments).__qualname__} does not hold the fields of a schedule"
        return Declaration((), [Problem((*_ROOT, name), "wrong-type", message, "pass a mapping")])
    path = (*_ROOT, name)
    values, unreadable = _spec_values(path, arguments)
    structural = list(islice(check_value(ARGUMENTS_RULE, _ROOT, {name: values}), MAX_ERRORS))
    problems = [*unreadable, *structural]
    own = make_layer(
        path, {**values, **{str(problem.path[-1]): None for problem in unreadable}}, invalid_paths(problems)
    )
    interpretation = interpret(name, (_NO_DEFAULTS, own), timezone)
    problems += interpretation.problems
    problems += (problem for lint in LINTS for problem in lint(interpretation) if not problem.warning)
    if problems:
        return Declaration((), problems)
    is_enabled_declared = "enabled" in interpretation.merged.fields
    return Declaration((Declared(interpretation.spec, _PLACE, interpretation.policy, is_enabled_declared),))


def is_name(name: str) -> bool:
    """Return whether a schedule can have this name. Raises TypeError for what is no text."""
    if not isinstance(name, str):
        raise TypeError(name_problem(name).message)
    try:
        return text_fault(NAME_RULE, one_line(name)) is None
    except SpecError:
        return False


def name_problem(name: object) -> Problem:
    """Return the problem of a name that is no text."""
    return Problem((*_ROOT, ""), "wrong-type", f"a {type(name).__qualname__} is no name", "write a text")


def problem_of(name: str, argument: str, error: SpecError) -> Problem:
    """Return what is wrong with one argument of a schedule."""
    return Problem((*_ROOT, name, argument), error.code, error.message, error.hint)


def field_of(problem: Problem) -> str | None:
    """Return the argument that a problem is about, `name` for the name; None if it is about the schedule as a whole."""
    if len(problem.path) > len(_ROOT) + 1:
        return str(problem.path[len(_ROOT) + 1])
    # The problem of a name that is no text has no name in its path.
    if problem.code == "missing-kind" or (problem.code == "wrong-type" and problem.path[-1]):
        return None
    return problem.related_key or "name"


def _spec_values(path: Path, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the arguments as a file would hold them, and the problems of those that no file could hold."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in _present(arguments):
        try:
            values[key] = spec_value(key, value)
        except SpecError as error:
            problems.append(problem_of(str(path[-1]), key, error))
    return values, problems


def _present(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that are not None, which means as in a file that the key is left out."""
    return ((key, value) for key, value in arguments.items() if value is not None)
