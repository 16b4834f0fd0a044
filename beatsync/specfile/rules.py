"""Rules: what a value of a spec file may be, and its documentation, in the terms of JSON Schema that the format uses.

A rule is what the published schema says about one value; a test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Union

from beatsync.specfile.scalars import Ambiguous

NO_DEFAULT: Final = object()
KINDS: Final = ("interval", "crontab", "solar", "clocked")
"""The kinds of schedules, each the name of a key."""
_EXCLUSIVE: Final = (frozenset(KINDS), frozenset({"expires", "expire_seconds"}))
EXCLUSIVE_KEYS: Final = frozenset().union(*_EXCLUSIVE)
"""Keys of which a schedule can have only some."""

_TYPES: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        str: frozenset({"string"}),
        bool: frozenset({"boolean"}),
        int: frozenset({"integer", "number"}),
        float: frozenset({"number"}),
        list: frozenset({"array"}),
        dict: frozenset({"object"}),
        type(None): frozenset({"null"}),
    }
)
Choice = Union[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """What the value of a key may be; every limit that is None, empty or False is absent."""

    title: str = ""
    description: str = ""
    example: Any = None
    """A value to propose, if there is one."""
    default: Any = NO_DEFAULT
    """The value if the key is left out, as a spec file would write it."""
    types: frozenset[str] = frozenset()
    """JSON types: string, integer, number, boolean, array, object, null. Empty: `choices` alone decide."""
    type_names: tuple[str, ...] = ()
    """The same in the order in which a message names them, without null."""
    choices: tuple[Choice, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
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
        return not any(limits.get(cls, (self.minimum is not None, self.maximum is not None)))


def rule(types: str, title: str, description: str, example: Any = None, **limits: Any) -> Rule:
    """Return a rule; `types` are the names of JSON types, separated by spaces."""
    names = tuple(types.split())
    shown = tuple(name for name in names if name != "null")
    return Rule(
        title=title, description=description, example=example, types=frozenset(names), type_names=shown, **limits
    )


@lru_cache(maxsize=65_536, typed=True)
def scalar_fault(rule: Rule, value: str | float | None) -> str | None:
    """Return the first limit of a rule that a scalar breaks, by its name in `Rule`; None if it breaks none."""
    if not has_type(rule, value):
        return "types"
    if rule.choices and not any(_is_same(value, choice) for choice in rule.choices):
        return "choices"
    if isinstance(value, str):
        return text_fault(rule, value)
    return None if value is None else _number_fault(rule, value)


def _number_fault(rule: Rule, value: float) -> str | None:
    if rule.minimum is not None and value < rule.minimum:
        return "minimum"
    if rule.maximum is not None and value > rule.maximum:
        return "maximum"
    return None


def text_fault(rule: Rule, value: str) -> str | None:
    """Return the first limit on the length and pattern of a text that it breaks, by its name in `Rule`; None if it breaks none."""
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


def _is_same(value: object, other: object) -> bool:
    """Return whether two scalars are equal in JSON: 1 equals 1.0, but not true."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


@lru_cache(maxsize=1024)
def replaced_keys(keys: frozenset[str]) -> frozenset[str]:
    """Return the keys that a layer with these `EXCLUSIVE_KEYS` removes from the layers below: another kind of schedule, say."""
    groups = [group for group in _EXCLUSIVE if not group.isdisjoint(keys)]
    return frozenset().union(*groups) - keys
