"""Step 1 of a plan: find the row and the inventory entry of each declared schedule, or the reason why it may have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beatsync.plan import conflicts
from beatsync.plan.collation import all_distinct, collisions
from beatsync.plan.matches import Leftover, Match, Matches
from beatsync.plan.model import Blocked
from beatsync.plan.observed import NameRule, Observed, Owned, Row
from beatsync.plan.ownership import Ownership
from beatsync.plan.removals import Removals, find_removals
from beatsync.plan.request import PlanOptions
from beatsync.values import Declared, Desired


def match_schedules(desired: Desired, observed: Observed, options: PlanOptions) -> Matches:
    """Return which schedules of the valid files, entries and rows belong together, and what is left over.

    The unchanged names count as declared; they are not matched, and nobody else gets their names or rows.
    """
    valid, invalid = desired.valid, desired.invalid_paths
    declared = desired.unchanged.union(schedule.spec.name for schedule in valid)
    undeclared = observed.inventory.keys() - declared
    ownership = Ownership(observed, declared, desired.unchanged)
    removals = find_removals(valid, undeclared, observed, frozen=bool(invalid))
    matcher = Matcher(observed, ownership, options, declared, removals)

    matched: list[Match] = []
    blocked: list[Blocked] = []
    frozen: dict[str, tuple[Owned, Row]] = {}
    for schedule in valid:
        match = matcher.match(schedule)
        if isinstance(match, Blocked):
            blocked.append(match)
        elif pair := _frozen(match, ownership, invalid):
            frozen[pair[0].name] = pair
        else:
            matched.append(match)

    accounted = {match.entry.name for match in matched if match.entry}.union(*(reason.names for reason in blocked))
    taken = {match.row.row_id for match in matched if match.row}
    leftovers = (
        Leftover(entry, row, reassigned=row is not None and row.row_id in taken)
        for entry, row in _with_rows(sorted(undeclared - accounted - frozen.keys()), observed, ownership)
    )
    resurrected = (
        row
        for row in ownership.resurrected()
        if row.row_id not in taken and row.name not in declared and row.name not in accounted
    )
    return Matches(tuple(matched), tuple(blocked), tuple(frozen.values()), tuple(leftovers), tuple(resurrected))


def _with_rows(names: Sequence[str], observed: Observed, ownership: Ownership) -> list[tuple[Owned, Row | None]]:
    entries = [observed.inventory[name] for name in names]
    return [(entry, ownership.row_of(entry)) for entry in entries]


def _frozen(match: Match, ownership: Ownership, invalid: frozenset[str]) -> tuple[Owned, Row] | None:
    """Return the entry, and its row, that an invalid file declared last and may still declare under the matched name."""
    if not invalid:
        return None
    renamed = ownership.renamed_entry(match.declared.spec.name)
    if renamed is not None and renamed.path in invalid:
        entry, row = renamed, ownership.row_of(renamed)
    else:
        entry, row = match.entry, match.row
    return (entry, row) if entry is not None and row is not None and entry.path in invalid else None


class Matcher:
    """Matches one schedule at a time: by the entry's key first, then by `renamed_from`, then by name."""

    def __init__(
        self,
        observed: Observed,
        ownership: Ownership,
        options: PlanOptions,
        declared: frozenset[str],
        removals: Removals,
    ) -> None:
        self._observed = observed
        self._ownership = ownership
        self._options = options
        self._declared = declared
        self._removals = removals
        self._tombstones = {(stone.name, stone.row_id) for stone in observed.tombstones}
        self._collisions = self._find_collisions()

    def match(self, declared: Declared) -> Match | Blocked:
        """Match one schedule, or return why it is blocked."""
        blocked = self._name_conflict(declared)
        if blocked is not None:
            return blocked
        match = self._match_unclaimed(declared)
        if isinstance(match, Match) and match.row is not None:
            claim = self._ownership.claim_of(match.row)
            if claim is not None:
                return conflicts.owned_elsewhere(declared, claim)
        return match

    def _name_conflict(self, declared: Declared) -> Blocked | None:
        name = declared.spec.name
        claim = self._observed.owners.get(name)
        if claim is not None:
            return conflicts.owned_elsewhere(declared, claim)
        if name in self._observed.beat_schedule:
            return conflicts.in_beat_schedule(name)
        others = self._collisions.get(name)
        if others:
            other = min(others)
            is_only_an_entry = (
                other in self._observed.inventory and other not in self._declared | self._observed.rows.keys()
            )
            return conflicts.name_collision(name, others, self._observed.owners.get(other), releasable=is_only_an_entry)
        return None

    def _match_unclaimed(self, declared: Declared) -> Match | Blocked:
        entry = self._observed.inventory.get(declared.spec.name)
        if entry is not None:
            return self._match_owned(declared, entry)
        if declared.policy.renamed_from is not None:
            match = self._match_renamed(declared, declared.policy.renamed_from)
            if match is not None:
                return match
        return self._match_new(declared)

    def _match_owned(self, declared: Declared, entry: Owned) -> Match | Blocked:
        row = self._ownership.row_of(entry)
        same_name = self._observed.rows.get(entry.name)
        renamed = self._ownership.renamed_entry(entry.name)
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
        entry = self._observed.inventory.get(old_name)
        row = self._observed.rows.get(old_name) if entry is None else self._ownership.row_of(entry)
        if row is None or old_name in self._declared:
            return None
        if entry is None:
            entry = self._ownership.renamed_entry(old_name)
            if entry is not None and self._loses_name(entry):
                return None
        name = declared.spec.name
        same_name = self._observed.rows.get(name)
        if same_name is not None and same_name.row_id != row.row_id:
            return conflicts.unowned_row(name, f"it cannot take the place of {old_name!r} while {name!r} exists")
        if entry is None:
            if old_name in self._observed.owners:
                return None
            if not self._options.adopt:
                return conflicts.unowned_row(old_name, f"{name!r} is declared with renamed_from: {old_name}")
        return Match(declared, entry, row, f"renamed from {old_name}")

    def _match_new(self, declared: Declared) -> Match | Blocked:
        """Match a schedule without an entry with the row of its name, if there is one."""
        name = declared.spec.name
        row = self._observed.rows.get(name)
        renamed = self._ownership.renamed_entry(name)
        if row is None or (renamed is not None and self._loses_name(renamed)):
            return Match(declared)
        if renamed is not None:
            # Renamed both in the admin and in the files: no `renamed_from` is needed for a row that this source owns.
            return Match(declared, renamed, row, f"renamed from {renamed.name}")
        if (row.name, row.row_id) in self._tombstones:
            return Match(declared, row=row, note="beat restored it after it was deleted")
        if self._options.adopt:
            return Match(declared, row=row)
        return conflicts.unowned_row(name, "a spec declares the same name")

    def _loses_name(self, renamed: Owned) -> bool:
        """Return whether the plan gives the row of `renamed`, which an operator renamed, another name again."""
        return renamed.name in self._declared or renamed.name in self._removals.renamed

    def _find_collisions(self) -> Mapping[str, frozenset[str]]:
        observed = self._observed
        if observed.name_rule is NameRule.EXACT:
            return {}
        names = self._declared.union(observed.rows, observed.inventory, observed.owners)
        if all_distinct(names, observed.name_rule):
            return {}
        return collisions(self._remaining_names(), observed.name_rule)

    def _remaining_names(self) -> frozenset[str]:
        """Return the names that rows and entries have after the plan: one that it removes is gone before another spelling comes."""
        observed, ownership, removals = self._observed, self._ownership, self._removals
        changing = self._declared | removals.renamed | removals.deleted
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
            and row.name not in self._declared
        )
        return self._declared.union(observed.owners, rows, entries)
