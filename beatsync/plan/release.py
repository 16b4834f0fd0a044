"""Releasing rows: the source gives up ownership, and the rows stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from beatsync.plan.model import Action, Cause, Change, PauseRecord, Plan
from beatsync.plan.observed import Claim, Observed, Owned
from beatsync.values import Revision


class UnknownNames(Exception):  # noqa: N818  the name says what is wrong
    """The source does not own these rows."""

    def __init__(self, source: str, names: Collection[str], owners: Mapping[str, Claim]) -> None:
        self.names = tuple(sorted(names))
        listed = (f"{n!r} (it belongs to {owners[n].owner})" if n in owners else repr(n) for n in self.names)
        super().__init__(f"the source {source!r} does not own {', '.join(listed)}")


def release_plan(source: str, names: Collection[str] | None, observed: Observed) -> Plan:
    """Return the plan that removes `names`, or everything for None, from the inventory; with a schedule, all of its rows.

    Raises UnknownNames.
    """
    inventory = observed.inventory
    names = frozenset(inventory if names is None else names)
    if names - inventory.keys():
        raise UnknownNames(source, names - inventory.keys(), observed.owners)
    names |= {entry.name for entry in inventory.values() if entry.group in names}
    staying = {entry.schedule for name, entry in inventory.items() if name not in names}
    return Plan(
        source=source,
        revision=observed.revision or Revision(""),
        origin=observed.origin,
        changes=tuple(_released(inventory[name], names) for name in sorted(names)),
        unchanged=len(staying),
        pauses=tuple(PauseRecord(name, None) for name in sorted(names) if inventory[name].pause is not None),
    )


def _released(entry: Owned, names: AbstractSet[str]) -> Change:
    group = entry.group if entry.group in names else None
    return Change(Action.FORGET, entry.name, Cause.SPEC, row_id=entry.row_id, note="released", group=group)
