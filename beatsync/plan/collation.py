"""Names that a database's collation takes for one (docs/facts.md, 13)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping

from beatsync.plan.observed import NameRule


def collation_key(name: str, rule: NameRule) -> str:
    """Return a key that two names share if a database with this rule takes them for one."""
    if rule is NameRule.EXACT:
        return name
    if rule is NameRule.LETTERS and not name.isascii():
        name = "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))
    return name.rstrip(" ").casefold()


def collisions(names: Collection[str], rule: NameRule) -> Mapping[str, frozenset[str]]:
    """Return, for each name that a database with this rule does not tell apart from all others, those other names."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(collation_key(name, rule), []).append(name)
    return {name: frozenset(group) - {name} for group in groups.values() if len(group) > 1 for name in group}
