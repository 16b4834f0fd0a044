"""Other minutes for crontabs that run in crowded minutes, so that the load of a window has a lower peak.

Only crontabs that name a single minute move, and only within their hour: which hours and days they run on stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from itertools import chain
from typing import NamedTuple

from beatsync.plan.load import Load, minutes_of
from beatsync.plan.upcoming import Timed, Timetable, by_timetable
from beatsync.specfile import spread
from beatsync.values import Crontab

_HOUR = 60


class Proposal(NamedTuple):
    """Another minute for a schedule."""

    name: str
    before: Crontab
    after: Crontab


@dataclass(frozen=True, slots=True)
class Leveling:
    """Two ways to lower the peak, and the peak of each."""

    proposals: tuple[Proposal, ...]
    """The fewest schedules that have to move, and their minutes; by name."""
    peak: float
    crowded: tuple[str, ...]
    """The schedules that run in a crowded minute: each of them could say `H` for its minute."""
    hashed_peak: float
    """The peak if all of them do."""


class _Move(NamedTuple):
    """A schedule and the minute to which it could move."""

    timetable: Timetable
    name: str
    minute: str

    @property
    def proposal(self) -> Proposal:
        """Return the move as a change of the crontab."""
        before = _crontab(self.timetable)
        return Proposal(self.name, before, before._replace(minute=self.minute))


def level(schedules: Sequence[Timed], load: Load) -> Leveling:
    """Return how the load of `schedules` could be spread."""
    groups = {timetable: timed for timetable, timed in by_timetable(schedules).items() if _can_move(timetable, timed)}
    target = _target(load, groups)
    crowds = _crowds(load, groups, target)
    moves = list(_moves(load, groups, crowds, target))
    hashed = [
        _Move(timetable, timed.name, str(spread.resolve({"minute": "H"}, timed.name)["minute"]))
        for timetable in dict.fromkeys(chain.from_iterable(crowds.values()))
        for timed in groups[timetable]
    ]
    proposals = sorted(move.proposal for move in moves)
    crowded = sorted(move.name for move in hashed)
    return Leveling(tuple(proposals), _peak(load, moves), tuple(crowded), _peak(load, hashed))


def _can_move(timetable: Timetable, timed: Iterable[Timed]) -> bool:
    is_plain = isinstance(timetable.schedule, Crontab) and timetable.first is None and not timetable.one_off
    return is_plain and _crontab(timetable).minute.isdigit() and not any(each.is_group for each in timed)


def _crontab(timetable: Timetable) -> Crontab:
    assert isinstance(timetable.schedule, Crontab)  # noqa: S101  `_can_move`
    return timetable.schedule


def _target(load: Load, groups: Mapping[Timetable, Sequence[Timed]]) -> int:
    """Return a peak that no choice of minutes can undercut: that of the other runs, or the average of the busiest hour."""
    counts = load.total.counts
    others = list(counts)
    for timetable, timed in groups.items():
        for minute in load.minutes[timetable]:
            others[minute] -= len(timed)
    hours = (sum(counts[first : first + _HOUR]) for first in range(0, len(counts), _HOUR))
    return max(*others, *(-(-runs // _HOUR) for runs in hours))


def _crowds(load: Load, groups: Iterable[Timetable], target: int) -> dict[int, list[Timetable]]:
    """Return the minutes with more runs than `target`, busiest first, and what could move away from each."""
    counts = load.total.counts
    crowds: dict[int, list[Timetable]] = {
        minute: []
        for minute in sorted(range(len(counts)), key=lambda minute: -counts[minute])
        if counts[minute] > target
    }
    for timetable in groups:
        for minute in crowds.keys() & load.minutes[timetable]:
            crowds[minute].append(timetable)
    return crowds


def _moves(
    load: Load, groups: Mapping[Timetable, Sequence[Timed]], crowds: Mapping[int, Sequence[Timetable]], target: int
) -> Iterator[_Move]:
    """Yield the schedules that move, each with its new minute."""
    counts, minutes = list(load.total.counts), load.minutes
    taken: Counter[Timetable] = Counter()
    for minute, timetables in crowds.items():
        for timetable in sorted(timetables, key=lambda each: len(minutes[each])):
            number = min(counts[minute] - target, len(groups[timetable]) - taken[timetable])
            if number > 0:
                taken[timetable] += number
                _add(counts, minutes[timetable], -number)
    # What runs most often has the least choice, so it chooses first.
    for timetable in sorted(taken, key=lambda each: -len(minutes[each])):
        names = sorted(timed.name for timed in groups[timetable])[-taken[timetable] :]
        present = int(_crontab(timetable).minute)
        hours = [minute - present for minute in minutes[timetable]]
        for name, minute in _placed(names, present, hours, counts).items():
            yield _Move(timetable, name, str(minute))


def _placed(names: Sequence[str], present: int, hours: Sequence[int], counts: list[int]) -> dict[str, int]:
    """Return the minute of each schedule that moves away from `present`: the emptiest one in its busiest hour; adds it to `counts`."""
    heap = [(_most(counts, [hour + minute for hour in hours]), minute != present, minute) for minute in range(_HOUR)]
    heapify(heap)
    minutes = {}
    for name in names:
        runs, is_other, minute = heap[0]
        heapreplace(heap, (runs + 1, is_other, minute))
        minutes[name] = minute
    for minute, number in Counter(minutes.values()).items():
        _add(counts, (hour + minute for hour in hours), number)
    return {name: minute for name, minute in minutes.items() if minute != present}


def _most(counts: Sequence[int], minutes: Iterable[int]) -> int:
    return max((counts[minute] for minute in minutes if 0 <= minute < len(counts)), default=0)


def _add(counts: list[int], minutes: Iterable[int], number: int) -> None:
    for minute in minutes:
        if 0 <= minute < len(counts):
            counts[minute] += number


def _peak(load: Load, moves: Iterable[_Move]) -> float:
    """Return the peak after the moves."""
    counts, start = list(load.total.counts), load.total.start
    for (timetable, minute), number in Counter((move.timetable, move.minute) for move in moves).items():
        _add(counts, load.minutes[timetable], -number)
        there = timetable._replace(schedule=_crontab(timetable)._replace(minute=minute))
        _add(counts, minutes_of(there, start, load.end), number)
    return max(counts) + load.total.even
