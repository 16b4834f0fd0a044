"""A changed field in words: values as a spec file spells them, and only the differing keys of a mapping."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from beatsync.plan.model import FieldChange
from beatsync.report.escape import one_line
from beatsync.values import FieldValue

_UNQUOTED = frozenset(
    {
        "interval", "crontab", "timezone", "solar", "clocked", "task", "expires", "start_time", "args", "kwargs",
        "headers",
    }
)  # fmt: skip
"""Fields whose text a spec file spells without quotes, or that are JSON already."""
_MAPPINGS = frozenset({"kwargs", "headers"})
_MAX_LABEL = 40
"""Characters up to which labels are aligned; longer ones stand out."""
_NONE = "none"
_ABSENT = object()
_encode = json.JSONEncoder(ensure_ascii=False).encode


class FieldLine(NamedTuple):
    """One line of a change; `label` is the field's name, or the path of a key inside it such as `kwargs.dry_run`."""

    label: str
    before: str
    after: str
    change: FieldChange


def field_lines(changes: Iterable[FieldChange]) -> Iterator[FieldLine]:
    """Yield one line per changed field, or per differing key where both values are mappings. Secrets must be masked already."""
    for change in changes:
        before, after = _mapping(change, change.before), _mapping(change, change.after)
        keys = [] if before is None or after is None else list(_differing(change.field, before, after))
        if not keys:
            yield FieldLine(
                change.field, value_text(change.field, change.before), value_text(change.field, change.after), change
            )
        for path, old, new in keys:
            yield FieldLine(one_line(path), _item_text(old), _item_text(new), change)


def value_text(field: str, value: FieldValue) -> str:
    """Return a field's value as a spec file spells it; `none` for None."""
    if value is None:
        return _NONE
    if field in _UNQUOTED and isinstance(value, str):
        return one_line(value) or '""'
    return one_line(_encode(value))


def label_width(labels: Iterable[str]) -> int:
    """Return the width in characters to which labels are padded."""
    return min(max(map(len, labels), default=0), _MAX_LABEL)


def _mapping(change: FieldChange, value: FieldValue) -> dict[str, Any] | None:
    """Return the mapping that a field holds as JSON; None for other fields and other values."""
    if change.field not in _MAPPINGS or not isinstance(value, str):
        return None
    try:
        document = json.loads(value)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _differing(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in sorted({**before, **after}):
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(f"{path}.{key}", old, new)
        elif _item_text(old) != _item_text(new):
            yield f"{path}.{key}", old, new


def _item_text(value: Any) -> str:
    return _NONE if value is _ABSENT else one_line(_encode(value))
