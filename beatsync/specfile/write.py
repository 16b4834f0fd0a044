"""Schedules → the text of a spec file, as a person would write it: the shortest spelling of each value, and no defaults.

The only writer of spec files. Texts are quoted where YAML 1.1 or 1.2 would read something else; what is printable is never escaped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from itertools import groupby
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from beatsync.specfile import cronfield, scalars, times
from beatsync.specfile.fields import BY_NAME, FIELD_TABLE
from beatsync.specfile.interval import PERIODS
from beatsync.specfile.invisible import can_show
from beatsync.specfile.lines import LOG_COMMAND
from beatsync.specfile.problems import SpecError
from beatsync.values import DEFAULT_POLICY, Clocked, Crontab, Interval, OnRemove, Policy, Schedule, Solar, TaskSpec

WIDTH: Final = 80
"""Columns that a mapping or a list may take on one line."""
_UNITS: Final = {
    "w": 7 * PERIODS["days"], "d": PERIODS["days"], "h": PERIODS["hours"], "m": PERIODS["minutes"],
    "s": PERIODS["seconds"], "ms": 1000, "us": 1,
}  # fmt: skip
_PLAIN: Final = re.compile(r"[^\W\d_][\w./@+-]*(?: [\w./@+-]+)*")
_BOOLEANS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_LITERAL: Final = re.compile(r"[^\s].*(?:\n+[^\s].*)*\n?")
"""A text of several lines that a literal block can hold: no line begins or ends with white space."""
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RUN: Final = 3


class Text(str):
    """A value that is YAML already, such as a duration."""

    __slots__ = ()


class Entry(NamedTuple):
    """A schedule to write."""

    spec: TaskSpec
    policy: Policy = DEFAULT_POLICY
    enabled: bool | None = None
    """What the file says; None leaves `enabled` out, and so to the operators."""
    enabled_comment: str = ""
    """Why, behind the value."""


class Defaults(NamedTuple):
    """What the `defaults` of a document hold."""

    timezone: str | None = None
    queue: str | None = None


def common_defaults(entries: Sequence[Entry]) -> Defaults:
    """Return what a person would write once for all entries: the most common zone of at least two crontabs, and the queue of all."""
    zones = Counter(entry.spec.schedule.timezone for entry in entries if isinstance(entry.spec.schedule, Crontab))
    zone, count = min(zones.items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
    queues = {entry.spec.queue for entry in entries}
    return Defaults(zone if count > 1 else None, queues.pop() if len(entries) > 1 and len(queues) == 1 else None)


def document(entries: Sequence[Entry], defaults: Defaults | None = None) -> str:
    """Return a document with these entries in this order; `defaults` are those that they have in common."""
    defaults = common_defaults(entries) if defaults is None else defaults
    shared = {key: value for key, value in defaults._asdict().items() if value is not None}
    lines = ["version: 1", *(item_lines("defaults", shared, 0, is_block=True) if shared else ())]
    lines += ["schedules:" if entries else "schedules: {}", *schedule_lines(entries, defaults, 2)]
    return "\n".join(lines) + "\n"


def schedule_lines(entries: Iterable[Entry], defaults: Defaults, indent: int) -> list[str]:
    """Return the lines of entries whose names begin in column `indent`, counted from 0."""
    lines: list[str] = []
    for entry in entries:
        lines.append(f"{' ' * indent}{scalar(entry.spec.name)}:")
        for key, value in entry_values(entry, defaults).items():
            comment = f"  # {entry.enabled_comment}" if key == "enabled" and entry.enabled_comment else ""
            first, *others = item_lines(key, value, indent + 2)
            lines += [first + comment, *others]
    return lines


def entry_values(entry: Entry, defaults: Defaults) -> dict[str, Any]:
    """Return the keys of a schedule in the order in which people read them, with values for `item_lines`.

    Raises ValueError if a JSON column holds no JSON.
    """
    spec = entry.spec
    zone = _zone(spec, defaults)
    values: dict[str, Any] = {}
    for field in FIELD_TABLE[1:]:
        value = getattr(spec, field.name)
        default = field.default
        if field.name == "one_off" and isinstance(spec.schedule, Clocked):
            default = True
        if field.name == "enabled":
            value, default = entry.enabled, None
        if field.name == "queue":
            default = defaults.queue
        if value != default:
            values[field.name] = field_value(field.name, value, zone)
        if field.name == "task" and spec.schedule is not None:
            values |= _schedule_values(spec.schedule, defaults, zone)
    if sync := _policy_values(entry.policy):
        values["sync"] = sync
    return values


def field_value(name: str, value: Any, zone: str = "UTC") -> Any:
    """Return the value of a field of `TaskSpec` as `item_lines` takes it; times are written in `zone`."""
    if BY_NAME[name].is_json:
        return json.loads(value)
    if isinstance(value, datetime):
        return time_text(value, zone)
    if name == "expire_seconds" and value is not None:
        return interval_text(Interval(value, "seconds"))
    return value


def _zone(spec: TaskSpec, defaults: Defaults) -> str:
    """Return the zone in which the times of a schedule are written."""
    zone = spec.schedule.timezone if isinstance(spec.schedule, Crontab) else defaults.timezone
    try:
        return times.zone(zone or "UTC").key
    except SpecError:  # the zone of a row may be any text
        return "UTC"


def _schedule_values(schedule: Schedule, defaults: Defaults, zone: str) -> dict[str, Any]:
    values = {schedule.kind: schedule_text(schedule, zone)}
    if isinstance(schedule, Crontab) and schedule.timezone != defaults.timezone:
        values["timezone"] = schedule.timezone
    return values


def schedule_text(schedule: Schedule, zone: str = "UTC") -> Any:
    """Return the value of the key of a schedule's kind; a clocked time is written in `zone`."""
    if isinstance(schedule, Interval):
        return interval_text(schedule)
    if isinstance(schedule, Crontab):
        return Text(quoted(" ".join((*schedule[:4], _weekdays(schedule.day_of_week)))))
    if isinstance(schedule, Clocked):
        return time_text(schedule.clocked_time, zone)
    return _solar_value(schedule)


