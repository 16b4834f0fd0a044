"""Clauses of `every`: a window, its frequency, and the days to which it applies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from beatsync.specfile.problems import SpecError

DAY = 24 * 60
"""Minutes of a day."""
COMPILED_YEARS = 2
"""How many years are compiled. Up to five consecutive years would be exact."""
_HOUR = 60
_EVERY_DAY = frozenset(range(7))
OTHERWISE, NEVER = "otherwise", "never"
RESERVED = frozenset({OTHERWISE, NEVER})
"""Names that no window can have."""
_FREQUENCY = re.compile(r"(?P<number>[0-9]{1,9})[ ]*(?P<unit>[a-z]+)", re.IGNORECASE)
_UNITS = {
    **dict.fromkeys(("m", "min", "minute", "minutes"), 1),
    **dict.fromkeys(("h", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "day", "days"), DAY),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A part of some days: from `start` up to, not including, `end`, in minutes since midnight.

    If `end` is before `start` it passes midnight, and the part after midnight belongs to the day on which it starts.
    """

    days: frozenset[int] = _EVERY_DAY
    """Days of the week; 0 is Sunday."""
    start: int = 0
    end: int = DAY
    excluded: frozenset[date] = frozenset()
    only: frozenset[date] | None = None
    """The dates to which it is limited; None: no limit."""
    added: frozenset[date] = frozenset()
    """Dates that qualify whatever the other limits say."""

    @property
    def passes_midnight(self) -> bool:
        """Return whether a part of the window lies on the next day."""
        return self.end < self.start

    @property
    def has_dates(self) -> bool:
        """Return whether some date differs from the other days of its weekday."""
        return bool(self.excluded or self.added) or self.only is not None

    def is_ordinary(self, weekday: int) -> bool:
        """Return whether a day of the week qualifies if no calendar names its date."""
        return self.only is None and weekday in self.days

    def qualifies(self, day: date) -> bool:
        """Return whether the window applies to the day."""
        if day in self.added:
            return True
        if day.isoweekday() % 7 not in self.days or day in self.excluded:
            return False
        return self.only is None or day in self.only

    def dates(self) -> frozenset[date]:
        """Return every date that may differ from the other days of its weekday."""
        return self.excluded | self.added | (self.only or frozenset())


class Clause(NamedTuple):
    """One entry of `every`."""

    name: str
    period: int
    """Minutes between two runs, counted from midnight; 0: never."""
    window: Window | None
    """None: `otherwise`, the rest."""

    @property
    def text(self) -> str:
        """Return the clause as people write it: `office: 1m`."""
        return f"{self.name}: {_frequency_text(self.period)}"


@lru_cache(maxsize=4096)
def frequency(text: str) -> int:
    """Return the minutes of a frequency such as `15m`, `2h`, `1d`; 0 for `never`.

    Raises SpecError `every-frequency`, whose hint says what would fit.
    """
    stripped = text.strip().lower()
    if stripped == NEVER:
        return 0
    match = _FREQUENCY.fullmatch(stripped)
    unit = _UNITS.get(match["unit"]) if match else None
    if match is None or unit is None:
        message = f"{text!r} is not a frequency in whole minutes, hours or days"
        raise SpecError("every-frequency", message, "write 15m, 2h, 1d or never")
    minutes = int(match["number"]) * unit
    if 0 < minutes <= _HOUR and _HOUR % minutes == 0:
        return minutes
    if minutes and minutes % _HOUR == 0 and DAY % minutes == 0:
        return minutes
    raise SpecError("every-frequency", f"{text!r} divides neither an hour nor a day evenly", _fitting(minutes))


def _fitting(minutes: int) -> str:
    """Return the hint that names the allowed frequencies on both sides of one that is not."""
    allowed = [size for size in range(1, _HOUR) if _HOUR % size == 0]
    allowed += [hours * _HOUR for hours in range(1, 25) if DAY % (hours * _HOUR) == 0]
    below = [_frequency_text(size) for size in allowed if size < minutes][-1:]
    above = [_frequency_text(size) for size in allowed if size > minutes][:1]
    return f"{' or '.join([*below, *above])} would fit"


def _frequency_text(period: int) -> str:
    if not period:
        return NEVER
    return f"{period}m" if period % _HOUR else f"{period // _HOUR}h"


@lru_cache(maxsize=64)
def slots(period: int) -> int:
    """Return the minutes of a day at which a frequency fires, as bits."""
    return sum(1 << minute for minute in range(0, DAY, period)) if period else 0


def span(start: int, end: int) -> int:
    """Return the minutes from `start` up to, not including, `end`, as bits."""
    return (1 << end) - (1 << start)


def never_fires(clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
    """Return the clauses that fire on no day, whatever dates the calendars hold: the clauses before them leave no time."""
    return tuple(
        clause for clause in clauses if clause.period and not any(_could_fire(clause, clauses, day) for day in range(7))
    )


def _could_fire(clause: Clause, clauses: tuple[Clause, ...], weekday: int) -> bool:
    taken = 0
    for other in clauses:
        if other is clause:
            break
        if other.window is not None and not other.window.has_dates:
            taken |= _minutes(other.window, weekday in other.window.days, (weekday - 1) % 7 in other.window.days)
    window = clause.window
    if window is None:
        return bool(slots(clause.period) & ~taken)
    could = _EVERY_DAY if window.added else window.days
    own = _minutes(window, weekday in could, (weekday - 1) % 7 in could)
    return bool(own & slots(clause.period) & ~taken)


def _minutes(window: Window, is_today: bool, was_yesterday: bool) -> int:
    minutes = 0
    if is_today:
        minutes |= span(window.start, DAY if window.passes_midnight else window.end)
    if was_yesterday and window.passes_midnight:
        minutes |= span(0, window.end)
    return minutes


Profile = tuple[int, ...]
"""What fires on one day: for each clause its minutes, as bits."""


def profile(clauses: tuple[Clause, ...], day: date) -> Profile:
    """Return what fires on a date."""
    yesterday = day - timedelta(days=1)
    return _profile(
        clauses,
        tuple(clause.window is not None and clause.window.qualifies(day) for clause in clauses),
        tuple(clause.window is not None and clause.window.qualifies(yesterday) for clause in clauses),
    )


def ordinary_profile(clauses: tuple[Clause, ...], weekday: int) -> Profile:
    """Return what fires on a day of the week that no calendar names, and whose day before none names."""
    return _profile(
        clauses,
        tuple(clause.window is not None and clause.window.is_ordinary(weekday) for clause in clauses),
        tuple(clause.window is not None and clause.window.is_ordinary((weekday - 1) % 7) for clause in clauses),
    )


def _profile(clauses: tuple[Clause, ...], today: tuple[bool, ...], yesterday: tuple[bool, ...]) -> Profile:
    free, minutes = span(0, DAY), []
    for clause, is_today, was_yesterday in zip(clauses, today, yesterday, strict=True):
        own = free if clause.window is None else free & _minutes(clause.window, is_today, was_yesterday)
        minutes.append(own & slots(clause.period))
        free &= ~own
    return tuple(minutes)
