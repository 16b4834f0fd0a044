"""A quick verdict: whether the published schema surely finds nothing wrong with a document.

jsonschema takes 300 µs for a schedule, and 60 ms to be imported. The schema never speaks of two values at once, so which keys
stand together and what each value is are all that it speaks of. What is simple in it is read from it here; anything else
jsonschema is asked, once for each value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from math import inf
from typing import Any

from beatsync.published import NAMES, read_schema, validator

_NAME = re.compile(r"(?!celery\.)[!-~](?:[ -~]{0,198}[!-~])?")
"""Names of schedules that pass for sure: ASCII, no white space at the ends, at most 200 characters."""
_NESTED = frozenset({"interval", "crontab", "solar", "sync"})
"""Mappings with keys of their own, each described under its name in the schema's `$defs`."""
_ROOT = ""
_SAYS_NOTHING = frozenset({"title", "description", "examples", "default"})
_TYPES: dict[str, type] = {"string": str, "array": list, "object": dict, "boolean": bool, "null": type(None)}
_ALL_TYPES = (*_TYPES, "integer", "number")
_OF_TEXTS = frozenset({"minLength", "maxLength", "pattern"})
_OF_NUMBERS = frozenset({"minimum", "maximum"})
_OF_LISTS = frozenset({"items", "minItems", "uniqueItems"})
_OF_MAPPINGS = frozenset({"properties", "additionalProperties", "required", "propertyNames", "minProperties"})
_BESIDE = {str: _OF_TEXTS, list: _OF_LISTS, dict: _OF_MAPPINGS, int: _OF_NUMBERS}
_OF_SOME = frozenset().union(*_BESIDE.values())
"""Words of a schema that speak of values of one class only."""


def passes(document: Any) -> bool:
    """Return True where the schema finds nothing wrong; False where it does, or where only jsonschema itself can tell."""
    if document.__class__ is not dict:
        return False
    schedules = document.get("schedules")
    if schedules.__class__ is not dict or not _root_keys_pass(tuple(document)):
        return False
    if "version" in document and not _constant_passes(_ROOT, "version", document["version"]):
        return False
    if "defaults" in document and not _mapping_passes("defaults", document["defaults"]):
        return False
    fits = _NAME.fullmatch
    for name, body in schedules.items():  # noqa: SIM110  a generator costs as much as a schedule
        if not fits(name) or not _mapping_passes("schedule", body):
            return False
    return True


def _mapping_passes(where: str, body: Any) -> bool:
    if body.__class__ is not dict or not _keys_pass(where, tuple(body)):
        return False
    free = _free(where)
    for key, value in body.items():
        kind = value.__class__
        if kind in free[key]:
            continue
        if kind is str:
            good = _text_passes(where, key, value)
        elif kind is int or kind is float:
            good = _number_passes(where, key, value)
        elif kind is dict:
            good = _inner_passes(where, key, value)
        elif kind is list:
            good = _list_fits(_schema_of(where, key), value) or _value_passes(where, key, value)
        else:
            good = _value_passes(where, key, value)
        if not good:
            return False
    return True


def _inner_passes(where: str, key: str, value: dict[str, Any]) -> bool:
    if key in _NESTED:
        return _mapping_passes(key, value)
    if key == "environments":
        names = _schema_of(where, key)["propertyNames"]
        return (
            all(_text_fits(names, name) for name in value) or _value_passes(where, key, {name: {} for name in value})
        ) and all(_mapping_passes("environment", inner) for inner in value.values())
    schema = _schema_of(where, key)
    is_loose = _words(schema, dict) == {"properties"} and "object" in _types(schema)
    return (is_loose and value.keys().isdisjoint(schema["properties"])) or _value_passes(where, key, value)


@lru_cache(maxsize=4096)
def _root_keys_pass(keys: tuple[str, ...]) -> bool:
    return _keys_pass(_ROOT, tuple(key for key in keys if not key.startswith("x-")))


@lru_cache(maxsize=4096)
def _keys_pass(where: str, keys: tuple[str, ...]) -> bool:
    """Whether these keys may stand together, whatever their values are."""
    schema, given = _schema(where), frozenset(keys)
    return (
        given <= schema["properties"].keys()
        and given.issuperset(schema.get("required", ()))
        and len(given) >= schema.get("minProperties", 0)
        and all(
            given.isdisjoint(excluded["properties"])
            for key, excluded in schema.get("dependentSchemas", {}).items()
            if key in given
        )
    )


