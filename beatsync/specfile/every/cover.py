"""Sets of days and of minutes → few disjoint boxes, each of which one crontab can name.

A box is a product of sets, written as bits: months, days of the month and days of the week, or hours and minutes. Boxes come from
grouping equal slices along one dimension after another; every order of the dimensions is tried, and the fewest boxes win.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar

Slice = TypeVar("Slice")
MONTHS, DAYS, WEEKDAYS = 12, 31, 7


class DayKey(NamedTuple):
    """A date as a crontab can name it: no two dates within five years have the same key."""

    month: int
    day: int
    weekday: int
    """0 is Sunday."""


class DayBox(NamedTuple):
    """Months, days and weekdays as bits: bit 0 is January, the first, Sunday."""

    months: int
    days: int
    weekdays: int

    def contains(self, key: DayKey) -> bool:
        """Return whether the box contains a date."""
        month, day, weekday = key
        return bool(self.months >> (month - 1) & self.days >> (day - 1) & self.weekdays >> weekday & 1)

    @property
    def size(self) -> int:
        """Return how many keys the box contains, those of dates that do not exist included."""
        return self.months.bit_count() * self.days.bit_count() * self.weekdays.bit_count()


ALL_DAYS = (1 << DAYS) - 1
ALL_MONTHS = (1 << MONTHS) - 1
Pair = tuple[int, int]
"""A box of two dimensions."""


@lru_cache(maxsize=4096)
def cover_days(weekdays: int, exceptions: frozenset[DayKey]) -> tuple[DayBox, ...]:
    """Return disjoint boxes of the days of these weekdays, where each exception is the other way round."""
    if not exceptions:
        return (DayBox(ALL_MONTHS, ALL_DAYS, weekdays),) if weekdays else ()
    by_month = [[weekdays] * DAYS for _ in range(MONTHS)]
    by_day = [[weekdays] * MONTHS for _ in range(DAYS)]
    by_weekday = [[(weekdays >> weekday & 1) * ALL_DAYS] * MONTHS for weekday in range(WEEKDAYS)]
    for month, day, weekday in exceptions:
        by_month[month - 1][day - 1] ^= 1 << weekday
        by_day[day - 1][month - 1] ^= 1 << weekday
        by_weekday[weekday][month - 1] ^= 1 << day - 1
    covers = (
        tuple(DayBox(months, days, week) for months, days, week in _cover_slices(by_month)),
        tuple(DayBox(months, days, week) for days, months, week in _cover_slices(by_day)),
        tuple(DayBox(months, days, week) for week, months, days in _cover_slices(by_weekday)),
    )
    return min(covers, key=len)


def _cover_slices(slices: Iterable[list[int]]) -> Iterator[tuple[int, int, int]]:
    for positions, row in grouped(map(tuple, slices)):
        for indices, columns in cover_pairs(row):
            yield positions, indices, columns


@lru_cache(maxsize=65536)
def cover_pairs(rows: tuple[int, ...]) -> tuple[Pair, ...]:
    """Return disjoint boxes of a table of bits, each with its rows and its columns as bits."""
    by_row = tuple((indices, row) for indices, row in grouped(rows) if row)
    if len(by_row) <= 1:
        return by_row
    columns = [sum(indices for indices, row in by_row if row >> bit & 1) for bit in range(max(rows).bit_length())]
    by_column = tuple((indices, positions) for positions, indices in grouped(columns) if indices)
    return min(by_row, by_column, key=len)


def grouped(slices: Iterable[Slice]) -> list[tuple[int, Slice]]:
    """Return each distinct slice with its positions as bits, in order of its first position."""
    groups: dict[Slice, int] = {}
    for position, each in enumerate(slices):
        groups[each] = groups.get(each, 0) | 1 << position
    return [(positions, each) for each, positions in groups.items()]