def _solar_value(schedule: Solar) -> dict[str, Any]:
    degrees = (Text(f"{value.normalize():f}") for value in (schedule.latitude, schedule.longitude))
    return dict(zip(("event", "latitude", "longitude"), (schedule.event, *degrees), strict=True))


def interval_text(interval: Interval) -> Text:
    """Return the shortest spelling of an interval; `1w` rather than `7d`."""
    size = PERIODS.get(interval.period)
    if size is None:
        return Text(quoted(f"{interval.every} {interval.period}"))
    total = interval.every * size
    if not total:
        return Text("0s")
    spellings = (f"{total // size}{unit}" for unit, size in _UNITS.items() if not total % size)
    return Text(min(spellings, key=len))


def time_text(value: datetime, zone: str) -> Text:
    """Return a time with its offset in a zone."""
    with suppress(OverflowError):
        value = value.astimezone(ZoneInfo(zone))
    offset = value.utcoffset()
    # Before the zones of today, offsets had seconds, which ISO 8601 has not.
    if offset is not None and offset.seconds % 60:
        value = value.astimezone(timezone.utc)
    return Text(value.isoformat())


def _weekdays(text: str) -> str:
    """Return a crontab's days of the week by name, Monday first; what is not in normal form stays as it is."""
    if text == "*" or cronfield.observed("day_of_week", text) != text:
        return text
    days = sorted((number - 1) % len(_DAYS) for number in cronfield.members("day_of_week", text))
    runs = [[day for _, day in run] for _, run in groupby(enumerate(days), lambda item: item[1] - item[0])]
    parts = [[f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}"] if len(run) >= _RUN else [_DAYS[day] for day in run] for run in runs]
    return ",".join(part for run in parts for part in run)


def _policy_values(policy: Policy) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if policy.on_remove is not OnRemove.DELETE:
        values["on_remove"] = policy.on_remove.value
    if policy.ignore:
        values["ignore"] = list(policy.ignore)
    if policy.protect:
        values["protect"] = True
    if policy.adopt:
        values["adopt"] = True
    if policy.sensitive:
        values["sensitive"] = list(policy.sensitive)
    return values


def item_lines(key: str, value: Any, indent: int, *, is_block: bool = False) -> list[str]:
    """Return the lines of a key and its value: on one line if they fit, unless `is_block`."""
    start = f"{' ' * indent}{scalar(key)}:"
    if isinstance(value, str) and not isinstance(value, Text) and (block := _literal_lines(value, indent + 2)):
        return [f"{start} {block[0]}", *block[1:]]
    line = f"{start} {flow(value)}"
    if not _is_nested(value) or (len(line) <= WIDTH and not is_block):
        return [line]
    return [start, *_block_lines(value, indent + 2)]


def _is_nested(value: Any) -> bool:
    return bool(value) and isinstance(value, (Mapping, list))


def _block_lines(value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from item_lines(key, item, indent)
        return
    for item in value:
        line = f"{' ' * indent}- {flow(item)}"
        if not _is_nested(item) or len(line) <= WIDTH:
            yield line
            continue
        first, *others = _block_lines(item, indent + 2)
        yield f"{' ' * indent}- {first[indent + 2 :]}"
        yield from others


def _literal_lines(text: str, indent: int) -> list[str]:
    """Return a literal block, its indicator first; empty if the text needs no block, or cannot be written as one."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) == 1 or not _LITERAL.fullmatch(text) or LOG_COMMAND.search(text) or not all(map(_is_literal, lines)):
        return []
    return ["|" if text.endswith("\n") else "|-", *(f"{' ' * indent}{line}" if line else "" for line in lines)]


def _is_literal(line: str) -> bool:
    """Return whether a line may be in a literal block."""
    # GitHub looks for commands at the start of a line, also after white space.
    return line == line.rstrip() and not line.startswith("::") and all(can_show(line, i) for i in range(len(line)))


def flow(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    text = json.dumps(value)
    # YAML 1.1 reads `1e-07` as text.
    return re.sub(r"^(-?\d+)(e.*)$", r"\1.0\2", text)


def scalar(text: str) -> str:
    """Return a text as a scalar that every YAML reader reads as this text; quoted only if it has to be."""
    if _PLAIN.fullmatch(text) and text.lower() not in _BOOLEANS and scalars.plain(text) == text:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """Return a text in double quotes; what cannot be seen, or would be a command in a log, is escaped."""
    seen = "".join(
        _ESCAPES.get(character) or (character if can_show(text, index) else _code_point(character))
        for index, character in enumerate(text)
    )
    text = LOG_COMMAND.sub(r"#\\x23", seen)
    return f'"{text}"'


def _code_point(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004
