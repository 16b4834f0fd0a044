"""A quick verdict: whether the published schema surely finds nothing wrong with a document.

jsonschema takes 300 µs for a schedule. It is asked all the same, but once for what is seen again and again: which keys stand
together, and what each value is. The schema never speaks of two values at once, so these two are all that it speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from beatsync.spec.published import NAMES, read_schema, validator

_NAME = re.compile(r"(?!celery\.)[!-~](?:[ -~]{0,198}[!-~])?")
"""Names of schedules that pass for sure: ASCII, no white space at the ends, at most 200 characters."""
_NESTED = frozenset({"interval", "crontab", "solar", "sync"})
"""Mappings with keys of their own, each described under its name in the schema's `$defs`."""
_ROOT = ""
_ANNOTATIONS = frozenset({"title", "description", "examples", "default", "type"})
_CLASSES = {"string": str, "array": list, "object": dict}


def passes(document: Any) -> bool:
    """Return True where the schema finds nothing wrong; False where it does, or where only jsonschema itself can tell."""
    if document.__class__ is not dict:
        return False
    own = {key: value for key, value in document.items() if not key.startswith("x-")}
    schedules = own.get("schedules")
    if schedules.__class__ is not dict or not _keys_pass(_ROOT, tuple(own)):
        return False
    if "version" in own and not _value_passes(_ROOT, "version", own["version"]):
        return False
    if "defaults" in own and not _mapping_passes("defaults", own["defaults"]):
        return False
    fits = _NAME.fullmatch
    return all(fits(name) and _mapping_passes("schedule", body) for name, body in schedules.items())


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
        elif kind is dict and key in _NESTED:
            good = _mapping_passes(key, value)
        elif kind is dict and key == "environments":
            good = _value_passes(where, key, {name: {} for name in value}) and all(
                _mapping_passes("environment", inner) for inner in value.values()
            )
        else:
            good = _value_passes(where, key, value)
        if not good:
            return False
    return True


@lru_cache(maxsize=4096)
def _keys_pass(where: str, keys: tuple[str, ...]) -> bool:
    """Whether these keys may stand together, whatever their values are."""
    schema = _schema(where)
    loose = {**schema, "properties": dict.fromkeys(schema["properties"], True)}
    return bool(validator().evolve(schema=loose).is_valid(dict.fromkeys(keys)))


@cache
def _free(where: str) -> Mapping[str, frozenset[type]]:
    """Return by key the classes of which the schema takes every value."""
    return {key: _all_taken(_resolved(schema)) for key, schema in _schema(where)["properties"].items()}


def _all_taken(schema: Mapping[str, Any]) -> frozenset[type]:
    if schema.keys() - _ANNOTATIONS:
        return frozenset()
    kinds = schema["type"]
    return frozenset(_CLASSES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind in _CLASSES)


@lru_cache(maxsize=65_536)
def _text_passes(where: str, key: str, value: str) -> bool:
    return bool(_of_key(where, key).is_valid(value))


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
    return validator().evolve(schema=_resolved(_schema(where)["properties"][key]))


def _schema(where: str) -> dict[str, Any]:
    root = read_schema(NAMES[0])
    schema: dict[str, Any] = root["$defs"][where] if where else root
    return schema


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow the reference that a schema may be, with what stands beside it."""
    reference = schema.get("$ref")
    if not reference:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_schema(reference.rpartition("/")[2]), **beside}
