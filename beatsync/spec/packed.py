"""What files declare, as few bytes that are quickly made and read: the way home from a process that parsed them.

Plain tuples of texts and numbers in `marshal`'s form, which both ends share since they run one interpreter; pickling the values
themselves takes ten times longer. What is rare goes as a pickle beside them. Only our own processes write what is read here.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from beatsync.spec.parse import ParsedFile
from beatsync.values import Clocked, Crontab, Declared, Interval, Location, Policy, Schedule, Solar, TaskSpec

_SCHEDULE = TaskSpec._fields.index("schedule")
_TIMES = [TaskSpec._fields.index(name) for name in ("expires", "start_time")]
_WIDTH = len(TaskSpec._fields)
Row = tuple[Any, ...]


class _Numbers(dict[Any, int]):
    """Gives each value that is met a number, in the order of meeting."""

    def __missing__(self, value: Any) -> int:
        number = self[value] = len(self)
        return number


def pack(parsed: Iterable[ParsedFile]) -> bytes:
    """Return parsed files as bytes."""
    files: list[Any] = []
    odd: dict[int, ParsedFile] = {}
    schedules, policies = _Numbers(), _Numbers()
    for file in parsed:
        if file.diagnostics or file.environments or len(file.names) != len(file.schedules):
            odd[len(files)] = file
            files.append(None)
        else:
            files.append((file.path, [_row(one, schedules, policies) for one in file.schedules]))
    flat = [_flat(schedule) for schedule in schedules]
    return marshal.dumps((files, flat, pickle.dumps((list(policies), odd)) if odd or policies else b""))


def unpack(data: bytes, known: dict[Row, Schedule]) -> Iterator[ParsedFile]:
    """Yield the parsed files again; schedules that are equal are one object, also to those that are `known` from before."""
    files, flat, rest = marshal.loads(data)  # noqa: S302  our own process wrote it
    policies, odd = pickle.loads(rest) if rest else ([], {})  # noqa: S301  as above
    schedules = [known.get(one) or known.setdefault(one, _schedule(one)) for one in flat]
    for number, file in enumerate(files):
        yield odd[number] if file is None else _file(file[0], file[1], schedules, policies)


def _row(declared: Declared, schedules: _Numbers, policies: _Numbers) -> Row:
    spec = declared.spec
    fields: list[Any] = [*spec]
    fields[_SCHEDULE] = schedules[spec.schedule]
    for place in _TIMES:
        if fields[place] is not None:
            fields[place] = fields[place].isoformat()
    return (
        *fields,
        declared.location.line,
        declared.location.column,
        policies[declared.policy],
        declared.enabled_declared,
    )


def _file(path: str, rows: Iterable[Row], schedules: list[Schedule], policies: list[Policy]) -> ParsedFile:
    declared = []
    for row in rows:
        fields = list(row[:_WIDTH])
        fields[_SCHEDULE] = schedules[fields[_SCHEDULE]]
        for place in _TIMES:
            if fields[place] is not None:
                fields[place] = datetime.fromisoformat(fields[place])
        line, column, policy, enabled_declared = row[_WIDTH:]
        place_of = Location(path, line, column)
        declared.append(Declared(TaskSpec._make(fields), place_of, policies[policy], enabled_declared))
    return ParsedFile(path, tuple(declared), tuple((one.spec.name, one.location) for one in declared))


def _flat(schedule: Schedule) -> Row:
    if isinstance(schedule, Crontab):
        return (*(getattr(schedule, name) for name in Crontab.__slots__),)
    if isinstance(schedule, Interval):
        return schedule.every, schedule.period
    if isinstance(schedule, Solar):
        return schedule.event, str(schedule.latitude), str(schedule.longitude)
    return (schedule.clocked_time.isoformat(),)


def _schedule(flat: Row) -> Schedule:
    """Return a schedule again; each kind has its own number of fields."""
    if len(flat) == len(Crontab.__slots__):
        return Crontab(*flat)
    if len(flat) == len(Interval.__slots__):
        return Interval(*flat)
    if len(flat) == len(Solar.__slots__):
        return Solar(flat[0], Decimal(flat[1]), Decimal(flat[2]))
    return Clocked(datetime.fromisoformat(flat[0]))
