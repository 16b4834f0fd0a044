"""Why a declared schedule cannot have its name or its row."""

from __future__ import annotations

from beatsync.plan.model import Blocked
from beatsync.plan.observed import Claim, Owned, Row
from beatsync.values import Declared

_REMOVE_FROM_OTHER = "rename one of the two, or remove it from the other source first"
_FORGET_DELETED_SOURCE = (
    "DELETE FROM beatsync_inventoryentry WHERE source_id NOT IN (SELECT id FROM beatsync_source) forgets what it owned,"
    " and --adopt takes the rows over"
)


def owned_elsewhere(declared: Declared, claim: Claim) -> Blocked:
    """Another source owns the name or the row."""
    name = declared.spec.name
    return Blocked(
        "owned-elsewhere",
        f"{name!r}, declared at {declared.location}, belongs to {claim.owner}, which declared it in {claim.path}",
        (name,),
        hint=_REMOVE_FROM_OTHER if claim.source is not None else _FORGET_DELETED_SOURCE,
    )


def in_beat_schedule(name: str) -> Blocked:
    """Beat itself writes a row of this name (docs/facts.md, 9)."""
    return Blocked(
        "beat-schedule",
        f"{name!r} is also in the celery application's beat_schedule, which beat writes at every start",
        (name,),
        hint="remove it from beat_schedule",
    )


def name_collision(name: str, others: frozenset[str], claim: Claim | None, *, releasable: bool) -> Blocked:
    """The database does not tell the name from `others`.

    `claim` is that of another source on the first of them; `releasable` says whether it is only an inventory entry.
    """
    other = min(others)
    owner = f", and the second belongs to {claim.owner}" if claim else ""
    release = f", or release the second: `beatsync release {other!r}`" if releasable else ""
    return Blocked(
        "name-collision",
        f"this database takes {name!r} and {other!r} for one name{owner}",
        (name, *sorted(others)),
        hint=f"rename one of the two{release}",
    )


def renamed_and_replaced(entry: Owned, row: Row) -> Blocked:
    """`row`, which belongs to `entry`, was renamed, and another row has the name of the entry."""
    return Blocked(
        "conflict",
        f"the row of {entry.name!r} was renamed to {row.name!r}, and another row has the name {entry.name!r}",
        (entry.name, row.name),
        hint="delete or rename one of the two rows",
    )


def unowned_row(name: str, reason: str) -> Blocked:
    """A row of this name exists, and this source does not own it."""
    return Blocked(
        "conflict",
        f"a row named {name!r} exists and BeatSync does not own it; {reason}",
        (name,),
        hint="--adopt takes it over; otherwise rename one of the two",
    )
