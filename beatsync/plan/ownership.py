"""Which inventory entry each observed row belongs to, and which names are in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from beatsync.plan.collation import collisions
from beatsync.plan.identity import is_row_of
from beatsync.plan.observed import Claim, Observed, Owned, Row
from beatsync.values import Desired, OnRemove


class Ownership:
    """Finds the row of an entry and the entry of a row, by the row's key and its name or values (`beatsync.plan.identity`).

    The rows of the unchanged names were not read. A row that has such a name nevertheless belongs to it, whether or not its
    entry was read.
    """

    def __init__(self, desired: Desired, observed: Observed) -> None:
        valid = desired.valid
        self._in_scope = {schedule.spec.name for schedule in valid}
        """The names in the valid files."""
        self.declared = desired.unchanged | self._in_scope
        """These names and the unchanged ones."""
        self._renamed = {
            schedule.policy.renamed_from for schedule in valid if schedule.spec.name not in observed.inventory
        }
        """Names whose rows a schedule takes over, and None."""
        self._is_isolated = bool(desired.invalid_paths)
        self._observed = observed
        self._unchanged = desired.unchanged
        self._rows = observed.rows_by_id()
        self._entries = self._entries_by_row()
        self._claims = {claim.row_id: claim for claim in observed.owners.values()}
        self._tombstones = {(stone.name, stone.row_id) for stone in observed.tombstones}

    def _entries_by_row(self) -> dict[int, Owned]:
        """Return the owner of each row; if several entries claim a row, the one whose loss would matter most.

        A sync never writes two such entries, but a database may be restored in part or edited with SQL.
        """
        names = {row_id: row.name for row_id, row in self._rows.items()}
        entries = [
            entry
            for entry in self._observed.inventory.values()
            if entry.name in self._unchanged or names.get(entry.row_id) not in self._unchanged
            if (row := self._rows.get(entry.row_id)) is not None and is_row_of(entry, row, self._observed.name_rule)
        ]
        owners = {entry.row_id: entry for entry in entries}
        if len(owners) == len(entries):
            return owners

        def weight(entry: Owned) -> tuple[bool, bool, bool, bool]:
            is_declared, has_own_name = entry.name in self.declared, names.get(entry.row_id) == entry.name
            return is_declared and has_own_name, is_declared, bool(entry.policy.protect), has_own_name

        return {entry.row_id: entry for entry in sorted(entries, key=weight)}

    def row_of(self, entry: Owned) -> Row | None:
        """Return the row of `entry`, even if it was renamed; None if it is missing."""
        return self._rows.get(entry.row_id) if self._entries.get(entry.row_id) is entry else None

    def stranger(self, entry: Owned) -> Row | None:
        """Return the row that has the key of `entry`, but belongs to no entry; None if there is none."""
        row = self._rows.get(entry.row_id)
        is_owned = row is not None and (row.row_id in self._entries or row.name in self._unchanged)
        return None if is_owned else row

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

    def row_named(self, name: str) -> Row | None:
        """Return the row of this name; None if the plan renames it back, because an operator renamed it."""
        renamed = self.renamed_entry(name)
        loses_name = renamed is not None and (renamed.name in self.declared or renamed.name in self._renamed)
        return None if loses_name else self._observed.rows.get(name)

    def duplicates(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield each name that several rows have, with their keys, if it is declared or one of the rows is owned."""
        observed = self._observed
        for name, row_ids in sorted(observed.duplicates.items()):
            is_concerned = name in self.declared or name in self._renamed or name in observed.inventory
            if is_concerned or self.entry_of(observed.rows[name]) is not None:
                yield name, row_ids

    def has_tombstone(self, row: Row) -> bool:
        """Return whether this source deleted a row of this key and name: a save by beat has inserted it again.

        It is enabled if beat was saving a run of it, and disabled if beat was disabling it (docs/facts.md, 26).
        """
        return (row.name, row.row_id) in self._tombstones

    def resurrected(self, taken: AbstractSet[int]) -> list[Row]:
        """Return the deleted rows that exist again and that no source owns, without those in `taken`."""
        rows = (row for row_id, row in self._rows.items() if self.has_tombstone(row) and row_id not in taken)
        return [row for row in rows if self.claim_of(row) is None and self.entry_of(row) is None]

    def collisions(self) -> Mapping[str, frozenset[str]]:
        """Return, by name, the other names that the database treats as the same: of rows, of entries and in the files.

        A name that the plan removes does not count: it is gone before another spelling of it is written. Unchanged names do not
        count either: a file with a name that collides with that of another file is always in scope.
        """
        return collisions(self._names_in_use(), self._observed.name_rule)

    def _names_in_use(self) -> Iterator[str]:
        """Yield each name once that the plan writes or leaves in the database."""
        observed = self._observed
        changing = self.declared | self._renamed | self._removed(OnRemove.DELETE)
        changing_or_kept = changing | self._removed(OnRemove.KEEP)
        rows = {
            name
            for name, row in observed.rows.items()
            if (entry := self.entry_of(row)) is None or entry.name not in changing
        }
        entries = {
            name
            for name, entry in observed.inventory.items()
            if name not in changing_or_kept
            and (row := self.row_of(entry)) is not None
            and row.name not in self.declared
        }
        yield from self._in_scope.union(observed.owners, rows, entries)

    def _removed(self, on_remove: OnRemove) -> set[str]:
        """Return the names of the undeclared entries with this policy; none if an invalid file may declare them."""
        return {
            entry.name
            for entry in self._observed.inventory.values()
            if entry.policy.on_remove is on_remove and not entry.policy.protect
            if entry.name not in self.declared and not self._is_isolated
        }
