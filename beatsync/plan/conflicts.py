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
    name, hint = declared.spec.name, _FORGET_DELETED_SOURCE if claim.source is None else _REMOVE_FROM_OTHER
    message = f"{name!r}, declared at {declared.location}, belongs to {claim.owner}, which declared it in {claim.path}"
    return Blocked("owned-elsewhere", message, (name,), hint)


def in_beat_schedule(name: str) -> Blocked:
    """Beat itself writes a row of this name (docs/facts.md, 9)."""
    message = f"{name!r} is also in the celery application's beat_schedule, which beat writes at every start"
    return Blocked("beat-schedule", message, (name,), "remove it from beat_schedule")


def name_collision(name: str, others: frozenset[str], claim: Claim | None, *, releasable: bool) -> Blocked:
    """The database does not tell the name from `others`.

    `claim` is that of another source on the first of them; `releasable` says whether it is only an inventory entry.
    """
    other = min(others)
    owner = f", and the second belongs to {claim.owner}" if claim else ""
    release = f", or release the second: `beatsync release {other!r}`" if releasable else ""
    message = f"this database takes {name!r} and {other!r} for one name{owner}"
    return Blocked("name-collision", message, (name, *sorted(others)), f"rename one of the two{release}")


def renamed_and_replaced(entry: Owned, row: Row) -> Blocked:
    """`row`, which belongs to `entry`, was renamed, and another row has the name of the entry."""
    message = f"the row of {entry.name!r} was renamed to {row.name!r}, and another row has the name {entry.name!r}"
    return Blocked("conflict", message, (entry.name, row.name), "delete or rename one of the two rows")


def unowned_row(name: str, reason: str) -> Blocked:
    """A row of this name exists, and this source does not own it."""
    message = f"a row named {name!r} exists and BeatSync does not own it; {reason}"
    return Blocked("conflict", message, (name,), "--adopt takes it over; otherwise rename one of the two")
