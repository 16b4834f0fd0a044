"""Step 1 of a plan: find the row and the inventory entry of each declared schedule, or the reason why it may have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from beatsync.plan import conflicts
from beatsync.plan.identity import has_applied_values
from beatsync.plan.inventory import damaged_columns
from beatsync.plan.model import Blocked
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.plan.ownership import Ownership
from beatsync.plan.request import Request
from beatsync.values import Declared, Desired


class Match(NamedTuple):
    """A declared schedule with its inventory entry and its row; both may be missing."""

    declared: Declared
    entry: Owned | None = None
    row: Row | None = None
    note: str | None = None
    """Why the entry or the row is another than the name suggests, or missing."""


class Leftover(NamedTuple):
    """An inventory entry that no valid file declares."""

    entry: Owned
    row: Row | None
    """None: the row is gone."""
    reassigned: bool
    """The row has the name of another schedule now, and was matched with it."""
    note: str
    """What became of the row, for people; empty if it has its own name."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Every declared schedule, inventory entry and resurrected row in scope, each in one of these lists."""

    matched: tuple[Match, ...]
    blocked: tuple[Blocked, ...]
    """Why a declared schedule could not be matched, or may not be written although it was."""
    frozen: tuple[tuple[Owned, Row], ...]
    """A valid file declares the schedule, but an invalid one declared it last: which of the two applies is unknown."""
    leftovers: tuple[Leftover, ...]
    """Sorted by name."""
    resurrected: tuple[Row, ...]
    """Rows that this source deleted and that beat restored."""
    continued: Mapping[str, str]
    """Of the schedules that the leftovers were part of, those that the files still declare with other rows, and their present names."""


def match_schedules(desired: Desired, observed: Observed, request: Request) -> Matches:
    """Return which schedules of the valid files, entries and rows belong together, and which are left over.

    Unchanged names count as declared and are not matched; no other schedule gets their names or rows.
    """
    matcher = Matcher(desired, observed, request)
    matched, blocked, frozen = _match_declared(matcher, desired)
    taken = {match.row.row_id for match in matched if match.row}
    accounted = _accounted_names(matcher, matched, blocked)
    names = sorted(observed.inventory.keys() - accounted - frozen.keys())
    leftovers = [_leftover(observed.inventory[name], matcher.ownership, taken) for name in names]
    # If a file is invalid, no leftover is removed, so nothing needs to be known about it.
    unclear = [] if desired.invalid_paths else list(filter(_is_unclear, leftovers))
    return Matches(
        tuple(matched),
        (*blocked, *(conflicts.damaged_entry(leftover.entry, request.source) for leftover in unclear)),
        tuple(frozen.values()),
        tuple(leftover for leftover in leftovers if leftover not in unclear),
        tuple(row for row in matcher.ownership.resurrected(taken) if row.name not in accounted),
        _continued(leftovers, desired, matched, frozen.values()),
    )


def _continued(
    leftovers: Iterable[Leftover], desired: Desired, matched: Iterable[Match], frozen: Iterable[tuple[Owned, Row]]
) -> dict[str, str]:
    """Return the present name of each schedule that `leftovers` were part of and that the files still declare, if renamed too."""
    groups = {leftover.entry.group for leftover in leftovers if leftover.entry.group is not None}
    if not groups:
        return {}
    present = (
        {declared.schedule for declared in desired.valid} | desired.unchanged | {*desired.unchanged_groups.values()}
    )
    # The first row has the name of its schedule, and its history counts.
    renamed = {match.entry.name: match.declared.schedule for match in matched if match.entry is not None}
    # An invalid file may declare these, with rows that are not known.
    held = {entry.schedule for entry, _ in frozen}
    names = {name: name if name in present else renamed.get(name) for name in groups - held}
    return {name: new for name, new in names.items() if new is not None}


def _accounted_names(matcher: Matcher, matched: Iterable[Match], blocked: Iterable[Blocked]) -> AbstractSet[str]:
    """Return the names of the entries and rows that a match, a declaration or a blocker already covers."""
    entries = (match.entry.name for match in matched if match.entry)
    return matcher.ownership.declared.union(entries, *(reason.names for reason in blocked))


def _match_declared(
    matcher: Matcher, desired: Desired
) -> tuple[list[Match], list[Blocked], dict[str, tuple[Owned, Row]]]:
    """Return the matches of the declared schedules, why others have none, and the frozen pairs by the entry's name."""
    matched: list[Match] = []
    duplicates = dict(matcher.ownership.duplicates())
    blocked: list[Blocked] = [conflicts.duplicate_rows(name, row_ids) for name, row_ids in duplicates.items()]
    # These are matched all the same, so that the plan shows what differs.
    blocked += [
        conflicts.in_beat_schedule(schedule.spec.name) for schedule in desired.valid if matcher.is_beats(schedule)
    ]
    frozen: dict[str, tuple[Owned, Row]] = {}
    held: set[str] = set()
    for schedule in desired.valid:
        if schedule.spec.name in duplicates:
            continue
        match = matcher.match(schedule)
        if isinstance(match, Blocked):
            blocked.append(match)
        elif pair := matcher.frozen(match):
            frozen[pair[0].name] = pair
            held.add(schedule.schedule)
        else:
            matched.append(match)
    if held:
        # The rows of a schedule change together or not at all.
        matched = [match for match in matched if match.declared.schedule not in held]
    return matched, conflicts.distinct_collisions(blocked), frozen


def _leftover(entry: Owned, ownership: Ownership, taken: AbstractSet[int]) -> Leftover:
    row = ownership.row_of(entry)
    if row is None:
        return Leftover(entry, None, reassigned=False, note=_lost(ownership, entry))
    return Leftover(entry, row, reassigned=row.row_id in taken, note=_present_name(row, entry.name) or "")


