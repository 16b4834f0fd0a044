"""Field by field: what a row should say, what it says, and what was last applied to it.

Both sides arrive normalised (`TaskSpec.fields()`), so this is a three-way comparison of flat maps. A schedule is one
value in up to two fields (a crontab and its zone), so it is changed or ignored as one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from beatsync.plan.model import Cause, FieldChange
from beatsync.plan.observed import Row
from beatsync.values import (
    PLAIN_FIELDS,
    SCHEDULE_FIELDS,
    Declared,
    FieldValue,
    Schedule,
    TaskSpec,
    schedule_fields,
)

Fields = Mapping[str, FieldValue]
_PLAIN = tuple(name for name in PLAIN_FIELDS if name != "enabled")
_RE_ARMING = (*SCHEDULE_FIELDS, "start_time", "expires", "one_off")


_DEFAULTS: Fields = MappingProxyType(TaskSpec(name="", task="", schedule=None).fields() | {"enabled": None})
_quoted = json.encoder.encode_basestring_ascii
_quoted_often = lru_cache(maxsize=4096)(_quoted)


def applied_text(declared: Declared) -> str:
    """Return what the inventory remembers of `declared`: its flat fields as JSON, without those at their defaults.

    `enabled` is there where the file says it. Made for every schedule at every sync, so it is put together by hand.
    """
    (
        name, task, schedule, args, kwargs, headers, queue, exchange, routing_key, priority, expires, expire_seconds,
        one_off, start_time, enabled, description,
    ) = declared[0]  # fmt: skip
    given = "" if args == "[]" else f',"args":{_quoted(args)}'
    if kwargs != "{}":
        given += f',"kwargs":{_quoted(kwargs)}'
    if headers != "{}":
        given += f',"headers":{_quoted(headers)}'
    seconds = "" if expire_seconds is None else f',"expire_seconds":{expire_seconds:d}'
    rest = f',"description":{_quoted(description)}' if description else ""
    if exchange is not None:
        rest += f',"exchange":{_quoted(exchange)}'
    if routing_key is not None:
        rest += f',"routing_key":{_quoted(routing_key)}'
    if priority is not None:
        rest += f',"priority":{priority:d}'
    if expires is not None:
        rest += f',"expires":"{expires.isoformat()}"'
    if one_off:
        rest += ',"one_off":true'
    if start_time is not None:
        rest += f',"start_time":"{start_time.isoformat()}"'
    if declared[3]:
        rest += f',"enabled":{"true" if enabled else "false"}'
    head = f'{{"name":{_quoted(name)},"task":{_quoted_often(task)}{_schedule_text(schedule)}'
    return f"{head}{given}{_queue_text(queue)}{seconds}{rest}}}"


@lru_cache(maxsize=65536)
def _schedule_text(schedule: Schedule | None) -> str:
    return "".join(f',"{name}":{_quoted(text)}' for name, text in schedule_fields(schedule))


@lru_cache(maxsize=4096)
def _queue_text(queue: str | None) -> str:
    return "" if queue is None else f',"queue":{_quoted(queue)}'


def applied_fields(text: str) -> Fields:
    """Return the flat map that `applied_text` wrote, with the defaults that it left out."""
    return {**_DEFAULTS, **json.loads(text)}


def compare(want: Fields, have: Fields, last: Fields | None, ignore: Collection[str]) -> Iterator[FieldChange]:
    """Yield each field that has to change, in the order of `FIELDS`, all but `enabled`.

    `last` is None for a row that was never applied to. A field in `ignore` is written only where the file changed it.
    """
    if want["name"] != have["name"]:
        yield _change("name", want, have, last)
    if want["task"] != have["task"] and not _left_alone("task", want, last, ignore):
        yield _change("task", want, have, last)
    if any(want.get(name) != have.get(name) for name in SCHEDULE_FIELDS):
        spec_changed = last is None or any(want.get(name) != last.get(name) for name in SCHEDULE_FIELDS)
        if spec_changed or not any(name in ignore for name in SCHEDULE_FIELDS):
            cause = Cause.SPEC if spec_changed else Cause.DRIFT
            for name in SCHEDULE_FIELDS:
                if want.get(name) != have.get(name):
                    yield FieldChange(name, have.get(name), want.get(name), cause)
    for name in _PLAIN[1:]:
        if want[name] != have[name] and not _left_alone(name, want, last, ignore):
            yield _change(name, want, have, last)


def _left_alone(name: str, want: Fields, last: Fields | None, ignore: Collection[str]) -> bool:
    return name in ignore and last is not None and want[name] == last.get(name)


def _change(name: str, want: Fields, have: Fields, last: Fields | None) -> FieldChange:
    cause = Cause.DRIFT if last is not None and want[name] == last.get(name) else Cause.SPEC
    return FieldChange(name, have[name], want[name], cause)


def completed(row: Row, now: datetime, *, one_off: bool) -> bool:
    """Whether beat itself switched the row off: a one-off that ran, or one past its `expires` (DESIGN, section 6).

    `one_off` is what the files say, or said when they were last applied.
    """
    if row.spec.enabled:
        return False
    return (one_off and row.spec.one_off) or (row.spec.expires is not None and row.spec.expires <= now)


def re_armed(want: Fields, last: Fields) -> bool:
    """Whether the file changed since the last apply in a way that switches a completed row on again."""
    return any(want.get(name) != last.get(name) for name in _RE_ARMING)
