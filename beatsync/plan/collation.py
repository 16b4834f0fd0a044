"""Names that a database's collation treats as the same name (docs/facts.md, 13)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from beatsync.plan.observed import NameRule

_LAST_WEIGHED, _REPLACEMENT = "\uffff", "\ufffd"
"""The default collation of MariaDB takes all characters behind the first for the second."""


def collation_key(name: str, rule: NameRule) -> str:
    """Return a key that is equal for two names if a database with this rule treats them as the same name."""
    return _keys([name], rule)[0]


def _keys(names: list[str], rule: NameRule) -> list[str]:
    if rule is NameRule.EXACT:
        return names
    if rule is NameRule.LETTERS:
        names = [name if name.isascii() else _without_accents(name) for name in names]
    return [name.rstrip(" ").casefold() for name in names]


def _without_accents(name: str) -> str:
    """Return a name as older collations weigh it: without accents, and with one sign for all characters such as emoji."""
    letters = (char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))
    return "".join(char if char <= _LAST_WEIGHED else _REPLACEMENT for char in letters)


def collisions(names: Iterable[str], rule: NameRule) -> Mapping[str, frozenset[str]]:
    """Return each name that a database with this rule treats as the same as others, with those other names. `names` are distinct."""
    if rule is NameRule.EXACT:
        return {}
    names = list(names)
    keys = _keys(names, rule)
    if len(set(keys)) == len(names):
        return {}
    groups: dict[str, list[str]] = {}
    for key, name in zip(keys, names, strict=True):
        groups.setdefault(key, []).append(name)
    return {name: frozenset(group) - {name} for group in groups.values() if len(group) > 1 for name in group}