def _is_unclear(leftover: Leftover) -> bool:
    """Return whether a row exists that a damaged entry does not say how to remove."""
    return leftover.row is not None and not leftover.reassigned and bool(damaged_columns(leftover.entry))


def _lost(ownership: Ownership, entry: Owned) -> str:
    """Return what became of the row of `entry`, which is gone, for people."""
    stranger = ownership.stranger(entry)
    if stranger is None:
        return "the row was deleted"
    return f"the row is gone: its key {entry.row_id} now belongs to the row {stranger.name}, which is not changed"


def _present_name(row: Row, name: str) -> str | None:
    """Return a note with the name that an owned row has now; None if that is `name`."""
    return f"row now named {row.name}" if row.name != name else None


class Matcher:
    """Matches one schedule at a time: by the entry's key first, then by `renamed_from`, then by name."""

    def __init__(self, desired: Desired, observed: Observed, request: Request) -> None:
        self.ownership = Ownership(desired, observed)
        self._observed = observed
        self._source = request.source
        self._adopt = request.options.adopt
        self._invalid = desired.invalid_paths
        self._collisions = self.ownership.collisions()

    def match(self, declared: Declared) -> Match | Blocked:
        """Match one schedule, or return why it is blocked."""
        blocked = self._name_conflict(declared)
        if blocked is not None:
            return blocked
        match = self._match_unclaimed(declared)
        claim = self.ownership.claim_of(match.row) if isinstance(match, Match) and match.row is not None else None
        return match if claim is None else conflicts.owned_elsewhere(declared, claim)

    def is_beats(self, declared: Declared) -> bool:
        """Return whether beat itself writes a row of this name at every start."""
        return declared.spec.name in self._observed.beat_schedule

    def _adopts(self, declared: Declared) -> bool:
        return self._adopt or declared.policy.adopt

    def frozen(self, match: Match) -> tuple[Owned, Row] | None:
        """Return the entry, and its row, that an invalid file declared last and may still declare under the matched name."""
        if not self._invalid:
            return None
        name = match.declared.spec.name
        renamed = self.ownership.renamed_entry(name), self._observed.rows.get(name)
        for entry, row in (renamed, (match.entry, match.row)):
            if entry is not None and row is not None and entry.path in self._invalid:
                return entry, row
        return None

    def _name_conflict(self, declared: Declared) -> Blocked | None:
        name, observed = declared.spec.name, self._observed
        claim = observed.owners.get(name)
        if claim is not None:
            return conflicts.owned_elsewhere(declared, claim)
        others = self._collisions.get(name)
        if others is None:
            return None
        other = min(others)
        has_row = other in self.ownership.declared or other in observed.rows
        releasing_source = self._source if other in observed.inventory and not has_row else None
        return conflicts.name_collision(name, others, observed.owners.get(other), releasing_source)

    def _match_unclaimed(self, declared: Declared) -> Match | Blocked:
        entry = self._observed.inventory.get(declared.spec.name)
        if entry is not None:
            return self._match_owned(declared, entry)
        old_name = declared.policy.renamed_from
        match = self._match_renamed(declared, old_name) if old_name is not None else None
        return match or self._match_new(declared)

    def _match_owned(self, declared: Declared, entry: Owned) -> Match | Blocked:
        row, same_name = self.ownership.row_of(entry), self.ownership.row_named(entry.name)
        if row is not None:
            if same_name is not None and same_name.row_id != row.row_id:
                return conflicts.renamed_and_replaced(entry, row)
            return Match(declared, entry, row, _present_name(row, entry.name))
        if same_name is None:
            return Match(declared, entry, note=_lost(self.ownership, entry))
        renamed = self.ownership.entry_of(same_name)
        if renamed is None and not self._adopts(declared) and not has_applied_values(entry, same_name):
            return conflicts.replaced_row(entry, same_name, self._source)
        how = f"the row of {renamed.name} was renamed to it" if renamed else "a new row was created with its name"
        return Match(declared, entry, same_name, f"the row was deleted, and {how}")

    def _match_renamed(self, declared: Declared, old_name: str) -> Match | Blocked | None:
        """Match a schedule that has `renamed_from`; None if there is nothing to rename."""
        if old_name in self.ownership.declared:
            return None
        entry = self._observed.inventory.get(old_name)
        row = self.ownership.row_of(entry) if entry is not None else None
        row = row or self.ownership.row_named(old_name)
        if row is None:
            return None
        name = declared.spec.name
        if self._observed.rows.get(name, row).row_id != row.row_id:
            return conflicts.rename_target_exists(name, old_name)
        if entry is None or not has_applied_values(entry, row):
            entry = self.ownership.entry_of(row)
        if entry is None and old_name in self._observed.owners:
            return None
        if entry is None and not self._adopts(declared):
            return conflicts.unowned_row(old_name, f"{name!r} is declared with renamed_from: {old_name}")
        return Match(
            declared, entry, row, "; ".join(filter(None, (f"renamed from {old_name}", _present_name(row, old_name))))
        )

    def _match_new(self, declared: Declared) -> Match | Blocked:
        """Match a schedule without an entry with the row of its name, if there is one."""
        name = declared.spec.name
        row = self.ownership.row_named(name)
        if row is None:
            return Match(declared)
        renamed = self.ownership.entry_of(row)
        if renamed is not None:
            # Renamed both in the admin and in the files: no `renamed_from` is needed for a row that this source owns.
            return Match(declared, renamed, row, f"renamed from {renamed.name}")
        if self.ownership.has_tombstone(row):
            return Match(declared, row=row, note="beat restored it after it was deleted")
        return (
            Match(declared, row=row)
            if self._adopts(declared)
            else conflicts.unowned_row(name, "a spec declares the same name")
        )
