"""The facts of a file as JSON text, as the database stores them."""

from __future__ import annotations

import json
from datetime import date
from itertools import starmap
from typing import Any

from beatsync.values import (
    Acknowledgement,
    CalendarEnd,
    Diagnostic,
    FileFacts,
    Location,
    ScheduleFacts,
    Severity,
    SharedDefinition,
)

_VERSION = 3


def facts_to_json(facts: FileFacts) -> str:
    """Return facts without their path as compact JSON text: lists by column, tasks and old names by their index."""
    schedules = facts.schedules
    tasks = list(dict.fromkeys(schedule.task for schedule in schedules))
    index = {task: number for number, task in enumerate(tasks)}
    return json.dumps(
        [
            _VERSION,
            [schedule.name for schedule in schedules],
            [schedule.line for schedule in schedules],
            [schedule.column for schedule in schedules],
            [index[schedule.task] for schedule in schedules],
            tasks,
            {number: each.renamed_from for number, each in enumerate(schedules) if each.renamed_from is not None},
            sorted(facts.environments),
            [_warning_to_json(warning) for warning in facts.warnings],
            *_every_to_json(facts),
            facts.acknowledgements,
        ],
        separators=(",", ":"),
    )


def _every_to_json(facts: FileFacts) -> list[Any]:
    return [
        {number: each.clauses for number, each in enumerate(facts.schedules) if each.is_group},
        [[each.kind, each.name, each.line, each.column, each.text] for each in facts.shared],
        facts.inputs,
        facts.horizon and facts.horizon.isoformat(),
        [[each.name, each.line, each.column, each.last.isoformat()] for each in facts.calendar_ends],
        sorted(facts.hashed),
    ]


def facts_from_json(path: str, text: str) -> FileFacts:
    """Return the facts of the file at this path. Raises ValueError if the text is not from `facts_to_json`."""
    try:
        version, *parts = json.loads(text)
        _check_types([version], int)
        if version != _VERSION:
            raise ValueError(f"facts of another format: {version!r}")
        names, lines, columns, indices, tasks, renamed, environments, warnings, groups, *every, comments = parts
        _check_types(names, str)
        _check_types([*lines, *columns, *indices], int)
        _check_types(tasks, str, type(None))
        _check_types([*renamed.values(), *environments], str)
        rows = zip(names, lines, columns, map(tasks.__getitem__, indices), strict=True)
        schedules = list(starmap(ScheduleFacts, rows))
        for number, old_name in renamed.items():
            schedules[int(number)] = schedules[int(number)]._replace(renamed_from=old_name)
        for number, clauses in groups.items():
            _check_types(clauses, str)
            schedules[int(number)] = schedules[int(number)]._replace(clauses=tuple(clauses))
        reported = tuple(_warning_from_json(path, warning) for warning in warnings)
        return FileFacts(
            path,
            tuple(schedules),
            frozenset(environments),
            reported,
            *_every_from_json(path, *every),
            tuple(map(_acknowledgement_from_json, comments)),
        )
    except (TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"this is not the JSON text of facts: {error}") from error


def _every_from_json(
    path: str, shared: Any, inputs: Any, horizon: Any, ends: Any, hashed: Any
) -> tuple[tuple[SharedDefinition, ...], str, date | None, tuple[CalendarEnd, ...], frozenset[str]]:
    """Return the facts about windows and calendars, in the order of `FileFacts`."""
    _check_types([inputs, *hashed], str)
    definitions = []
    for kind, name, line, column, text in shared:
        _check_types([kind, name], str)
        _check_types([line, column], int)
        _check_types([text], str, type(None))
        definitions.append(SharedDefinition(kind, name, path, line, column, text))
    calendars = []
    for name, line, column, last in ends:
        _check_types([name], str)
        _check_types([line, column], int)
        calendars.append(CalendarEnd(name, line, column, date.fromisoformat(last)))
    last_day = None if horizon is None else date.fromisoformat(horizon)
    return tuple(definitions), inputs, last_day, tuple(calendars), frozenset(hashed)


def _check_types(values: Any, *types: type) -> None:
    """Raise TypeError unless `values` is a list of nothing but values of these types."""
    if not isinstance(values, list) or not set(map(type, values)) <= set(types):
        raise TypeError("a value of an unexpected type")


def _warning_to_json(warning: Diagnostic) -> list[Any]:
    place = warning.location
    return [warning.code, warning.message, place.line, place.column, warning.hint, warning.excerpt]


def _warning_from_json(path: str, warning: list[Any]) -> Diagnostic:
    code, message, line, column, hint, excerpt = warning
    _check_types([code, message], str)
    _check_types([hint, excerpt], str, type(None))
    _check_types([line, column], int, type(None))
    return Diagnostic(Severity.WARNING, code, message, Location(path, line, column), hint, excerpt)


def _acknowledgement_from_json(acknowledgement: list[Any]) -> Acknowledgement:
    *lines, codes, has_reason, matched = acknowledgement
    _check_types([*lines, *matched], int)
    _check_types(codes, str)
    _check_types([has_reason], bool)
    line, column, first, last = lines
    return Acknowledgement(line, column, first, last, tuple(codes), has_reason, tuple(matched))
