"""The result of the first step of a plan: which declared schedule, inventory entry and row belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from beatsync.plan.model import Blocked
from beatsync.plan.observed import Owned, Row
from beatsync.values import Declared


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
    row: Row | None = None
    """None: the row is gone."""
    reassigned: bool = False
    """The row has the name of another schedule now, and was matched with it."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Every declared schedule, inventory entry and resurrected row in scope, each in one of these lists."""

    matched: tuple[Match, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    """Why a declared schedule could not be matched."""
    frozen: tuple[tuple[Owned, Row], ...] = ()
    """A valid file declares the schedule, but an invalid one declared it last: which of the two is meant is unknown."""
    leftovers: tuple[Leftover, ...] = ()
    """Sorted by name."""
    resurrected: tuple[Row, ...] = ()
    """Rows that this source deleted and that beat restored."""
