"""Entries whose rows are gone: a few are drift, many look like a table that was restored, reset or loaded from a fixture."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from beatsync.plan.model import Action, Blocked, Plan
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.values import Desired, Diagnostic, Location, Severity

_SHOWN = 3
"""How many strangers a message names; all names are in the list below it."""


class Lost(NamedTuple):
    """An entry whose row is gone, and the row that has its key now, if any."""

    entry: Owned
    stranger: Row | None


def lost_rows(plan: Plan, desired: Desired, observed: Observed) -> list[Lost]:
    """Return the entries whose rows the plan creates again or forgets because they are gone, sorted by name."""
    names = {
        change.name
        for change in plan.changes
        if change.row_id is None and (change.action is Action.CREATE or change.action is Action.FORGET)
    }
    entries = [observed.inventory[name] for name in sorted(names & observed.inventory.keys())]
    strangers = _unowned_rows(names, desired, observed) if entries else {}
    return [Lost(entry, strangers.get(entry.row_id)) for entry in entries]


def _unowned_rows(lost: AbstractSet[str], desired: Desired, observed: Observed) -> dict[int, Row]:
    """Return the rows, by key, that no entry has except for the `lost` ones.

    A row of an unchanged name belongs to that name, whether or not its entry was read.
    """
    owned = {entry.row_id for name, entry in observed.inventory.items() if name not in lost}
    rows = (row for row in observed.rows.values() if row.name not in desired.unchanged)
    return {row.row_id: row for row in rows if row.row_id not in owned}


def replaced_rows(lost: Sequence[Lost], owned: int) -> Blocked:
    """Return why a source that owns `owned` schedules may not be synced: other rows have the keys of its rows."""
    strangers = [f"{entry.row_id} is now {row.name!r}, not {entry.name!r}" for entry, row in lost if row is not None]
    more = f" and {len(strangers) - _SHOWN} more" if len(strangers) > _SHOWN else ""
    return Blocked(
        "rows-replaced",
        f"the rows of {_fraction(lost, owned)} are gone, and other rows have their keys"
        f" ({'; '.join(strangers[:_SHOWN])}{more}): the table looks restored, reset or loaded from a fixture",
        tuple(sorted({entry.schedule for entry, _ in lost})),
        hint="check that this is the right database; --adopt creates the rows again and leaves the others unchanged,"
        " and `beatsync release NAME...` gives them up",
    )


def missing_rows(lost: Sequence[Lost], owned: int) -> Diagnostic:
    """Return the warning that so many rows of a source that owns `owned` schedules are gone."""
    return Diagnostic(
        Severity.WARNING,
        "rows-missing",
        f"the rows of {_fraction(lost, owned)} are gone: the table looks emptied, or the inventory restored",
        Location("."),
        hint="a sync creates the rows again; check that this is the right database",
    )


def _fraction(lost: Sequence[Lost], owned: int) -> str:
    return f"{len({entry.schedule for entry, _ in lost})} of the {owned} schedules that this source owns"
