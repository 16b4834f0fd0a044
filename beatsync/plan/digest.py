"""What a sync leaves in the database for one schedule, as a digest that the database's own server can make of its rows as well.

So that a row and its inventory entry are as the last sync left them is told in a few bytes, and neither is read. Where the two digests
differ, for whatever reason, they are read and compared; where they are equal, row, schedule row and entry hold the same characters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from beatsync.plan.compare import applied_text
from beatsync.specfile import ParsedFile, ParseOptions, parse_file
from beatsync.specfile.blocks import LENGTH, Blocks, cut, is_told_by, of_schedules
from beatsync.values import (
    DEFAULT_POLICY,
    Clocked,
    Crontab,
    Declared,
    Desired,
    Interval,
    Policy,
    Schedule,
    Solar,
    SourceFile,
    make,
)

SEPARATOR = "\x1f"
"""Stands between the columns. No digest is made of a text that holds it, so each is in its place where two digests are equal."""
NULL = "NULL"
"""What stands for it in every column but those of texts, where NULL and the empty text mean the same."""
_SEPARATORS = 37


class Told(NamedTuple):
    """What the database says of a source and of all rows that nobody owns, without saying what they hold."""

    known: Mapping[bytes, str]
    """Names whose row and entry are as a sync left them, by the digest of the text that said so (`Declared.said`)."""
    others: frozenset[str]
    """Names of all other entries of the source."""
    unowned: frozenset[int]
    """Keys of the rows that no source owns."""


class Open(NamedTuple):
    """What has to be read and compared, and the names of which nothing has."""

    names: frozenset[str]
    row_ids: frozenset[int]
    settled: frozenset[str]


def parse_with_digests(file: SourceFile, options: ParseOptions) -> ParsedFile:
    """Return what a file declares, with the digests of its schedules where it is simple enough to know them."""
    return with_digests(parse_file(file, options), cut(file, options))


def with_digests(file: ParsedFile, blocks: Blocks | None) -> ParsedFile:
    """Return a parsed file whose schedules know the digests of their texts and of what is left of them."""
    if blocks is None or not is_told_by(file, blocks):
        return file
    schedules = zip(file.schedules, of_schedules(file, blocks.said), strict=True)
    return file._replace(schedules=tuple(_with(one, said) for one, said in schedules))


def _with(declared: Declared, said: bytes) -> Declared:
    if declared[2].renamed_from is not None:
        return declared  # there is another name to be looked at
    applied = applied_text(declared)
    left = digest(declared, said, applied)
    return make(Declared, (*declared[:4], said, applied, left)) if left else declared


def unsettled(desired: Desired, told: Told) -> Open | None:
    """Return what is to be looked at closely; None where of `desired.known` something has to be, and so is to be parsed."""
    if not desired.known.keys() <= told.known.keys():
        return None
    names, settled = [], {*desired.known.values()}
    for one in desired.valid:
        if one[4] in told.known:
            settled.add(one[0][0])
        else:
            names.append(one[0][0])
            if one[2].renamed_from is not None:
                names.append(one[2].renamed_from)
    left = (name for name in told.known.values() if name not in settled)
    return Open(told.others.union(names, left), told.unowned, frozenset(settled))


def digest(declared: Declared, said: bytes, applied: str) -> bytes:
    """Return the digest of what a sync of this schedule, of that text, leaves in the database; empty where none can be made.

    `applied` is what the inventory remembers of it. The columns are in the order of `beatsync.store.tables`.
    """
    (
        name, task, schedule, args, kwargs, headers, queue, exchange, routing_key, priority, expires, expire_seconds,
        one_off, start_time, enabled, description,
    ) = declared[0]  # fmt: skip
    which, when = _schedule(schedule)
    policy = declared[2]
    text = SEPARATOR.join(
        (
            name, task, which, args, kwargs, headers, queue or "", exchange or "", routing_key or "", _number(priority),
            _moment(expires), _number(expire_seconds), _flag(one_off), _moment(start_time), _flag(enabled), description,
            when, name, applied,
            _DEFAULT if policy is DEFAULT_POLICY else _policy(policy), declared[1][0], "0", "0", said.hex(),
        )
    )  # fmt: skip
    if text.count(SEPARATOR) != _SEPARATORS:
        return b""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:LENGTH]


def _number(value: int | None) -> str:
    return NULL if value is None else str(value)


def _flag(value: bool) -> str:
    return "1" if value else "0"


@lru_cache(maxsize=4096)
def _moment(value: datetime | None) -> str:
    return NULL if value is None else f"{value:%Y-%m-%d %H:%M:%S.%f}"


@lru_cache(maxsize=65_536)
def _schedule(schedule: Schedule | None) -> tuple[str, str]:
    """Return which of its four keys a task has, and the columns of the four schedule tables, one of which has a row."""
    columns = [NULL, "", "", "", "", "", "", "", "", NULL, NULL, NULL]
    if isinstance(schedule, Interval):
        which, columns[:2] = "1000", (str(schedule.every), schedule.period)
    elif isinstance(schedule, Crontab):
        which, columns[2:8] = "0100", schedule
    elif isinstance(schedule, Solar):
        which, columns[8:11] = "0010", (schedule.event, f"{schedule.latitude:.6f}", f"{schedule.longitude:.6f}")
    elif isinstance(schedule, Clocked):
        which, columns[11] = "0001", _moment(schedule.clocked_time)
    else:
        which = "0000"
    return which, SEPARATOR.join(columns)


@lru_cache(maxsize=4096)
def _policy(policy: Policy) -> str:
    """Return the columns of what an inventory entry remembers of a policy."""
    treated = (
        policy.on_remove.value,
        json.dumps(policy.ignore),
        json.dumps(policy.sensitive),
        _flag(bool(policy.protect)),
    )
    return SEPARATOR.join(treated)


_DEFAULT = _policy(DEFAULT_POLICY)
"""Of nearly all, and a policy's own hash takes its time."""
