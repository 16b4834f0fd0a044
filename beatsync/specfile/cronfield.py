"""One field of a crontab: text → the set of numbers that it means → the normal form of that set.

The grammar is the union of crontab(5)'s and celery's, read strictly. The normal form is accepted by celery's parser and by
django-celery-beat's validators: numbers only, Sunday is 0, ranges run upwards, steps are smaller than the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, pairwise
from typing import NoReturn

from beatsync.specfile.problems import SpecError, suggestion

_MAX_TEXT = 1024  # every minute spelled out is 169 characters
_RUN = 3  # from three numbers on, a range is shorter and clearer than a list
_SUNDAY = 7
_SHORT_NAME = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One of the five fields: its numbers from `low` to `high`, and the names of `low`, `low` + 1 and so on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return how many different numbers there are."""
        return self.high - self.low + 1


_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
FIELDS = {
    field.name: field
    for field in (
        Field("minute", 0, 59),
        Field("hour", 0, 23),
        Field("day_of_month", 1, 31),
        Field("month_of_year", 1, 12, _MONTHS),
        Field("day_of_week", 0, 6, _WEEKDAYS),
    )
}
"""The five fields in the order of crontab(5), by django-celery-beat's names."""

_PART = re.compile(r"(?:(\*)|([0-9]+|[A-Za-z]+)(?:-([0-9]+|[A-Za-z]+))?)(?:/([0-9]+))?")
_RANGE_HINTS = {
    ("minute", "60"): "the full hour is minute 0",
    ("hour", "24"): "midnight is hour 0",
    ("day_of_month", "0"): "days of a month count from 1",
    ("month_of_year", "0"): "months count from 1",
}
_QUARTZ = r"(?i:[0-9]{0,2}(?:L|W|LW)|L-[0-9]+|[A-Za-z0-9]+#[0-9]|[A-Za-z]{3}L)"
_QUARTZ_HINT = "name the days, as in day_of_month 1-7 with day_of_week mon, and let the task check the rest"
_LAST_DAY_HINT = "write 28-31 and let the task check for the last day; or use day 1 of the next month"
_FOREIGN = (
    (r"(?i:L|LW|last|L-[0-9]+)", "celery has no last day as in {part!r}", _LAST_DAY_HINT),
    (r"\?", "celery has no '?'", "write *"),
    (_QUARTZ, "celery has no L, W or # as in {part!r}", _QUARTZ_HINT),
    (r"(?s:[Hh](?![A-Za-z]).*)", "{part!r} cannot be read", "write H, H/15 or H(1-4) as the whole field"),
    (
        r"(?s:.*~.*)",
        "celery picks no number at random as {part!r} asks",
        "write H, or H(1-4): a number by the schedule's name",
    ),
)
"""The syntax of other crons: a pattern of a part, the message and the hint."""
_UNREADABLE = (
    (r"[+-]", "a sign in {part!r}", None),
    (r"(?s:.*/\Z)", "no number behind the / in {part!r}", "write {stem}, or {part}2 for every second one"),
    (r"(?s:.*\s)", "a space in {part!r}", "separate numbers with commas"),
    (r"", "{start!r} cannot be read", "write *, 5, 1-5, */10, 8-18/2, or a list of these with commas"),
)
"""Mistakes: a pattern of the beginning of a part, the message and the hint."""


@lru_cache(maxsize=65536)
def spell(name: str, text: str) -> str:
    """Return the normal form of the field called `name`.

    Raises SpecError: `crontab-syntax`, `crontab-range`, `crontab-name`, `crontab-unsupported`.
    """
    return spell_numbers(name, members(name, text))


@lru_cache(maxsize=65536)
def observed(name: str, text: str) -> str | None:
    """Return the normal form of a row's field; None if celery refuses it, or reads it differently from crontab(5).

    So a row whose day of the week is 7, which celery silently never runs, is not equal to a row with 0.
    """
    try:
        canonical = spell(name, text)
    except SpecError:
        return None
    return canonical if canonical == text or celery_reads(name, text) == members(name, canonical) else None


@lru_cache(maxsize=4096)
def members(name: str, text: str) -> frozenset[int]:
    """Return the numbers of a field. Raises SpecError as `spell` does."""
    field = FIELDS[name]
    if len(text) > _MAX_TEXT:
        raise SpecError("crontab-syntax", f"{name} is longer than {_MAX_TEXT} characters", field=name)
    try:
        return frozenset(chain.from_iterable(_part(field, part.strip(" \t"), text) for part in text.split(",")))
    except SpecError as error:
        raise SpecError(error.code, f"{name}: {error.message}", error.hint, field=name) from None


def in_order(name: str, text: str) -> list[int]:
    """Return the numbers of a single number or range of a field in their order: `22-2` begins with 22. Raises SpecError as `spell` does."""
    try:
        return list(_part(FIELDS[name], text.strip(" \t"), text))
    except SpecError as error:
        raise SpecError(error.code, f"{name}: {error.message}", error.hint, field=name) from None


