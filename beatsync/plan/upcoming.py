"""When the schedules of files or rows run next: what their runs count from, and their runs merged in order.

The clock is an argument. Schedules that run at the same times are computed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import chain, dropwhile, groupby, islice
from operator import itemgetter
from typing import NamedTuple

from beatsync.plan import firing
from beatsync.plan.nextruns import next_runs
from beatsync.plan.observed import Owned, Row
from beatsync.specfile.cronfield import FIELDS, celery_reads
from beatsync.specfile.times import zone_names
from beatsync.values import Clocked, Crontab, Declared, Interval, Schedule

_INSTANT = timedelta(microseconds=1)
_YEAR = timedelta(days=366)
UNREADABLE = (ImportError, KeyError, ValueError, OverflowError, RuntimeError, TypeError)
"""What `next_runs` raises for a schedule that celery cannot read, and for one in an unknown zone."""


class Timetable(NamedTuple):
    """Everything that decides when a schedule runs: equal ones run at the same times."""

    schedule: Schedule
    after: datetime
    """The last run, or the time that replaces it."""
    first: datetime | None = None
    """A run before all others: one that is overdue, or the `start_time` of an interval."""
    expires: datetime | None = None
    one_off: bool = False

    def runs(self, start: datetime, end: datetime | None) -> Iterator[datetime]:
        """Yield the runs from `start` (included) to `end` (not included); None: without end. Raises UNREADABLE."""
        until = min(filter(None, (end, self.expires)), default=None)
        if until is not None and until <= start:
            return iter(())
        after = self.after if self.first is None else self.first
        first = () if self.first is None or (until is not None and self.first >= until) else (self.first,)
        if isinstance(self.schedule, Interval) and not self.one_off:
            step = timedelta(**{self.schedule.period: self.schedule.every})
            after += step * max(0, (start - after) // step - 1)
        runs = chain(first, next_runs(self.schedule, after, until))
        return dropwhile(lambda run: run < start, islice(runs, 1) if self.one_off else runs)


class Timed(NamedTuple):
    """One row of a schedule, and when it runs."""

    name: str
    """The name of the schedule: the rows of one with `every` share it."""
    timetable: Timetable
    queue: str | None = None
    is_group: bool = False


class Run(NamedTuple):
    """One run of a schedule."""

    at: datetime
    name: str
    schedule: Schedule


class LastRun(NamedTuple):
    """The row that ran last."""

    name: str
    """The name of its schedule."""
    row: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The schedules of files or rows that run, in the order of their names, and those whose runs are unknown."""

    schedules: tuple[Timed, ...]
    unknown: tuple[tuple[str, str], ...] = ()
    """Name and reason."""
    live: bool = False
    """Whether they come from rows, with their last runs."""
    last: LastRun | None = None
    """The row that ran last, whether or not it runs again; None if none has run, and for files."""

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all schedules."""
        return frozenset(chain((timed.name for timed in self.schedules), (name for name, _ in self.unknown)))

    def only(self, names: Iterable[str]) -> Upcoming:
        """Return the schedules of these names."""
        wanted = frozenset(names)
        unknown = tuple((name, reason) for name, reason in self.unknown if name in wanted)
        last = self.last if self.last is not None and self.last.name in wanted else None
        schedules = tuple(each for each in self.schedules if each.name in wanted)
        return replace(self, schedules=schedules, unknown=unknown, last=last)

    def due_after_last(self, start: datetime) -> datetime | None:
        """Return when the schedule that ran last is due next, from `start` on; None if it is not within a year."""
        if self.last is None:
            return None
        runs = merged(self.only([self.last.name]), start, start + _YEAR, 1)
        return next((run.at for run in runs), None)


def of_files(declared: Iterable[Declared], start: datetime) -> Upcoming:
    """Return the enabled schedules of files, as rows that are written right before `start`.

    So an interval first runs one interval after `start`, or at its later `start_time`.
    """
    timed = (
        Timed(each.schedule, _declared_timetable(each, start), each.spec.queue, each.group is not None)
        for each in declared
        if each.spec.enabled
    )
    return _with_runs(timed, start)


def _declared_timetable(declared: Declared, start: datetime) -> Timetable:
    spec = declared.spec
    assert spec.schedule is not None  # noqa: S101  a declared schedule has one
    counts_from = firing.counts_from(spec, start)
    after, first = counts_from if counts_from > start else start - _INSTANT, None
    if isinstance(spec.schedule, Interval):
        after = start
        first = spec.start_time if spec.start_time is not None and spec.start_time >= start else None
    return Timetable(spec.schedule, after, first, spec.expires, spec.one_off)


def of_rows(rows: Iterable[Row], owned: Iterable[Owned], now: datetime) -> Upcoming:
    """Return the enabled rows that beat runs from `now` on, each counted from its last run; one that is overdue runs `now`."""
    groups = {entry.row_id: entry.group for entry in owned if entry.group is not None}
    timed, unknown, last = [], [], None
    for row in rows:
        name = groups.get(row.row_id, row.name)
        ran_at = ran_last(row)
        if ran_at is not None and (last is None or ran_at > last.at):
            last = LastRun(name, row.name, ran_at)
        if firing.never_runs(row):
            continue
        if row.spec.schedule is None:
            unknown.append((name, "the row has no schedule that can be read"))
        else:
            timetable = _row_timetable(row, row.spec.schedule, now)
            timed.append(Timed(name, timetable, row.spec.queue, row.row_id in groups))
    upcoming = _with_runs(timed, now)
    return replace(upcoming, unknown=(*unknown, *upcoming.unknown), live=True, last=last)


def ran_last(row: Row) -> datetime | None:
    """Return when a row last ran; None if no run is recorded: `last_run_at` alone may be the time from which beat counts."""
    return row.last_run_at if row.total_run_count else None


def _row_timetable(row: Row, schedule: Schedule, now: datetime) -> Timetable:
    spec = row.spec
    first_check = now if spec.start_time is None else max(now, spec.start_time)
    overdue = first_check if firing.is_due(row, first_check) else None
    return Timetable(schedule, firing.last_run(row, now), overdue, spec.expires, spec.one_off)


def _with_runs(schedules: Iterable[Timed], start: datetime) -> Upcoming:
    """Return the schedules by name, without those whose runs celery cannot say."""
    checked: dict[Schedule, str] = {}
    readable, unknown = [], {}
    for timed in sorted(schedules, key=lambda each: each.name):
        schedule = timed.timetable.schedule
        if schedule not in checked:
            checked[schedule] = _problem(schedule, start)
        if checked[schedule]:
            unknown[timed.name] = checked[schedule]
        else:
            readable.append(timed)
    return Upcoming(tuple(readable), tuple(unknown.items()))


def _problem(schedule: Schedule, start: datetime) -> str:
    """Return why the runs of a schedule are unknown; empty if celery says them."""
    if isinstance(schedule, Clocked) or (isinstance(schedule, Crontab) and _is_plain(schedule)):
        return ""
    try:
        next(next_runs(schedule, start, start + _INSTANT), None)
    except ImportError:
        return "solar schedules need ephem: pip install 'beatsync[solar]'"
    except UNREADABLE as error:
        return f"the installed celery cannot read it: {error}"
    return ""


def _is_plain(schedule: Crontab) -> bool:
    """Return whether celery reads the crontab, and it runs in every month that it names."""
    readable = all(celery_reads(name, text) is not None for name, text in zip(FIELDS, schedule, strict=False))
    return readable and schedule.day_of_month == "*" and schedule.timezone in zone_names()


def by_timetable(schedules: Iterable[Timed]) -> dict[Timetable, list[Timed]]:
    """Return the schedules that run at the same times together."""
    groups: dict[Timetable, list[Timed]] = {}
    for timed in schedules:
        groups.setdefault(timed.timetable, []).append(timed)
    return groups


def merged(upcoming: Upcoming, start: datetime, end: datetime | None, count: int | None = None) -> Iterator[Run]:
    """Yield the runs from `start` (included) to `end` (not included), by time and name; at most `count` of them."""
    groups = by_timetable(upcoming.schedules)
    return islice(_merged(groups, start, end), count)


def _merged(groups: Mapping[Timetable, Sequence[Timed]], start: datetime, end: datetime | None) -> Iterator[Run]:
    tables = list(groups.items())
    streams = (_numbered(table.runs(start, end), number) for number, (table, _) in enumerate(tables))
    for at, runs in groupby(merge(*streams), key=itemgetter(0)):
        numbers = [number for _, number in runs]
        named = ((timed.name, tables[number][0].schedule) for number in numbers for timed in tables[number][1])
        for name, schedule in sorted(named, key=itemgetter(0)):
            yield Run(at, name, schedule)


def _numbered(runs: Iterator[datetime], number: int) -> Iterator[tuple[datetime, int]]:
    return ((run, number) for run in runs)


def zone_of(schedule: Schedule, default: str) -> str:
    """Return the zone in which a schedule is read: its own, or `default` for a schedule that has none."""
    return schedule.timezone if isinstance(schedule, Crontab) else default
