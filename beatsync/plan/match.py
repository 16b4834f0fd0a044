"""Which row and which inventory entry a declared schedule is about, or why it may have none."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from beatsync.plan.model import Blocked
from beatsync.plan.observed import Claim, NameRule, Observed, Owned, Row
from beatsync.plan.request import PlanOptions
from beatsync.plan.settled import is_settled
from beatsync.values import Declared

_TAKE_OUT = "rename one of the two, or take it out of the other source first"
_FORGET = (
    "DELETE FROM beatsync_inventoryentry WHERE source_id NOT IN (SELECT id FROM beatsync_source) forgets what it owned,"
    " and --adopt takes the rows over"
)


def folded(name: str, rule: NameRule) -> str:
    """Return what is the same of two names that a database with this rule takes for one; `rule` is not EXACT."""
    if name.isascii():
        return name.rstrip(" ").lower()
    text = name
    if rule is NameRule.LETTERS:
        text = "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))
    return text.rstrip(" ").casefold()


def are_apart(names: Collection[str], rule: NameRule) -> bool:
    """Whether a database with this rule takes no two of `names` for one; `rule` is not EXACT."""
    text = "\n".join(names)
    # All at once where every name is of the simplest, as nearly all are.
    is_plain = text.isascii() and text.count("\n") < len(names) and " \n" not in text and not text.endswith(" ")
    alike = text.lower().split("\n") if is_plain else [folded(name, rule) for name in names]
    return len(set(alike)) == len(names)


class Match(NamedTuple):
    """A declared schedule with the row and the inventory entry it is about; both may be missing."""

    declared: Declared
    entry: Owned | None = None
    row: Row | None = None
    note: str | None = None


class Leaving(NamedTuple):
    """Names of the undeclared entries that end with the sync, by what becomes of their rows."""

    renamed: frozenset[str] = frozenset()
    """The row goes over to a schedule that says so (`renamed_from`)."""
    deleted: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    """It stays and is nobody's."""