@lru_cache(maxsize=65536)
def celery_reads(name: str, text: str) -> frozenset[int] | None:
    """Return the numbers that celery's own parser reads; None if it refuses the text.

    Imports celery's application (0.2 s): use it only for rows that are about to be written, or that others wrote.
    """
    from celery.schedules import ParseException, crontab_parser

    field = FIELDS[name]
    try:
        return frozenset(crontab_parser(field.size, field.low).parse(text))
    except (ValueError, IndexError, ParseException):
        return None


def _part(field: Field, part: str, text: str) -> Iterable[int]:
    match = _PART.fullmatch(part)
    if match is None:
        _refuse(part, text)
    star, first, last, step = match.groups()
    if step is not None and not int(step):
        raise SpecError("crontab-range", f"the step in {part!r} is 0")
    if star:
        expanded: list[int] = list(range(field.low, field.high + 1))
    elif last is not None:
        expanded = _range(field, first, last, part)
    else:
        number = _number(field, first, part)
        if step is not None:
            hint = f"write {number}-{field.high}/{step}"
            raise SpecError("crontab-syntax", f"{part!r} has a step but no range", hint)
        return (number,)
    return expanded[:: int(step)] if step else expanded


def _range(field: Field, first: str, last: str, part: str) -> list[int]:
    start, end = _number(field, first, part), _number(field, last, part)
    if field.names is _WEEKDAYS and _is_seven(last) and not _is_seven(first):
        # 5-7 and 0-7 run up to the Sunday that ends the week; only 7-7 is Sunday alone.
        end = _SUNDAY
    if end < start:
        return [*range(start, field.high + 1), *range(field.low, end + 1)]
    return [number % _SUNDAY if field.names is _WEEKDAYS else number for number in range(start, end + 1)]


def _is_seven(token: str) -> bool:
    return token.isdigit() and int(token) == _SUNDAY


def _number(field: Field, token: str, part: str) -> int:
    where = "" if token == part else f" in {part!r}"
    if not token.isdigit():
        return _named(field, token, part, where)
    number = int(token)
    if field.names is _WEEKDAYS and number == _SUNDAY:
        return 0
    if not field.low <= number <= field.high:
        last = _SUNDAY if field.names is _WEEKDAYS else field.high
        hint = _RANGE_HINTS.get((field.name, token.lstrip("0") or "0"))
        raise SpecError("crontab-range", f"{token}{where} is not between {field.low} and {last}", hint)
    return number


def _named(field: Field, token: str, part: str, where: str) -> int:
    lowered = token.lower()
    if len(lowered) >= _SHORT_NAME:
        for number, name in enumerate(field.names, field.low):
            if name.startswith(lowered):
                return number
    _refuse_foreign(part)
    if not field.names:
        raise SpecError("crontab-name", f"{token!r}{where} is not a number")
    short = [name[:_SHORT_NAME] for name in field.names]
    hint = suggestion(lowered, (*field.names, *short), f"names are {short[0]} to {short[-1]}")
    raise SpecError("crontab-name", f"there is no {token!r}{where}", hint)


def _refuse_foreign(part: str) -> None:
    """Raise SpecError if a part is the syntax of some other cron."""
    for pattern, message, hint in _FOREIGN:
        if re.fullmatch(pattern, part):
            raise SpecError("crontab-unsupported", message.format(part=part), hint)


def _refuse(part: str, text: str) -> NoReturn:
    if not text.strip():
        raise SpecError("crontab-syntax", "it is empty", "write * for every one")
    if not part:
        raise SpecError("crontab-syntax", f"an empty part in {text!r}")
    _refuse_foreign(part)
    message, hint = next((message, hint) for pattern, message, hint in _UNREADABLE if re.match(pattern, part))
    shown = {"part": part, "stem": part[:-1], "start": part[:80]}
    raise SpecError("crontab-syntax", message.format(**shown), hint and hint.format(**shown))


def spell_numbers(name: str, numbers: frozenset[int]) -> str:
    """Return the normal form of a set of numbers of the field called `name`."""
    field = FIELDS[name]
    if len(numbers) == field.size:
        return "*"
    ordered = sorted(numbers)
    steps = {after - before for before, after in pairwise(ordered)}
    if len(steps) == 1 and (step := steps.pop()) > 1:
        full = list(range(field.low, field.high + 1, step))
        # Two members are a step only where it halves the field: `*/30` minutes, but `0,6` and not `*/6` for a weekend.
        if ordered == full and (len(ordered) >= _RUN or 2 * step == field.size):
            return f"*/{step}"
        if len(ordered) >= _RUN:
            return f"{ordered[0]}-{ordered[-1]}/{step}"
    return ",".join(_runs(ordered))


def _runs(ordered: list[int]) -> Iterable[str]:
    # Consecutive numbers have the same distance from their index.
    for _, group in groupby(enumerate(ordered), lambda item: item[1] - item[0]):
        run = [str(number) for _, number in group]
        yield from [f"{run[0]}-{run[-1]}"] if len(run) >= _RUN else run
