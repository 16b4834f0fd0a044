"""Masking: every secret is replaced wherever a plan is shown, stored or logged, and a changed secret still shows as changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import NoneType
from typing import Any

from beatsync.plan.model import Change, FieldChange
from beatsync.specfile.fields import JSON_FIELDS
from beatsync.specfile.shapes import MASK, decode_container, hidden_keys, hidden_positions, mask_text
from beatsync.values import FieldValue

_ABSENT = object()
_encode_sorted = json.JSONEncoder(sort_keys=True).encode
_encode_unescaped = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def masked(change: Change) -> Change:
    """Return `change` with every secret in it replaced by `***`, or by `*** (before)` and `*** (after)` if it differs."""
    return change._replace(
        name=mask_text(change.name),
        note=change.note and mask_text(change.note),
        field_changes=masked_fields(change.fields, change.sensitive),
        target=None,
        group=change.group and mask_text(change.group),
        clauses=change.clauses and mask_text(change.clauses),
    )


def masked_fields(fields: Sequence[FieldChange], sensitive: Sequence[str]) -> tuple[FieldChange, ...]:
    """Return the field changes of one row with every secret replaced in the same way."""
    return tuple(_masked_field(field, sensitive) for field in fields)


def _masked_field(field: FieldChange, sensitive: Sequence[str]) -> FieldChange:
    if field.field not in JSON_FIELDS:
        return field._replace(
            before=_mask_leaf(field.before, field.after, "before"), after=_mask_leaf(field.after, field.before, "after")
        )
    before, after = _decode(field.before), _decode(field.after)
    return field._replace(
        before=_encode(field.before, _mask(before, after, "before", field.field, sensitive)),
        after=_encode(field.after, _mask(after, before, "after", field.field, sensitive)),
    )


def _mask_leaf(value: Any, other: object, side: str) -> Any:
    """Return a text without its secrets. Two texts that differ only in secrets still differ."""
    if not isinstance(value, str):
        return value
    text = mask_text(value)
    if text != value and isinstance(other, str) and other != value and mask_text(other) == text:
        return f"{text} ({side})"
    return text


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
    return f"{MASK} (not JSON)" if value is _ABSENT else _readable(value)


def _readable(value: object) -> str:
    """Return JSON with the characters as they are, but ASCII if half of a surrogate pair is in it: UTF-8 cannot encode that."""
    text = _encode_unescaped(value)
    return _encode_sorted(value) if any("\ud800" <= c <= "\udfff" for c in text) else text


def _mask(value: object, other: object, side: str, path: str, sensitive: Sequence[str]) -> object:
    """Return `value`, which is at the dotted `path`, without its secrets; `other` is the value on the other side."""
    if value is _ABSENT:
        return value
    if path in sensitive:
        return _hidden(value, other, side)
    if isinstance(value, dict):
        others = other if isinstance(other, dict) else {}
        # A value stays hidden on both sides if a name beside it makes it a secret on one of them.
        hidden = hidden_keys(value) | hidden_keys(others)
        return _masked_items(value.items(), others, hidden, side, path, sensitive)
    if isinstance(value, list):
        numbered = dict(enumerate(other)) if isinstance(other, list) else {}
        hidden = hidden_positions(value) | hidden_positions(list(numbered.values()))
        return list(_masked_items(enumerate(value), numbered, hidden, side, path, sensitive).values())
    if isinstance(value, str) and decode_container(value) is not None:
        document, counterpart = decode_container(value), decode_container(other) if isinstance(other, str) else None
        masked_document = _mask(document, counterpart, side, path, sensitive)
        return value if masked_document == document else _readable(masked_document)
    return _mask_leaf(value, other, side)


def _masked_items(
    items: Iterable[tuple[Any, object]],
    others: Mapping[Any, object],
    hidden: AbstractSet[Any],
    side: str,
    path: str,
    sensitive: Sequence[str],
) -> dict[Any, object]:
    """Return the items of a mapping or a list by key, masked."""
    result: dict[Any, object] = {}
    for key, value in items:
        other = others.get(key, _ABSENT)
        is_hidden = key in hidden and not isinstance(value, (bool, NoneType))
        shown = mask_text(key) if isinstance(key, str) else key
        result[shown] = (
            _hidden(value, other, side) if is_hidden else _mask(value, other, side, f"{path}.{key}", sensitive)
        )
    return result


def _hidden(value: object, other: object, side: str) -> str:
    return f"{MASK} ({side})" if other not in (_ABSENT, value) else MASK
