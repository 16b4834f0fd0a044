"""Clauses → crontab rows: disjoint, together firing exactly when the clauses say, and in a canonical order (docs/facts.md, 34).

Dates are exact because celery runs a row on days that match both its day of the month and its day of the week (docs/facts.md, 12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from beatsync.specfile import cronfield
from beatsync.specfile.every.clauses import COMPILED_YEARS, DAY, Clause, Profile, ordinary_profile, profile
from beatsync.specfile.every.cover import (
    ALL_DAYS,
    WEEKDAYS,
    DayBox,
    DayKey,
    Pair,
    cover_days,
    cover_pairs,
    grouped,
)
from beatsync.specfile.every.gaps import Gap

_HOURS = 24
_MINUTES = (1 << 60) - 1


class EveryRow(NamedTuple):
    """One crontab row of `every`: five fields in normal form, and the clauses that it carries out."""

    fields: tuple[str, ...]
    clauses: str


@dataclass(frozen=True, slots=True)
class _Days:
    """What each kind of day fires: the days of the week, and the dates that differ from theirs."""

    ordinary: tuple[Profile, ...]
    exceptions: Mapping[DayKey, Profile]

    def profile(self, day: date) -> Profile:
        key = _key(day)
        return self.exceptions.get(key, self.ordinary[key.weekday])

    def profiles(self) -> tuple[Profile, ...]:
        return tuple(dict.fromkeys([*self.ordinary, *self.exceptions.values()]))


class _Box(NamedTuple):
    minutes: int
    hours: int
    days: DayBox

    def slots(self) -> int:
        """Return the minutes of a day, as bits."""
        return sum(self.minutes << 60 * hour for hour in _bits(self.hours))

    def fires(self, minute: datetime) -> bool:
        return bool(
            self.minutes >> minute.minute & self.hours >> minute.hour & 1 and self.days.contains(_key(minute.date()))
        )


@lru_cache(maxsize=4096)
def compile_rows(clauses: tuple[Clause, ...], year: int, gaps: tuple[Gap, ...] = ()) -> tuple[EveryRow, ...]:
    """Return the rows of clauses for the years from `year`; `gaps` are what the clocks of their zone skip in these years.

    A date of those years is exact. Any other date is treated as a day of its week, except for those that share month, day and
    weekday with one of them.
    """
    days = _days(clauses, year)
    boxes = _boxes(days)
    wrong = [gap for gap in gaps if not _fires_once(boxes, days, gap)]
    if wrong:
        days = _without_skipped(days, wrong)
        boxes = _boxes(days)
    described = [(box, _carried_out(box, days)) for box in boxes]
    described.sort(key=lambda item: _order(*item))
    return tuple(
        EveryRow(_fields(box), ", ".join(clauses[index].text for index in carried)) for box, carried in described
    )


def _days(clauses: tuple[Clause, ...], year: int) -> _Days:
    ordinary = tuple(ordinary_profile(clauses, weekday) for weekday in range(WEEKDAYS))
    # The part of a window after midnight reaches into the first day behind the years.
    first, last = date(year, 1, 1), date(year + COMPILED_YEARS, 1, 1)
    named = {day for clause in clauses if clause.window is not None for day in clause.window.dates()}
    nearby = sorted({day + timedelta(days=more) for day in named for more in (0, 1)})
    exceptions = {
        _key(day): fired
        for day in nearby
        if first <= day <= last and (fired := profile(clauses, day)) != ordinary[day.isoweekday() % 7]
    }
    return _Days(ordinary, exceptions)


def _key(day: date) -> DayKey:
    return DayKey(day.month, day.day, day.isoweekday() % 7)


def _boxes(days: _Days) -> list[_Box]:
    """Return disjoint boxes: from equal minutes of an hour, which people read most easily, or from equal days if these are fewer."""
    profiles = days.profiles()
    by_minutes = _by_minutes(days, profiles)
    if not days.exceptions:
        return by_minutes
    return min(by_minutes, _by_days(days, profiles), key=len)


def _by_minutes(days: _Days, profiles: Sequence[Profile]) -> list[_Box]:
    """Take the hours and days that fire at the same minutes of the hour, for each such set of minutes."""
    fired = [_union(each) for each in profiles]
    tables: dict[int, list[int]] = {}
    for hour in range(_HOURS):
        for number, slots in enumerate(fired):
            if minutes := slots >> 60 * hour & _MINUTES:
                tables.setdefault(minutes, [0] * _HOURS)[hour] |= 1 << number
    boxes: list[_Box] = []
    for minutes, table in tables.items():
        boxes += _cover_table(minutes, table, days, profiles)
    return boxes


def _cover_table(minutes: int, table: Sequence[int], days: _Days, profiles: Sequence[Profile]) -> list[_Box]:
    """Return boxes that fire at these minutes of some hours; `table` has for each hour the profiles that do, as bits."""
    columns = [
        sum((firing >> number & 1) << hour for hour, firing in enumerate(table)) for number in range(len(profiles))
    ]
    by_hour = grouped(table)
    by_day = [(hours, numbers) for numbers, hours in grouped(columns) if hours]
    covers = [
        [_Box(minutes, hours, box) for hours, numbers in pairs for box in _cover(days, profiles, numbers)]
        for pairs in (by_hour, by_day)
    ]
    return covers[0] if len(covers[0]) <= len(covers[1]) else covers[1]


def _by_days(days: _Days, profiles: Sequence[Profile]) -> list[_Box]:
    """Take the minutes that fire on the same days, for each such set of days."""
    groups = {0: (1 << DAY) - 1}
    for number, each in enumerate(profiles):
        fired = _union(each)
        split = [(firing | 1 << number, slots & fired) for firing, slots in groups.items()]
        split += [(firing, slots & ~fired) for firing, slots in groups.items()]
        groups = {firing: slots for firing, slots in split if slots}
    groups.pop(0, None)
    return [
        _Box(minutes, hours, box)
        for firing, slots in groups.items()
        for hours, minutes in _cover_slots(slots)
        for box in _cover(days, profiles, firing)
    ]


def _cover_slots(slots: int) -> tuple[Pair, ...]:
    return cover_pairs(tuple(slots >> 60 * hour & _MINUTES for hour in range(_HOURS)))


def _cover(days: _Days, profiles: Sequence[Profile], firing: int) -> tuple[DayBox, ...]:
    """Return boxes of the days whose profile is in a set, given as bits."""
    wanted = {each for number, each in enumerate(profiles) if firing >> number & 1}
    weekdays = sum(1 << weekday for weekday, each in enumerate(days.ordinary) if each in wanted)
    flipped = frozenset(
        key for key, each in days.exceptions.items() if (each in wanted) != bool(weekdays >> key.weekday & 1)
    )
    return cover_days(weekdays, flipped)


def _union(profile: Profile) -> int:
    slots = 0
    for minutes in profile:
        slots |= minutes
    return slots


def _fires_once(boxes: Iterable[_Box], days: _Days, gap: Gap) -> bool:
    """Return whether celery runs after a gap what the clauses say, each time once and nothing else."""
    moved: list[datetime] = []
    for box in boxes:
        skipped = next(filter(box.fires, gap.minutes()), None)
        if skipped is None:
            continue
        after = gap.after(skipped)
        if not box.fires(after):
            moved.append(after)
        # celery counts on from the time at which it ran.
        if any(map(box.fires, Gap(gap.end, after).minutes())):
            return False
    return sorted(moved) == sorted(_moved(days, gap))


def _moved(days: _Days, gap: Gap) -> dict[datetime, int]:
    """Return the times after a gap at which clauses fire only because of it, each with its clause: their first skipped time."""
    moved: dict[datetime, int] = {}
    for number in range(len(days.ordinary[0])):
        skipped = next(
            (minute for minute in gap.minutes() if _fires(days.profile(minute.date())[number], minute)), None
        )
        if skipped is not None:
            after = gap.after(skipped)
            if not _fires(_union(days.profile(after.date())), after):
                moved.setdefault(after, number)
    return moved


def _fires(slots: int, minute: datetime) -> bool:
    return bool(slots >> (60 * minute.hour + minute.minute) & 1)


def _without_skipped(days: _Days, gaps: Iterable[Gap]) -> _Days:
    """Return the days with each skipped time removed from its date, or moved to the time after the gap."""
    exceptions = dict(days.exceptions)
    for gap in gaps:
        moved = _moved(days, gap)
        for minute in gap.minutes():
            key, bit = _key(minute.date()), 1 << 60 * minute.hour + minute.minute
            exceptions[key] = tuple(slots & ~bit for slots in exceptions.get(key, days.profile(minute.date())))
        for minute, number in moved.items():
            key, bit = _key(minute.date()), 1 << 60 * minute.hour + minute.minute
            fired = exceptions.get(key, days.profile(minute.date()))
            exceptions[key] = (*fired[:number], fired[number] | bit, *fired[number + 1 :])
    return _Days(days.ordinary, {key: each for key, each in exceptions.items() if each != days.ordinary[key.weekday]})


def _carried_out(box: _Box, days: _Days) -> tuple[int, ...]:
    """Return the positions of the clauses that a box carries out."""
    months, numbers, weekdays = box.days
    special = [key for key in days.exceptions if box.days.contains(key)]
    named = [0] * WEEKDAYS
    for key in special:
        named[key.weekday] += 1
    dates = months.bit_count() * numbers.bit_count()
    met = {days.ordinary[weekday] for weekday in _bits(weekdays) if named[weekday] < dates}
    met.update(days.exceptions[key] for key in special)
    slots = box.slots()
    return tuple(sorted({number for each in met for number, minutes in enumerate(each) if minutes & slots}))


def _order(box: _Box, carried: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the sort key: rows of all days before rows of some dates, one clause before several, the first clause first.

    A window that moves, or a holiday that is added, so changes the numbers of few rows.
    """
    days = box.days
    weekdays = [(weekday - 1) % WEEKDAYS for weekday in _bits(days.weekdays)]
    return (
        days.days != ALL_DAYS, len(carried) > 1, carried, -days.size, sorted(weekdays), _bits(box.hours),
        _bits(days.months), _bits(days.days), _bits(box.minutes),
    )  # fmt: skip


def _fields(box: _Box) -> tuple[str, ...]:
    days = box.days
    return (
        _spelled("minute", box.minutes),
        _spelled("hour", box.hours),
        _spelled("day_of_month", days.days << 1),
        _spelled("month_of_year", days.months << 1),
        _spelled("day_of_week", days.weekdays),
    )


@lru_cache(maxsize=65536)
def _spelled(name: str, mask: int) -> str:
    return cronfield.spell_numbers(name, frozenset(_bits(mask)))


@lru_cache(maxsize=65536)
def _bits(mask: int) -> tuple[int, ...]:
    return tuple(bit for bit in range(mask.bit_length()) if mask >> bit & 1)
