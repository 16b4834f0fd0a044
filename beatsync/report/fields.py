"""A changed field in words: its value as a spec file would write it, and of a mapping only what differs inside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from beatsync.plan.model import FieldChange
from beatsync.report.paint import clean
from beatsync.values import FieldValue

_AS_THEY_ARE = frozenset(
    {
        "interval", "crontab", "timezone", "solar", "clocked", "task", "expires", "start_time", "args", "kwargs",
        "headers",
    }
)  # fmt: skip
_MAPPINGS = frozenset({"kwargs", "headers"})
WIDEST = 40
"""Characters of a label that others are set in line with."""
_NOTHING = "none"
_ABSENT = object()
_quoted = json.JSONEncoder(ensure_ascii=False).encode


class Shown(NamedTuple):
    """One line of a change."""

    label: str
    before: str
    after: str
    field: FieldChange


def changed(fields: Iterable[FieldChange]) -> Iterator[Shown]:
    """Yield, of fields whose secrets are masked, what differs: of a mapping that was one before each key, such as `kwargs.dry_run`."""
    for field in fields:
        before, after = _mapping(field, field.before), _mapping(field, field.after)
        inside = [] if before is None or after is None else [*_differing(field.field, before, after)]
        if not inside:
            yield Shown(field.field, value(field.field, field.before), value(field.field, field.after), field)
        for path, old, new in inside:
            yield Shown(clean(path), _item(old), _item(new), field)


def value(name: str, given: FieldValue) -> str:
    """Return a field's value as a spec file would write it; `none` where there is none."""
    if given is None:
        return _NOTHING
    if name in _AS_THEY_ARE and isinstance(given, str):
        return clean(given) or '""'
    return clean(_quoted(given))


def _mapping(field: FieldChange, given: FieldValue) -> dict[str, Any] | None:
    if field.field not in _MAPPINGS or not isinstance(given, str):
        return None
    try:
        found = json.loads(given)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _differing(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in sorted({**before, **after}):
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(f"{path}.{key}", old, new)
        elif _item(old) != _item(new):
            yield f"{path}.{key}", old, new


def _item(given: Any) -> str:
    return _NOTHING if given is _ABSENT else clean(_quoted(given))
