"""`H` in a field of a crontab: a number by a stable hash of the schedule's name, so that schedules spread over time.

The number depends on the name (or `sync.hash`) and on the field alone, so it is the same in every environment and release.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from beatsync.specfile import cronfield
from beatsync.specfile.problems import SpecError

_HASHED = re.compile(r"H(?:\((?P<range>[^()]*)\))?(?:/(?P<step>[0-9]{1,9}))?")
_ATTEMPT = re.compile(r"H(?![A-Za-z])")
_EVERY_MONTH_DAYS = 28
"""Without a range, a day of the month is one that every month has."""


def uses_hash(value: Any) -> bool:
    """Return whether a crontab of a spec file, text or mapping, contains an `H`."""
    texts = value.values() if isinstance(value, Mapping) else [value]
    return any(_is_hashed(part) for text in texts if isinstance(text, str) and "H" in text for part in text.split())


def resolve(value: Any, seed: str) -> Any:
    """Return a crontab of a spec file with a number in place of each `H`; `seed` is the schedule's name, or its `sync.hash`.

    Raises SpecError `crontab-hash`.
    """
    if isinstance(value, Mapping):
        return {name: _resolved(name, text, seed) if name in cronfield.FIELDS else text for name, text in value.items()}
    # Most crontabs have none.
    parts = value.split() if "H" in value else ()
    if len(parts) != len(cronfield.FIELDS):
        return value
    return " ".join(_resolved(name, part, seed) for name, part in zip(cronfield.FIELDS, parts, strict=True))


def _is_hashed(text: str) -> bool:
    return _ATTEMPT.match(text) is not None


def _resolved(name: str, value: Any, seed: str) -> Any:
    text = value.strip() if isinstance(value, str) else ""
    if not _is_hashed(text):
        return value
    match = _HASHED.fullmatch(text)
    if match is None:
        hint = "write H, H/15, H(1-4) or H(0-29)/10 as the whole field"
        raise SpecError("crontab-hash", f"{name}: {text!r} cannot be read", hint, field=name)
    numbers, step = _numbers(name, match["range"]), int(match["step"] or 0)
    if match["step"] is None:
        return str(numbers[_digest(seed, name) % len(numbers)])
    if not 0 < step <= len(numbers):
        message = (
            f"{name}: the step in {text!r} is not between 1 and {len(numbers)}, the number of values it steps over"
        )
        raise SpecError("crontab-hash", message, field=name)
    return ",".join(map(str, numbers[_digest(seed, name) % step :: step]))


def _numbers(name: str, limits: str | None) -> list[int]:
    """Return the numbers from which an `H` chooses, in order; both ends of a range belong to it."""
    if limits is not None:
        return cronfield.in_order(name, limits)
    field = cronfield.FIELDS[name]
    return list(range(field.low, min(field.high, _EVERY_MONTH_DAYS if name == "day_of_month" else field.high) + 1))


def _digest(seed: str, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{name}".encode(errors="surrogatepass")).digest(), "big")