class Matcher:
    """Finds rows by key first, since somebody may have renamed one, and by name where the key is gone."""

    def __init__(self, observed: Observed, options: PlanOptions, declared: frozenset[str], leaving: Leaving) -> None:
        self._observed = observed
        self._options = options
        self._declared = declared
        self._leaving = leaving
        self._by_id = {row.row_id: row for row in observed.rows.values()}
        self._owners = self._owners_of_rows()
        # A row belongs to a source by its key as well as by its name: somebody may have renamed it.
        self._claims = {claim.row_id: claim for claim in observed.owners.values()}
        self._tombstones = {(stone.name, stone.row_id) for stone in observed.tombstones}
        self._twins: dict[str, set[str]] = {}
        if observed.name_rule is not NameRule.EXACT:
            names = declared.union(observed.rows, observed.inventory, observed.owners)
            if not are_apart(names, observed.name_rule):
                names = self._staying()
            if not are_apart(names, observed.name_rule):
                for name in names:
                    self._twins.setdefault(self._fold(name), set()).add(name)

    def _staying(self) -> frozenset[str]:
        """Return the names that rows and entries have after the sync: one that it takes away is gone before another spelling comes."""
        observed, (renamed, deleted, kept) = self._observed, self._leaving
        ours = {row_id: entry.name for row_id, entry in self._owners.items()}
        changed = self._declared | renamed | deleted
        rows = (name for name, row in observed.rows.items() if ours.get(row.row_id) not in changed)
        entries = (
            name
            for name, entry in observed.inventory.items()
            if name not in changed
            and name not in kept
            and (row := self.owned_row(entry)) is not None
            and row.name not in self._declared
        )
        return self._declared.union(observed.owners, rows, entries)

    def _owners_of_rows(self) -> dict[int, Owned]:
        """Return whose each row is by its key; of several entries that claim one, that of which most is lost without it.

        No sync leaves two, but a database may be restored in parts or written by hand.
        """
        entries = self._observed.inventory.values()
        owners = {entry.row_id: entry for entry in entries}
        if len(owners) == len(entries):
            return owners

        def weight(entry: Owned) -> tuple[bool, bool, bool]:
            row = self._by_id.get(entry.row_id)
            has_its_name = row is not None and row.name == entry.name
            return entry.name in self._declared, bool(entry.policy.protect), has_its_name

        return {entry.row_id: entry for entry in sorted(entries, key=weight)}

    def owned_row(self, entry: Owned) -> Row | None:
        """Return the row that `entry` is about, whatever its name is now; None where it is gone."""
        return self._by_id.get(entry.row_id) if self._owners.get(entry.row_id) is entry else None

    def holder(self, name: str) -> Owned | None:
        """Return the entry of ours, of another name, to whose row somebody gave this name; None where nobody did."""
        row = self._observed.rows.get(name)
        entry = self._owners.get(row.row_id) if row is not None else None
        return entry if entry is not None and entry.name != name else None

    def _goes_elsewhere(self, holder: Owned) -> bool:
        """Whether a row of another name by now gets one back from its entry, or a new one, that the files say."""
        return holder.name in self._declared or holder.name in self._leaving.renamed

    def brought_back(self) -> Iterator[Row]:
        """Yield the rows that this source deleted and that a save of beat's inserted again (FACTS 26).

        Keys are not given twice, so a row with both the key and the name of a deleted one is that one. It comes back
        enabled where beat was flushing a run of it, and disabled where beat was switching it off.
        """
        for name, row_id in sorted(self._tombstones):
            row = self._by_id.get(row_id)
            if row is not None and row.name == name and row_id not in self._claims and row_id not in self._owners:
                yield row

    def unsettled(self, declared: Sequence[Declared]) -> tuple[Declared, ...]:
        """Return the schedules about which something is to be done or to be said; nothing is where all three say the same."""
        observed, by_id = self._observed, self._by_id
        settled = observed.settled
        if self._twins:
            settled = frozenset(name for name in settled if not self._twins_of(name))
        if settled:
            declared = [one for one in declared if one[0][0] not in settled]
        if self._twins:
            return tuple(declared)
        claimed = (by_id[row_id].name for row_id in self._claims if row_id in by_id)
        spoken_for = {*observed.owners, *observed.beat_schedule, *claimed}
        entries, rows = observed.inventory, observed.rows
        return tuple(
            one
            for one in declared
            if (name := one[0][0]) in spoken_for
            or (entry := entries.get(name)) is None
            or (row := rows.get(name)) is None
            or not is_settled(one, entry, row)
        )

    def match(self, declared: Declared) -> Match | Blocked:
        """Pair one declared schedule, or say why it is blocked."""
        blocked = self._spoken_for(declared)
        if blocked is not None:
            return blocked
        match = self._pair(declared)
        if isinstance(match, Match) and match.row is not None and match.row.row_id in self._claims:
            return self._claimed(declared, self._claims[match.row.row_id])
        return match

    def _pair(self, declared: Declared) -> Match | Blocked:
        name = declared.spec.name
        entry = self._observed.inventory.get(name)
        if entry is not None:
            return self._match_owned(declared, entry)
        if declared.policy.renamed_from is not None:
            renamed = self._match_renamed(declared, declared.policy.renamed_from)
            if renamed is not None:
                return renamed
        return self._match_unowned(declared, self._observed.rows.get(name))

    @staticmethod
    def _claimed(declared: Declared, claim: Claim) -> Blocked:
        name = declared.spec.name
        return Blocked(
            "owned-elsewhere",
            f"{name!r}, declared at {declared.location}, belongs to {claim.owner}, which declared it in {claim.path}",
            (name,),
            hint=_TAKE_OUT if claim.source is not None else _FORGET,
        )

    def _spoken_for(self, declared: Declared) -> Blocked | None:
        name = declared.spec.name
        claim = self._observed.owners.get(name)
        if claim is not None:
            return self._claimed(declared, claim)
        if name in self._observed.beat_schedule:
            return Blocked(
                "beat-schedule",
                f"{name!r} also stands in the celery application's beat_schedule, which beat writes at every start",
                (name,),
                hint="take it out of beat_schedule",
            )
        twins = self._twins_of(name)
        if twins:
            return self._collision(name, twins)
        return None

    def _collision(self, name: str, twins: set[str]) -> Blocked:
        twin = min(twins)
        claim = self._observed.owners.get(twin)
        whose = f", and the second belongs to {claim.owner}" if claim else ""
        is_left = twin in self._observed.inventory and twin not in self._declared.union(self._observed.rows)
        return Blocked(
            "name-collision",
            f"this database takes {name!r} and {twin!r} for one name{whose}",
            (name, *sorted(twins)),
            hint="rename one of the two"
            + (f", or let go of the second: `beatsync release {twin!r}`" if is_left else ""),
        )

    def _match_owned(self, declared: Declared, entry: Owned) -> Match | Blocked:
        row = self.owned_row(entry)
        namesake, holder = self._observed.rows.get(entry.name), self.holder(entry.name)
        if holder is not None and self._goes_elsewhere(holder):
            namesake = None
        if row is None:
            if namesake is None:
                return Match(declared, entry, note="the row was deleted by somebody")
            made = f"the row of {holder.name} was put in its place" if holder else "the row was made anew"
            return Match(declared, entry, namesake, f"{made} by somebody")
        if namesake is not None and namesake.row_id != row.row_id:
            return Blocked(
                "conflict",
                f"somebody renamed the row of {entry.name!r} to {row.name!r} and made another {entry.name!r}",
                (entry.name, row.name),
                hint="delete or rename one of the two rows",
            )
        return Match(declared, entry, row)

    def _match_renamed(self, declared: Declared, old_name: str) -> Match | Blocked | None:
        """Pair a schedule that says `renamed_from`; None where there is nothing to rename."""
        entry = self._observed.inventory.get(old_name)
        row = self._observed.rows.get(old_name) if entry is None else self.owned_row(entry)
        if row is None or old_name in self._declared:
            return None
        if entry is None:
            entry = self.holder(old_name)
            if entry is not None and self._goes_elsewhere(entry):
                return None
        name = declared.spec.name
        if name in self._observed.rows and self._observed.rows[name].row_id != row.row_id:
            return self._conflict(name, f"it cannot take the place of {old_name!r} while {name!r} exists")
        if entry is None:
            if old_name in self._observed.owners:
                return None
            if not self._options.adopt:
                return self._conflict(old_name, f"{name!r} says that it is renamed from it")
        return Match(declared, entry, row, f"renamed from {old_name}")

    def _match_unowned(self, declared: Declared, row: Row | None) -> Match | Blocked:
        holder = self.holder(declared.spec.name)
        if row is None or (holder is not None and self._goes_elsewhere(holder)):
            return Match(declared)
        if holder is not None:
            # Renamed in the admin and in the files alike: to own the row is enough.
            return Match(declared, holder, row, f"renamed from {holder.name}")
        if (row.name, row.row_id) in self._tombstones:
            return Match(declared, row=row, note="brought back by beat after it was deleted")
        if self._options.adopt:
            return Match(declared, row=row)
        return self._conflict(row.name, "a spec declares the same name")

    @staticmethod
    def _conflict(name: str, why: str) -> Blocked:
        return Blocked(
            "conflict",
            f"a row named {name!r} exists and BeatSync does not own it; {why}",
            (name,),
            hint="--adopt takes it over; otherwise rename one of the two",
        )

    def _twins_of(self, name: str) -> set[str]:
        return self._twins.get(self._fold(name), set()) - {name} if self._twins else set()

    def _fold(self, name: str) -> str:
        return folded(name, self._observed.name_rule)
