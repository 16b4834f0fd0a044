"""JSON as canonical text: equal values have equal texts.

`args`, `kwargs` and `headers` are text columns that beat decodes with kombu's `loads` and sends. So the text is spelled as kombu's
`dumps` spells it, and holds nothing that `loads` would turn into something else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]
from typing import Any

from beatsync.specfile.problems import SpecError

MAX_DEPTH = 100
"""Levels of lists and objects; Python's own decoder, and so beat's, takes many more."""

_ENCODER = json.JSONEncoder(sort_keys=True, allow_nan=False, ensure_ascii=True, separators=(", ", ": "))
# `encode` builds this for each value, which takes as long as encoding a small one. Not every Python has it.
_pieces: Callable[[object, int], Iterable[str]] | None = c_make_encoder and c_make_encoder(
    None, _ENCODER.default, encode_basestring_ascii, None, ": ", ", ", True, False, False
)
_MEMO_LENGTH = 1024  # longer texts are rarely shared, and a cache of them would be large
_SCALARS = (str, int, float, type(None))
_UNLIMITED = frozenset({bool, int, type(None)})
"""Classes of which JSON can hold every value."""


def canonical(value: object) -> str:
    """Return a JSON value as text with sorted keys, in ASCII; equal values give equal texts.

    Raises SpecError for a value that JSON cannot hold (NaN, a key that is not a string, a date…), and for one that kombu would
    decode to something else.
    """
    _check(value)
    return _encode(value)


def normalise(text: str | None, empty: str) -> str:
    """Return a column's JSON text in canonical form; None and empty text become `empty`, text that is not JSON is unchanged."""
    if not text:
        return empty
    if text in ("{}", "[]"):
        return text
    return _normalised_short(text) if len(text) <= _MEMO_LENGTH else _normalised(text)


def _normalised(text: str) -> str:
    try:
        value = json.loads(text)
        if "__type__" in text or "\\u" in text:
            # Only such a text can hold what canonical text must not, and the check costs more than the rest.
            _check(value)
        return _encode(value)
    except (ValueError, RecursionError):
        return text


_normalised_short = lru_cache(maxsize=65536)(_normalised)


def _encode(value: object) -> str:
    try:
        return "".join(_pieces(value, 0)) if _pieces else _ENCODER.encode(value)
    except ValueError as error:
        raise SpecError("json-number", f"a number that JSON text cannot hold: {error}") from error


def _check(root: object) -> None:
    """Raise SpecError for the first value that JSON cannot hold. Does not recurse, so that a deep value cannot end it."""
    stack: list[tuple[object, int]] = [(root, 1)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, dict):
            _check_keys(value)
            children: Iterable[object] = value.values()
        elif isinstance(value, (list, tuple)):
            children = value
        else:
            _check_scalar(value)
            continue
        if depth > MAX_DEPTH:
            raise SpecError("json-depth", f"lists and mappings are nested more than {MAX_DEPTH} deep")
        for child in children:
            if child.__class__ is str:
                _check_text(child)
            elif child.__class__ not in _UNLIMITED:
                stack.append((child, depth + 1))


def _check_keys(mapping: dict[Any, object]) -> None:
    for key in mapping:
        if not isinstance(key, str):
            raise SpecError("json-key", f"the key {key!r} is not a string", f'put it in quotes: "{key}"')
        _check_text(key)
    if "__type__" in mapping and "__value__" in mapping:
        message = "a mapping with both __type__ and __value__ would reach the task as a Python object"
        hint = "rename one of the two keys, or pass the plain value and convert it in the task"
        raise SpecError("json-kombu-type", message, hint)


def _check_scalar(value: object) -> None:
    if not isinstance(value, _SCALARS):
        message = f"JSON has no {type(value).__name__}: {str(value)[:60]}"
        raise SpecError("json-type", message, "put it in quotes to pass it as text")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise SpecError("json-number", f"JSON has no {value!r}", "use null, or a string")


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"half a surrogate pair, U+{ord(text[error.start]):04X}, is not a character"
        raise SpecError("json-surrogate", message) from error