@cache
def _free(where: str) -> Mapping[str, frozenset[type]]:
    """Return by key the classes of which the schema takes every value."""
    schemas = {key: _schema_of(where, key) for key in _schema(where)["properties"]}
    return {
        key: frozenset(_TYPES[kind] for kind in _types(schema) if kind in _TYPES and not _words(schema, _TYPES[kind]))
        for key, schema in schemas.items()
    }


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    given = schema.get("type", _ALL_TYPES)
    return [given] if isinstance(given, str) else given


def _words(schema: Mapping[str, Any], kind: type) -> AbstractSet[str]:
    """Return the words by which a schema limits the values of a class, beside `type`."""
    return schema.keys() - _SAYS_NOTHING - {"type"} - (_OF_SOME - _BESIDE.get(kind, frozenset()))


@lru_cache(maxsize=65_536)
def _text_passes(where: str, key: str, value: str) -> bool:
    return _text_fits(_schema_of(where, key), value) or _value_passes(where, key, value)


def _text_fits(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a schema surely takes a text."""
    if value.__class__ is not str or _words(schema, str) - _OF_TEXTS - {"enum"}:
        return False
    low, high = schema.get("minLength", 0), schema.get("maxLength", len(value))
    return (
        "string" in _types(schema)
        and low <= len(value) <= high
        and value in schema.get("enum", (value,))
        and ("pattern" not in schema or bool(re.search(schema["pattern"], value)))
    )


def _list_fits(schema: Mapping[str, Any], value: list[Any]) -> bool:
    """Whether a schema surely takes a list, of texts and of numbers of which it takes every one."""
    if _words(schema, list) - _OF_LISTS or "array" not in _types(schema) or len(value) < schema.get("minItems", 0):
        return False
    items = schema.get("items", {})
    texts = [item for item in value if item.__class__ is str]
    are_numbers = "integer" in _types(items) and not _words(items, int)
    return (
        all(_text_fits(items, text) for text in texts)
        and all(item.__class__ is str or (are_numbers and item.__class__ is int) for item in value)
        # Numbers and texts are never equal, but only of texts a set tells what JSON does.
        and (not schema.get("uniqueItems") or len({*texts}) == len(value))
    )


def _constant_passes(where: str, key: str, value: Any) -> bool:
    # What is written as 1 is one; whether 1.0 is, or true, jsonschema is asked.
    return repr(value) == repr(_schema_of(where, key)["const"]) or _value_passes(where, key, value)


def _number_passes(where: str, key: str, value: float) -> bool:
    low, high = _limits(where, key, is_whole=value.__class__ is int)
    return low <= value <= high or _value_passes(where, key, value)


@cache
def _limits(where: str, key: str, *, is_whole: bool) -> tuple[float, float]:
    """Return the least and the greatest of the numbers, whole or not, of which the schema surely takes every one."""
    schema = _schema_of(where, key)
    is_taken = "number" in _types(schema) or (is_whole and "integer" in _types(schema))
    if not is_taken or _words(schema, int) - _OF_NUMBERS:
        return inf, -inf
    return schema.get("minimum", -inf), schema.get("maximum", inf)


_verdicts: dict[tuple[str, str, str], bool] = {}
_VERDICTS_SIZE = 16_384


def _value_passes(where: str, key: str, value: Any) -> bool:
    # Its `repr` tells 1 from True and from 1.0, which are one key to a dict.
    known = (where, key, repr(value))
    verdict = _verdicts.get(known)
    if verdict is None:
        if len(_verdicts) >= _VERDICTS_SIZE:
            _verdicts.clear()
        verdict = _verdicts[known] = bool(_of_key(where, key).is_valid(value))
    return verdict


@cache
def _of_key(where: str, key: str) -> Any:
    return validator().evolve(schema=_schema_of(where, key))


def _schema(where: str) -> dict[str, Any]:
    root = read_schema(NAMES[0])
    schema: dict[str, Any] = root["$defs"][where] if where else root
    return schema


@cache
def _schema_of(where: str, key: str) -> dict[str, Any]:
    """Follow the reference that the schema of a key may be, with what stands beside it."""
    schema: dict[str, Any] = _schema(where)["properties"][key]
    reference = schema.get("$ref")
    if not reference:
        return schema
    beside = {word: value for word, value in schema.items() if word != "$ref"}
    return {**_schema(reference.rpartition("/")[2]), **beside}
