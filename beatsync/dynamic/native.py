"""Python values → the values that a spec file would hold: durations, times, celery's schedules, mappings and sequences.

Nothing is checked here but the type: the rules of the spec format apply to what is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils.functional import Promise

from beatsync.specfile.crontab import FIELD_NAMES
from beatsync.specfile.fields import JSON_FIELDS
from beatsync.specfile.jsontext import MAX_DEPTH
from beatsync.specfile.problems import SpecError
from beatsync.specfile.reader import MAX_NODES

_UNCHANGED = frozenset({str, int, bool, float, type(None)})
_DURATIONS = frozenset({"interval", "expire_seconds"})
_MICROSECOND, _SECOND = timedelta(microseconds=1), timedelta(seconds=1)


def spec_value(key: str, value: Any) -> Any:
    """Return the value of a key as a spec file would hold it. Raises SpecError if no file could hold it."""
    if key == "every":
        # A set writes one row for each schedule (`declare`), and windows and calendars are defined in files.
        raise SpecError(
            "unknown-key", "`every` is not available here", "write a crontab, or declare the schedule in a file"
        )
    if value.__class__ in _UNCHANGED:
        return value
    if isinstance(value, timedelta) and key in _DURATIONS:
        return _duration(value)
    if key in JSON_FIELDS:
        document = _json(value, count(1), 1)
        if document.__class__ not in {*_UNCHANGED, list, dict}:
            raise _wrong_type(key, value)
        return document
    return _plain(key, _without_celery(key, value), count(1), 1)


def _json(value: Any, nodes: Iterator[int], depth: int) -> Any:
    """Return a value of Python's as a file would hold it; a class that JSON does not have is refused when it is encoded.

    Raises SpecError for one that no file could hold, such as a list that contains itself.
    """
    _check_size(next(nodes), depth)
    if value.__class__ in _UNCHANGED:
        return value
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _json(item, nodes, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item, nodes, depth + 1) for item in value]
    return value


def _check_size(number: int, depth: int) -> None:
    """Raise SpecError for the value that is one too many, or nested too deeply: a list may contain itself."""
    if number > MAX_NODES:
        raise SpecError("json-depth", f"lists and mappings hold more than {MAX_NODES} values")
    if depth > MAX_DEPTH + 1:
        raise SpecError("json-depth", f"lists and mappings are nested more than {MAX_DEPTH} deep")


def _plain(key: str, value: Any, nodes: Iterator[int], depth: int) -> Any:
    """Return a value made of JSON's types. Raises SpecError."""
    _check_size(next(nodes), depth)
    for cls, convert in _CONVERSIONS:
        if isinstance(value, cls):
            return convert(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(key, item, nodes, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [_plain(key, item, nodes, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(key, item, nodes, depth + 1) for item in value), key=lambda item: (str(type(item)), item))
    raise _wrong_type(key, value)


def _wrong_type(key: str, value: Any) -> SpecError:
    hint = "pass a datetime; expire_seconds takes a duration" if isinstance(value, timedelta) else None
    return SpecError("wrong-type", f"a {type(value).__qualname__} is no value of `{key}`", hint)


def _duration(value: timedelta) -> str:
    return f"{value // _SECOND}s" if not value % _SECOND else f"{value // _MICROSECOND}us"


def _time(value: datetime) -> str:
    """Return a time as text: an aware one in UTC, a naive one as local time in the zone of the schedule."""
    try:
        return (value if value.tzinfo is None else value.astimezone(timezone.utc)).isoformat()
    except OverflowError:
        # The rules of the spec format refuse it.
        return value.isoformat()


_CONVERSIONS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((bool, type(None)), lambda value: value),
    (str, str.__str__),
    (Promise, str),
    (int, int),
    ((float, Decimal), float),
    (datetime, _time),
    (date, date.isoformat),
    (tzinfo, str),
)
"""The first class that fits decides: a boolean is also an integer, and a datetime also a date."""


def _without_celery(key: str, value: Any) -> Any:
    """Return celery's own schedule as the value of its key; another value unchanged."""
    if isinstance(value, (str, int, dict)) or key not in {"interval", "crontab", "solar"}:
        return value
    from celery import schedules

    if key == "crontab" and isinstance(value, schedules.crontab):
        fields: dict[str, Any] = {name: getattr(value, f"_orig_{name}") for name in FIELD_NAMES}
        zone = vars(value).get("tz")  # only django-celery-beat's crontab has one of its own
        return {**fields, "timezone": str(zone)} if zone is not None else fields
    if key == "solar" and isinstance(value, schedules.solar):
        return {"event": value.event, "latitude": value.lat, "longitude": value.lon}
    is_interval = isinstance(value, schedules.schedule) and not isinstance(value, schedules.crontab)
    return _duration(value.run_every) if key == "interval" and is_interval else value
