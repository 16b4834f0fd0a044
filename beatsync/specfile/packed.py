"""What files declare, as few bytes that are quickly made and read: the way home from a process that parsed them.

Plain tuples of texts and numbers in `marshal`'s form, which both ends share since they run one interpreter; pickling the values
themselves takes ten times longer. Each field is a column of its own, so that no loop of ours runs over the schedules. What is rare
goes as a pickle beside them. Only our own processes write what is read here.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import repeat
from typing import Any

from beatsync.specfile.parse import ParsedFile
from beatsync.values import (
    DEFAULT_POLICY,
    Clocked,
    Crontab,
    Declared,
    Interval,
    Location,
    Schedule,
    Solar,
    TaskSpec,
    make,
)

_SCHEDULE = TaskSpec._fields.index("schedule")
_TIMES = [TaskSpec._fields.index(name) for name in ("expires", "start_time")]
Flat = tuple[Any, ...]


class _Numbers(dict[Any, int]):
    """Gives each value that is met a number, in the order of meeting."""

    def __missing__(self, value: Any) -> int:
        number = self[value] = len(self)
        return number


def pack(parsed: Iterable[ParsedFile]) -> bytes:
    """Return parsed files as bytes."""
    files: list[tuple[str, int, bool, frozenset[str]] | None] = []
    declared: list[Declared] = []
    odd: dict[int, ParsedFile] = {}
    for file in parsed:
        if file.diagnostics or len(file.names) != len(file.schedules):
            odd[len(files)] = file
            files.append(None)
        else:
            files.append((file.path, len(file.schedules), file.is_simple, file.environments))
            declared += file.schedules
    schedules, policies = _Numbers(), _Numbers({DEFAULT_POLICY: 0})
    columns: list[Any] = []
    if declared:
        specs, places, treated, switched, said, applied, left = zip(*declared, strict=True)
        columns = list(zip(*specs, strict=True))
        columns[_SCHEDULE] = [schedules[one] for one in columns[_SCHEDULE]]
        for number in _TIMES:
            columns[number] = [one and one.isoformat() for one in columns[number]]
        columns += list(zip(*places, strict=True))[1:]
        columns += [[0 if one is DEFAULT_POLICY else policies[one] for one in treated], switched, said, applied, left]
    flat = [_flat(schedule) for schedule in schedules]
    rare = (list(policies)[1:], odd)
    return marshal.dumps((files, columns, flat, pickle.dumps(rare) if any(rare) else b""))


def unpack(data: bytes, shared: dict[Flat, Schedule]) -> Iterator[ParsedFile]:
    """Yield the parsed files again. Schedules that are equal are one object, also to those that are `shared` from before."""
    files, columns, flat, rare = marshal.loads(data)  # noqa: S302  our own process wrote it
    policies, odd = pickle.loads(rare) if rare else ([], {})  # noqa: S301  as above
    declared: list[Declared] = []
    names: list[tuple[str, Location]] = []
    if columns:
        *fields, lines, starts, treated, switched, said, applied, left = columns
        schedules = [shared.get(one) or shared.setdefault(one, _schedule(one)) for one in flat]
        fields[_SCHEDULE] = map(schedules.__getitem__, fields[_SCHEDULE])
        for number in _TIMES:
            fields[number] = [one and datetime.fromisoformat(one) for one in fields[number]]
        paths = (file[0] for file in files if file for _ in range(file[1]))
        places = [*map(make, repeat(Location), zip(paths, lines, starts, strict=True))]
        specs = [*map(make, repeat(TaskSpec), zip(*fields, strict=True))]
        names = [(spec[0], place) for spec, place in zip(specs, places, strict=True)]
        treated = map([DEFAULT_POLICY, *policies].__getitem__, treated)
        declared = [
            *map(make, repeat(Declared), zip(specs, places, treated, switched, said, applied, left, strict=True))
        ]
    first = 0
    for number, file in enumerate(files):
        if file is None:
            yield odd[number]
        else:
            path, count, is_simple, environments = file
            end = first + count
            shares = tuple(declared[first:end]), tuple(names[first:end])
            yield ParsedFile(path, *shares, environments, is_simple=is_simple)
            first = end


def _flat(schedule: Schedule) -> Flat:
    if isinstance(schedule, Solar):
        return schedule.event, str(schedule.latitude), str(schedule.longitude)
    if isinstance(schedule, Clocked):
        return (schedule.clocked_time.isoformat(),)
    return tuple(schedule)


def _schedule(flat: Flat) -> Schedule:
    """Return a schedule again; each kind has its own number of fields."""
    if len(flat) == len(Crontab._fields):
        return Crontab(*flat)
    if len(flat) == len(Interval._fields):
        return Interval(*flat)
    if len(flat) == len(Solar._fields):
        return Solar(flat[0], Decimal(flat[1]), Decimal(flat[2]))
    return Clocked(datetime.fromisoformat(flat[0]))
