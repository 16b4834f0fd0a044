"""Releasing rows: the source gives up ownership, and the rows stay."""

from __future__ import annotations

from collections.abc import Collection

from beatsync.plan.model import Action, Cause, Change, Plan
from beatsync.plan.observed import Observed
from beatsync.values import Revision


class UnknownNames(Exception):  # noqa: N818  the name says what is wrong
    """The source does not own these rows."""

    def __init__(self, source: str, names: Collection[str], owners: Collection[tuple[str, str]]) -> None:
        self.names = tuple(sorted(names))
        elsewhere = dict(owners)
        listed = (
            f"{name!r} (it belongs to {elsewhere[name]})" if name in elsewhere else repr(name) for name in self.names
        )
        super().__init__(f"the source {source!r} does not own {', '.join(listed)}")


def release_plan(source: str, names: Collection[str], observed: Observed) -> Plan:
    """Return the plan that removes `names` from the inventory. Raises UnknownNames."""
    unknown = set(names) - observed.inventory.keys()
    if unknown:
        raise UnknownNames(
            source, unknown, [(name, observed.owners[name].owner) for name in unknown & observed.owners.keys()]
        )
    return Plan(
        source=source,
        revision=observed.revision or Revision(""),
        origin=observed.origin,
        changes=tuple(
            Change(Action.FORGET, name, Cause.SPEC, row_id=observed.inventory[name].row_id, note="released")
            for name in sorted(set(names))
        ),
        unchanged=len(observed.inventory.keys() - set(names)),
    )
