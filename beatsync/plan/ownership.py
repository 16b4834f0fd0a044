"""Which inventory entry each observed row belongs to."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from operator import attrgetter

from beatsync.plan.observed import Claim, Observed, Owned, Row


class Ownership:
    """Finds the row of an entry and the entry of a row, by the row's key: an operator may have renamed the row.

    `declared` are all names in the files. `unchanged` are those of them whose rows were not read; a row that has such a
    name belongs to it, whether or not its entry was read.
    """

    def __init__(self, observed: Observed, declared: AbstractSet[str], unchanged: AbstractSet[str]) -> None:
        self._observed = observed
        self._rows = {row.row_id: row for row in observed.rows.values()}
        self._entries = self._entries_by_row(declared, unchanged)
        self._claims = {claim.row_id: claim for claim in observed.owners.values()}
        self._tombstones = {(stone.name, stone.row_id) for stone in observed.tombstones}

    def _entries_by_row(self, declared: AbstractSet[str], unchanged: AbstractSet[str]) -> dict[int, Owned]:
        """Return the owner of each row; if several entries claim a row, the one whose loss would matter most.

        No sync leaves two such entries, but a database may be restored in part or edited by hand.
        """
        entries = [
            entry
            for entry in self._observed.inventory.values()
            if entry.name in unchanged or self._name_of_row(entry.row_id) not in unchanged
        ]
        owners = {entry.row_id: entry for entry in entries}
        if len(owners) == len(entries):
            return owners

        def weight(entry: Owned) -> tuple[bool, bool, bool, bool]:
            is_declared, has_own_name = entry.name in declared, self._name_of_row(entry.row_id) == entry.name
            return is_declared and has_own_name, is_declared, bool(entry.policy.protect), has_own_name

        return {entry.row_id: entry for entry in sorted(entries, key=weight)}

    def _name_of_row(self, row_id: int) -> str | None:
        row = self._rows.get(row_id)
        return row.name if row is not None else None

    def row_of(self, entry: Owned) -> Row | None:
        """Return the row of `entry`, whatever its name is now; None if it is gone."""
        return self._rows.get(entry.row_id) if self._entries.get(entry.row_id) is entry else None

    def entry_of(self, row: Row) -> Owned | None:
        """Return the entry that owns `row`."""
        return self._entries.get(row.row_id)

    def claim_of(self, row: Row) -> Claim | None:
        """Return the claim of another source on `row`."""
        return self._claims.get(row.row_id)

    def renamed_entry(self, name: str) -> Owned | None:
        """Return the entry of another name whose row an operator has renamed to `name`."""
        row = self._observed.rows.get(name)
        entry = self.entry_of(row) if row is not None else None
        return entry if entry is not None and entry.name != name else None

    def has_tombstone(self, row: Row) -> bool:
        """Return whether this source deleted the row: keys are not assigned twice, so a save of beat's has inserted it again.

        It is enabled if beat was saving a run of it, and disabled if beat was disabling it (docs/facts.md, 26).
        """
        return (row.name, row.row_id) in self._tombstones

    def resurrected(self, taken: AbstractSet[int]) -> list[Row]:
        """Return the deleted rows that exist again and that no source owns, sorted by name, without those in `taken`."""
        rows = (row for row_id, row in self._rows.items() if self.has_tombstone(row) and row_id not in taken)
        unowned = (row for row in rows if self.claim_of(row) is None and self.entry_of(row) is None)
        return sorted(unowned, key=attrgetter("name"))
