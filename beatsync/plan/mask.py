"""Secrets in a plan are masked wherever it is shown, stored or logged, and a change of one still shows as a change."""

from __future__ import annotations

import json
from collections.abc import Sequence

from beatsync.plan.model import Change, FieldChange
from beatsync.specfile.secrets import looks_secret
from beatsync.values import FieldValue

MASK = "***"
_FREE = frozenset({"args", "kwargs", "headers"})
_ABSENT = object()
_in_order = json.JSONEncoder(sort_keys=True).encode


def masked(change: Change) -> Change:
    """Return `change` with every secret in its fields replaced by `***`, and `*** (before)`, `*** (after)` where it differs."""
    fields = tuple(iter(change.fields))  # made only once: to ask how many there are makes them, too
    if not any(f.field in _FREE for f in fields):
        return change._replace(fields=fields)
    return change._replace(fields=masked_fields(fields, change.sensitive), target=None)


def masked_fields(fields: Sequence[FieldChange], sensitive: Sequence[str]) -> tuple[FieldChange, ...]:
    """Return the fields of one row, masked in the same way."""
    return tuple(_masked_field(field, sensitive) for field in fields)


def _masked_field(field: FieldChange, sensitive: Sequence[str]) -> FieldChange:
    if field.field not in _FREE:
        return field
    before, after = _decode(field.before), _decode(field.after)
    whole = field.field in sensitive
    return field._replace(
        before=_encode(field.before, _mask(before, after, "before", field.field, sensitive, secret=whole)),
        after=_encode(field.after, _mask(after, before, "after", field.field, sensitive, secret=whole)),
    )


def _decode(text: FieldValue) -> object:
    if not isinstance(text, str):
        return _ABSENT
    try:
        return json.loads(text)
    except ValueError:
        return _ABSENT


def _encode(text: FieldValue, value: object) -> FieldValue:
    if not isinstance(text, str):
        return text
    # A text that is not JSON cannot be searched for secrets, so all of it is one.
    return f"{MASK} (not JSON)" if value is _ABSENT else _in_order(value)


def _mask(value: object, other: object, side: str, path: str, sensitive: Sequence[str], *, secret: bool) -> object:
    if value is _ABSENT:
        return value
    if secret:
        return MASK if other is _ABSENT or other == value else f"{MASK} ({side})"
    if isinstance(value, dict):
        others = other if isinstance(other, dict) else {}
        return {
            key: _mask(
                item,
                others.get(key, _ABSENT),
                side,
                f"{path}.{key}",
                sensitive,
                secret=looks_secret(key) or f"{path}.{key}" in sensitive,
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        rest = other if isinstance(other, list) else []
        return [
            _mask(
                item,
                rest[index] if index < len(rest) else _ABSENT,
                side,
                f"{path}.{index}",
                sensitive,
                secret=f"{path}.{index}" in sensitive,
            )
            for index, item in enumerate(value)
        ]
    return value
