"""Structural checks: a document against the rules of its keys, without converting any value.

The checks accept exactly what the published JSON Schema accepts; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any

from beatsync.specfile import wording
from beatsync.specfile.keys import DOCUMENT_RULE
from beatsync.specfile.limits import MAX_ERRORS
from beatsync.specfile.problems import Path, Problem
from beatsync.specfile.rules import EXCLUSIVE_KEYS, KINDS, Rule, has_type, scalar_fault, text_fault

_MAX_CACHED_KEYS = 50
_SCALARS = frozenset({str, int, float, bool, type(None)})


def check(document: Any, number: int) -> list[Problem]:
    """Return the structural problems of the document with this number in its file, at most `MAX_ERRORS`."""
    return list(islice(check_value(DOCUMENT_RULE, (number,), document), MAX_ERRORS))


def check_value(rule: Rule, path: Path, value: Any) -> Iterator[Problem]:
    """Yield the problems of a value and of everything in it."""
    cls = value.__class__
    if cls in rule.unlimited:
        return
    if cls in _SCALARS:
        fault = scalar_fault(rule, value)
        if fault is not None:
            yield wording.scalar_problem(rule, path, value, fault)
    elif not has_type(rule, value):
        yield wording.wrong_type(rule, path, value)
    elif rule.choices:
        yield wording.scalar_problem(rule, path, value, "choices")
    elif cls is dict:
        yield from _check_mapping(rule, path, value)
    elif cls is list:
        yield from _check_list(rule, path, value)


def _check_mapping(rule: Rule, path: Path, value: dict[str, Any]) -> Iterator[Problem]:
    if len(value) < rule.min_items:
        yield wording.empty(rule, path)
    for key in sorted(rule.reserved & value.keys()):
        message = f"beat itself writes the header `{key}`"
        yield Problem((*path, key), "header-reserved", message, "leave it out", on_key=True)
    if rule.keys is not None:
        yield from _check_keys(rule, rule.keys, path, value)
    elif rule.values is not None:
        yield from _check_names(rule, rule.values, path, value)


def _check_keys(rule: Rule, keys: Mapping[str, Rule], path: Path, value: dict[str, Any]) -> Iterator[Problem]:
    problems = list(_combination_problems(rule, keys, path, value))
    yield from problems
    # A second kind is reported once, and its value is not checked.
    second_kinds = {problem.path for problem in problems if problem.code == "kind-twice"}
    for key, item in value.items():
        key_rule = keys.get(key)
        if key_rule is not None and _needs_check(key_rule, item):
            inner = check_value(key_rule, (*path, key), item)
            yield from (problem for problem in inner if problem.path not in second_kinds)


def _combination_problems(rule: Rule, keys: Mapping[str, Rule], path: Path, value: dict[str, Any]) -> Iterator[Problem]:
    """Yield the problems of the keys themselves: unknown, missing, or not allowed together."""
    if len(value) > _MAX_CACHED_KEYS or not _are_allowed(rule, tuple(value)):
        yield from islice(_key_problems(rule, path, value), MAX_ERRORS)
    if len(EXCLUSIVE_KEYS.intersection(value)) > 1 and len(EXCLUSIVE_KEYS.intersection(keys)) > 1:
        # A key that is null counts as missing.
        yield from _exclusive_keys(path, {key for key, item in value.items() if item is not None})


def _needs_check(rule: Rule, value: Any) -> bool:
    """Return False for a value of a class without limits, and for a valid scalar: most values are one of these."""
    cls = value.__class__
    return cls not in rule.unlimited and (cls not in _SCALARS or scalar_fault(rule, value) is not None)


def _check_names(rule: Rule, values: Rule, path: Path, value: dict[str, Any]) -> Iterator[Problem]:
    for name, item in value.items():
        if rule.names is not None and text_fault(rule.names, name) is not None:
            yield wording.name_problem((*path, name), name)
        yield from check_value(values, (*path, name), item)


@lru_cache(maxsize=4096)
def _are_allowed(rule: Rule, keys: tuple[str, ...]) -> bool:
    """Return whether these keys may be combined."""
    return not any(_key_problems(rule, (), keys))


def _key_problems(rule: Rule, path: Path, keys: Collection[str]) -> Iterator[Problem]:
    allowed = rule.keys or {}
    misspelt: set[str | None] = set()
    for key in keys:
        if key not in allowed and not (rule.extensions and key.startswith("x-")):
            problem = wording.unknown_key((*path, key), allowed, is_root=rule.extensions)
            misspelt.add(problem.related_key)
            yield problem
    # A mapping of quite other keys, such as `interval: {hours: 5}`, is reported at these keys only.
    if not keys or any(key in allowed for key in (*keys, *misspelt)):
        yield from _missing_keys(rule, path, {*keys, *misspelt})


def _missing_keys(rule: Rule, path: Path, present: Collection[str | None]) -> Iterator[Problem]:
    """Yield the problems of missing keys; a misspelt key is present, because it is reported once."""
    for key in rule.required:
        if key not in present:
            hint = wording.example(rule)
            yield Problem(path, "missing-key", f"`{key}` is missing", hint, on_key=True, related_key=key)


def _exclusive_keys(path: Path, keys: Collection[str]) -> Iterator[Problem]:
    kinds = [kind for kind in KINDS if kind in keys]
    for first, second in pairwise(kinds):
        message = f"`{first}` and `{second}` exclude each other: a schedule has exactly one kind"
        yield Problem((*path, second), "kind-twice", message, "leave one of them out", on_key=True)
    if "expires" in keys and "expire_seconds" in keys:
        message = "`expires` and `expire_seconds` exclude each other"
        yield Problem((*path, "expire_seconds"), "exclusive-keys", message, "leave one of them out", on_key=True)


def _check_list(rule: Rule, path: Path, value: list[Any]) -> Iterator[Problem]:
    if len(value) < rule.min_items:
        yield wording.empty(rule, path)
    if rule.items is not None:
        for index, item in enumerate(value):
            yield from check_value(rule.items, (*path, index), item)
    seen = set()
    for index, item in enumerate(value if rule.unique else ()):
        identity = _identity(item)
        if identity in seen:
            message = f"{wording.shown(item)} occurs twice"
            yield Problem((*path, index), "item-twice", message, "write it once")
        seen.add(identity)


def _identity(value: Any) -> Any:
    """Return a hashable value that is equal for values that are equal in JSON, where true is not 1."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list):
        return ("list", *map(_identity, value))
    if isinstance(value, dict):
        return ("mapping", frozenset((key, _identity(item)) for key, item in value.items()))
    return value
