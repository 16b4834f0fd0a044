"""Step 1 of a plan: find the row and the inventory entry of each declared schedule, or the reason why it may have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from beatsync.plan import conflicts
from beatsync.plan.matches import Leftover, Match, Matches
from beatsync.plan.model import Blocked
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.plan.ownership import Ownership
from beatsync.plan.removals import Removals, find_collisions, find_removals
from beatsync.plan.request import PlanOptions
from beatsync.values import Declared, Desired


def match_schedules(desired: Desired, observed: Observed, options: PlanOptions) -> Matches:
    """Return which schedules of the valid files, entries and rows belong together, and what is left over.

    The unchanged names count as declared; they are not matched, and nobody else gets their names or rows.
    """
    valid, invalid = desired.valid, desired.invalid_paths
    declared = desired.unchanged.union(schedule.spec.name for schedule in valid)
    ownership = Ownership(observed, declared, desired.unchanged)
    removals = find_removals(valid, observed.inventory.keys() - declared, observed, isolated=bool(invalid))
    collisions = find_collisions(declared, observed, ownership, removals)
    matcher = Matcher(observed, ownership, options.adopt, declared, removals, collisions)

    matched, blocked, frozen = _match_all(valid, matcher, invalid)
    taken = {match.row.row_id for match in matched if match.row}
    accounted = {match.entry.name for match in matched if match.entry}.union(*(reason.names for reason in blocked))
    accounted |= declared
    leftovers = (observed.inventory[name] for name in sorted(observed.inventory.keys() - accounted - frozen.keys()))
    return Matches(
        tuple(matched),
        tuple(blocked),
        tuple(frozen.values()),
        tuple(_leftover(entry, ownership.row_of(entry), taken) for entry in leftovers),
        tuple(row for row in ownership.resurrected(taken) if row.name not in accounted),
    )


def _match_all(
    schedules: Iterable[Declared], matcher: Matcher, invalid: frozenset[str]
) -> tuple[list[Match], list[Blocked], dict[str, tuple[Owned, Row]]]:
    """Return the matches, the reasons why there is none, and the frozen entries by name with their rows."""
    matched: list[Match] = []
    blocked: list[Blocked] = []
    frozen: dict[str, tuple[Owned, Row]] = {}
    for schedule in schedules:
        match = matcher.match(schedule)
        if isinstance(match, Blocked):
            blocked.append(match)
        elif pair := _frozen(match, matcher.ownership, invalid):
            frozen[pair[0].name] = pair
        else:
            matched.append(match)
    return matched, blocked, frozen


def _leftover(entry: Owned, row: Row | None, taken: set[int]) -> Leftover:
    return Leftover(entry, row, reassigned=row is not None and row.row_id in taken)


def _frozen(match: Match, ownership: Ownership, invalid: frozenset[str]) -> tuple[Owned, Row] | None:
    """Return the entry, and its row, that an invalid file declared last and may still declare under the matched name."""
    if not invalid:
        return None
    renamed = ownership.renamed_entry(match.declared.spec.name)
    if renamed is not None and renamed.path in invalid:
        match = Match(match.declared, renamed, ownership.row_of(renamed))
    entry, row = match.entry, match.row
    return (entry, row) if entry is not None and row is not None and entry.path in invalid else None


@dataclass(frozen=True, slots=True)
class Matcher:
    """Matches one schedule at a time: by the entry's key first, then by `renamed_from`, then by name."""

    observed: Observed
    ownership: Ownership
    adopt: bool
    declared: frozenset[str]
    """All names in the files."""
    removals: Removals
    collisions: Mapping[str, frozenset[str]]

    def match(self, declared: Declared) -> Match | Blocked:
        """Match one schedule, or return why it is blocked."""
        blocked = self._name_conflict(declared)
        if blocked is not None:
            return blocked
        match = self._match_unclaimed(declared)
        if isinstance(match, Match) and match.row is not None:
            claim = self.ownership.claim_of(match.row)
            if claim is not None:
                return conflicts.owned_elsewhere(declared, claim)
        return match

    def _name_conflict(self, declared: Declared) -> Blocked | None:
        name = declared.spec.name
        claim = self.observed.owners.get(name)
        if claim is not None:
            return conflicts.owned_elsewhere(declared, claim)
        if name in self.observed.beat_schedule:
            return conflicts.in_beat_schedule(name)
        others = self.collisions.get(name)
        if others is None:
            return None
        other = min(others)
        has_row = other in self.declared or other in self.observed.rows
        return conflicts.name_collision(
            name, others, self.observed.owners.get(other), releasable=other in self.observed.inventory and not has_row
        )

    def _match_unclaimed(self, declared: Declared) -> Match | Blocked:
        entry = self.observed.inventory.get(declared.spec.name)
        if entry is not None:
            return self._match_owned(declared, entry)
        if declared.policy.renamed_from is not None:
            match = self._match_renamed(declared, declared.policy.renamed_from)
            if match is not None:
                return match
        return self._match_new(declared)

    def _match_owned(self, declared: Declared, entry: Owned) -> Match | Blocked:
        row = self.ownership.row_of(entry)
        same_name = self.observed.rows.get(entry.name)
        renamed = self.ownership.renamed_entry(entry.name)
        if renamed is not None and self._loses_name(renamed):
            same_name = None
        if row is not None:
            if same_name is not None and same_name.row_id != row.row_id:
                return conflicts.renamed_and_replaced(entry, row)
            return Match(declared, entry, row)
        if same_name is None:
            return Match(declared, entry, note="the row was deleted")
        how = f"the row of {renamed.name} was renamed to it" if renamed else "a new row was created with its name"
        return Match(declared, entry, same_name, f"the row was deleted, and {how}")

    def _match_renamed(self, declared: Declared, old_name: str) -> Match | Blocked | None:
        """Match a schedule that has `renamed_from`; None if there is nothing to rename."""
        if old_name in self.declared:
            return None
        entry = self.observed.inventory.get(old_name)
        if entry is not None:
            row = self.ownership.row_of(entry)
        else:
            row = self.observed.rows.get(old_name)
            entry = self.ownership.renamed_entry(old_name)
            if entry is not None and self._loses_name(entry):
                return None
        if row is None:
            return None
        name = declared.spec.name
        if self.observed.rows.get(name, row).row_id != row.row_id:
            return conflicts.unowned_row(name, f"it cannot take the place of {old_name!r} while {name!r} exists")
        if entry is None and old_name in self.observed.owners:
            return None
        if entry is None and not self.adopt:
            return conflicts.unowned_row(old_name, f"{name!r} is declared with renamed_from: {old_name}")
        return Match(declared, entry, row, f"renamed from {old_name}")

    def _match_new(self, declared: Declared) -> Match | Blocked:
        """Match a schedule without an entry with the row of its name, if there is one."""
        name = declared.spec.name
        row = self.observed.rows.get(name)
        renamed = self.ownership.renamed_entry(name)
        if row is None or (renamed is not None and self._loses_name(renamed)):
            return Match(declared)
        if renamed is not None:
            # Renamed both in the admin and in the files: no `renamed_from` is needed for a row that this source owns.
            return Match(declared, renamed, row, f"renamed from {renamed.name}")
        if self.ownership.has_tombstone(row):
            return Match(declared, row=row, note="beat restored it after it was deleted")
        if self.adopt:
            return Match(declared, row=row)
        return conflicts.unowned_row(name, "a spec declares the same name")

    def _loses_name(self, renamed: Owned) -> bool:
        """Return whether the plan gives the row of `renamed`, which an operator renamed, another name again."""
        return renamed.name in self.declared or renamed.name in self.removals.renamed
