"""Which inventory entries and names end with a plan, decided before schedules are matched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from beatsync.plan.collation import collisions
from beatsync.plan.observed import NameRule, Observed
from beatsync.plan.ownership import Ownership
from beatsync.values import Declared, OnRemove


class Removals(NamedTuple):
    """Names of the undeclared entries that end with the plan, by what happens to their rows."""

    renamed: frozenset[str] = frozenset()
    """A schedule takes over the row (`renamed_from`)."""
    deleted: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    """The row stays and is unowned (`on_remove: keep`)."""


def find_removals(
    valid: Iterable[Declared], undeclared: Iterable[str], observed: Observed, *, isolated: bool
) -> Removals:
    """Return how the undeclared entries end; nothing is deleted or kept if `isolated`, since an invalid file may declare it."""
    inventory = observed.inventory
    renamed = frozenset(
        declared.policy.renamed_from
        for declared in valid
        if declared.policy.renamed_from is not None and declared.spec.name not in inventory
    )
    ending = [] if isolated else [inventory[name] for name in undeclared if not inventory[name].policy.protect]
    return Removals(
        renamed,
        deleted=frozenset(entry.name for entry in ending if entry.policy.on_remove is OnRemove.DELETE),
        kept=frozenset(entry.name for entry in ending if entry.policy.on_remove is OnRemove.KEEP),
    )


def find_collisions(
    declared: frozenset[str], observed: Observed, ownership: Ownership, removals: Removals
) -> Mapping[str, frozenset[str]]:
    """Return, by name, the other names that the database takes for the same: of rows, of entries and in the files.

    A name that the plan removes does not count: it is gone before another spelling of it is written.
    """
    if observed.name_rule is NameRule.EXACT:
        return {}
    changing = declared | removals.renamed | removals.deleted
    rows = (
        name
        for name, row in observed.rows.items()
        if (entry := ownership.entry_of(row)) is None or entry.name not in changing
    )
    entries = (
        name
        for name, entry in observed.inventory.items()
        if name not in changing
        and name not in removals.kept
        and (row := ownership.row_of(entry)) is not None
        and row.name not in declared
    )
    return collisions(declared.union(observed.owners, rows, entries), observed.name_rule)
