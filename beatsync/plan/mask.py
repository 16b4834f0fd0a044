"""Masking: every secret is replaced wherever a plan is shown, stored or logged, and a changed secret still shows as changed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from beatsync.plan.model import Change, FieldChange
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.specfile.secrets import looks_secret
from beatsync.values import FieldValue

MASK = "***"
_JSON_FIELDS = frozenset(field.name for field in FIELD_TABLE if field.is_json)
_ABSENT = object()
_encode_sorted = json.JSONEncoder(sort_keys=True).encode


def masked(change: Change) -> Change:
    """Return `change` with every secret in its fields replaced by `***`, or by `*** (before)` and `*** (after)` if it differs."""
    fields = masked_fields(change.fields, change.sensitive)
    return change._replace(field_changes=fields, target=None)


def masked_fields(fields: Sequence[FieldChange], sensitive: Sequence[str]) -> tuple[FieldChange, ...]:
    """Return the field changes of one row with every secret replaced in the same way."""
    return tuple(_masked_field(field, sensitive) if field.field in _JSON_FIELDS else field for field in fields)


def _masked_field(field: FieldChange, sensitive: Sequence[str]) -> FieldChange:
    before, after = _decode(field.before), _decode(field.after)
    return field._replace(
        before=_encode(field.before, _mask(before, after, "before", field.field, sensitive)),
        after=_encode(field.after, _mask(after, before, "after", field.field, sensitive)),
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
    # A text that is not JSON cannot be searched for secrets, so all of it is treated as one.
    return f"{MASK} (not JSON)" if value is _ABSENT else _encode_sorted(value)


def _mask(value: object, other: object, side: str, path: str, sensitive: Sequence[str], key: str = "") -> object:
    """Return `value`, which is at the dotted `path` and under `key`, without its secrets; `other` is the value on the other side."""
    if value is _ABSENT:
        return value
    if path in sensitive or looks_secret(key):
        return f"{MASK} ({side})" if other not in (_ABSENT, value) else MASK
    if isinstance(value, dict):
        others = other if isinstance(other, dict) else {}
        return {
            name: _mask(item, others.get(name, _ABSENT), side, f"{path}.{name}", sensitive, key=name)
            for name, item in value.items()
        }
    if isinstance(value, list):
        numbered = dict(enumerate(other)) if isinstance(other, list) else {}
        return [
            _mask(item, numbered.get(index, _ABSENT), side, f"{path}.{index}", sensitive)
            for index, item in enumerate(value)
        ]
    return value
