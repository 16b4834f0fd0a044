"""Which inventory entries end with a plan, decided before schedules are matched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from beatsync.plan.observed import Observed
from beatsync.values import Declared, OnRemove


class Removals(NamedTuple):
    """Names of the undeclared entries that end with the plan, by what happens to their rows."""

    renamed: frozenset[str] = frozenset()
    """A schedule takes over the row (`renamed_from`)."""
    deleted: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    """The row stays and is unowned (`on_remove: keep`)."""


def find_removals(
    valid: Iterable[Declared], undeclared: Iterable[str], observed: Observed, *, frozen: bool
) -> Removals:
    """Return how the undeclared entries end; nothing is deleted or kept if `frozen`, since an invalid file may declare it."""
    inventory = observed.inventory
    renamed = frozenset(
        declared.policy.renamed_from
        for declared in valid
        if declared.policy.renamed_from is not None and declared.spec.name not in inventory
    )
    ending = [] if frozen else [inventory[name] for name in undeclared if not inventory[name].policy.protect]
    return Removals(
        renamed,
        deleted=frozenset(entry.name for entry in ending if entry.policy.on_remove is OnRemove.DELETE),
        kept=frozenset(entry.name for entry in ending if entry.policy.on_remove is OnRemove.KEEP),
    )
