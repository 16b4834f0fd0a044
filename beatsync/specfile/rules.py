"""Rules: what a value of a spec file may be, in the terms of JSON Schema.

A test compares the rules with the published schema, which alone contains titles, descriptions and defaults.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Union

from beatsync.specfile.scalars import Ambiguous

KINDS: Final = ("interval", "crontab", "solar", "clocked", "every")
"""The kinds of schedules, each the name of a key."""
_EXCLUSIVE: Final = (frozenset(KINDS), frozenset({"expires", "expire_seconds"}))
EXCLUSIVE_KEYS: Final = frozenset().union(*_EXCLUSIVE)
"""Keys of which a schedule can have only some."""

_TYPES: Final[Mapping[type, frozenset[str]]] = {
    cls: frozenset(names.split())
    for cls, names in {
        str: "string", bool: "boolean", int: "integer number", float: "number", list: "array", dict: "object", type(None): "null",
    }.items()
}  # fmt: skip
Choice = Union[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """What the value of a key may be; a limit that is None, empty, False or infinite is absent."""

    example: Any = None
    """A value to propose, if there is one."""
    types: tuple[str, ...] = ()
    """JSON types: string, integer, number, boolean, array, object, null. Empty: `choices` alone decide."""
    choices: tuple[Choice, ...] = ()
    minimum: float = -math.inf
    maximum: float = math.inf
    min_length: int = 0
    max_length: int | None = None
    pattern: re.Pattern[str] | None = None
    items: Rule | None = None
    """What each item of a list may be; None: anything."""
    min_items: int = 0
    """Of a list, or the keys of a mapping."""
    unique: bool = False
    keys: Mapping[str, Rule] | None = None
    """The keys that a mapping may have; None: any."""
    names: Rule | None = None
    """What the keys of a mapping may be, if they are names."""
    values: Rule | None = None
    """What the values of a mapping may be, if its keys are names."""
    extensions: bool = False
    """Whether a mapping may have any key that begins with `x-`."""
    required: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset()
    """Keys that a mapping must not have."""
    unlimited: frozenset[type] = field(init=False)
    """The classes of which every value is allowed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "unlimited", frozenset(cls for cls in _TYPES if self._allows_all(cls)))

    def _allows_all(self, cls: type) -> bool:
        if self.choices or _TYPES[cls].isdisjoint(self.types):
            return False
        limits: dict[type, tuple[Any, ...]] = {
            str: (self.min_length, self.max_length, self.pattern),
            list: (self.items, self.min_items, self.unique),
            dict: (self.keys, self.names, self.values, self.min_items, self.reserved),
        }
        return not any(limits.get(cls, (math.isfinite(self.minimum), math.isfinite(self.maximum))))


def rule(types: str, example: Any = None, **limits: Any) -> Rule:
    """Return a rule; `types` are the names of JSON types, separated by spaces."""
    return Rule(example=example, types=tuple(types.split()), **limits)


@lru_cache(maxsize=65_536, typed=True)
def scalar_fault(rule: Rule, value: str | float | None) -> str | None:
    """Return the first limit of a rule that a scalar breaks, by its name in `Rule`; None if it breaks none."""
    if not has_type(rule, value):
        return "types"
    # In JSON 1 equals 1.0, but not true.
    if rule.choices and (isinstance(value, bool) or value not in rule.choices):
        return "choices"
    if isinstance(value, str):
        return text_fault(rule, value)
    if value is None or rule.minimum <= value <= rule.maximum:
        return None
    return "minimum" if value < rule.minimum else "maximum"


def text_fault(rule: Rule, value: str) -> str | None:
    """Return the first limit on the length and pattern of a text that it breaks, as `scalar_fault` does."""
    if len(value) < rule.min_length:
        return "min_length"
    if rule.max_length is not None and len(value) > rule.max_length:
        return "max_length"
    if rule.pattern is not None and not rule.pattern.search(value):
        return "pattern"
    return None


def has_type(rule: Rule, value: object) -> bool:
    """Return whether a value has a type that a rule allows; `yes` and `no` are booleans, as in YAML."""
    types = rule.types
    if not types:
        return True
    if isinstance(value, Ambiguous):
        return value.truth is not None and "boolean" in types
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return True
    return not _TYPES[value.__class__].isdisjoint(types)


@lru_cache(maxsize=1024)
def replaced_keys(keys: frozenset[str]) -> frozenset[str]:
    """Return the keys that a layer with these `EXCLUSIVE_KEYS` removes from the layers below: another kind of schedule, say."""
    groups = [group for group in _EXCLUSIVE if not group.isdisjoint(keys)]
    return frozenset().union(*groups) - keys
