"""Why a declared schedule cannot have its name or its row."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from beatsync.plan.inventory import damaged_columns
from beatsync.plan.model import Blocked
from beatsync.plan.observed import Claim, Owned, Row
from beatsync.values import Declared, Diagnostic, Location, Severity

_COLLISION = "name-collision"
_REMOVE_FROM_OTHER = "rename one of the two, or remove it from the other source first"
_FORGET_DELETED_SOURCE = (
    "DELETE FROM beatsync_inventoryentry WHERE source_id NOT IN (SELECT id FROM beatsync_source) removes its entries;"
    " then --adopt takes ownership of the rows"
)

_ADOPT = "--adopt takes ownership of it, as does `sync: {adopt: true}` in the spec"


def owned_elsewhere(declared: Declared, claim: Claim) -> Blocked:
    """Another source owns the name or the row."""
    name, hint = declared.spec.name, _FORGET_DELETED_SOURCE if claim.source is None else _REMOVE_FROM_OTHER
    message = f"{name!r}, declared in {declared.location}, belongs to {claim.owner}, which declared it in {claim.path}"
    return Blocked("owned-elsewhere", message, (name,), hint)


def in_beat_schedule(name: str) -> Blocked:
    """Beat itself writes a row of this name (docs/facts.md, 9)."""
    message = f"{name!r} is also in the celery application's beat_schedule, which beat writes at every start"
    hint = (
        "remove it from beat_schedule, or from the code that calls add_periodic_task: its row stays, and `sync --adopt` takes"
        " ownership of it"
    )
    return Blocked("beat-schedule", message, (name,), hint)


def name_collision(name: str, others: frozenset[str], claim: Claim | None, releasing_source: str | None) -> Blocked:
    """The database treats the name and `others` as the same name.

    `claim` is that of another source on the first of them. `releasing_source` is the source to release it from, if it is only an
    inventory entry.
    """
    other = min(others)
    owner = f", and the second belongs to {claim.owner}" if claim else ""
    release = ""
    if releasing_source is not None:
        release = f", or release the second: {_release(releasing_source, other)}"
    message = f"this database treats {name!r} and {other!r} as the same name{owner}"
    return Blocked(_COLLISION, message, (name, *sorted(others)), f"rename one of the two{release}")


def distinct_collisions(blocked: Iterable[Blocked]) -> list[Blocked]:
    """Return the reasons without those that repeat a collision from the other name's side."""
    distinct: dict[object, Blocked] = {}
    for number, reason in enumerate(blocked):
        distinct.setdefault(frozenset(reason.names) if reason.code == _COLLISION else number, reason)
    return list(distinct.values())


def renamed_and_replaced(entry: Owned, row: Row) -> Blocked:
    """`row`, which belongs to `entry`, was renamed, and another row has the name of the entry."""
    message = f"the row of {entry.name!r} was renamed to {row.name!r}, and another row has the name {entry.name!r}"
    return Blocked("conflict", message, (entry.name, row.name), "delete or rename one of the two rows")


def rename_target_exists(name: str, old_name: str) -> Blocked:
    """A row is to be renamed to `name`, and another row has that name. `--adopt` does not help."""
    message = f"{name!r} is declared with renamed_from: {old_name}, and each of the two names has a row"
    return Blocked("conflict", message, (name, old_name), "delete or rename one of the two rows")


def unowned_row(name: str, reason: str) -> Blocked:
    """A row of this name exists, and this source does not own it."""
    message = f"a row named {name!r} exists and BeatSync does not own it; {reason}"
    return Blocked("conflict", message, (name,), f"{_ADOPT}; otherwise rename one of the two")


def replaced_row(entry: Owned, row: Row, source: str) -> Blocked:
    """The row of `entry` is gone, and `row`, which has another key and other values, has its name."""
    message = (
        f"the row of {entry.name!r} (key {entry.row_id}) is gone, and an unowned row with other values has its name"
        f" (key {row.row_id}): an operator created it, or the table was restored"
    )
    hint = f"{_ADOPT}; otherwise rename it, or release the name: {_release(source, entry.name)}"
    return Blocked("conflict", message, (entry.name,), hint)


def duplicate_rows(name: str, row_ids: tuple[int, ...]) -> Blocked:
    """Several rows have this name, and which of them beat runs is not defined."""
    keys = f"{', '.join(map(str, row_ids[:-1]))} and {row_ids[-1]}"
    message = f"{len(row_ids)} rows are named {name!r} (keys {keys}): the table has lost its unique index on names"
    return Blocked(
        "duplicate-rows", message, (name,), "delete or rename all but one of them, then create the index again"
    )


def damaged_entry(entry: Owned, source: str) -> Blocked:
    """No file declares the schedule of a damaged entry, so nothing says what to do with its row."""
    return Blocked(
        "inventory-damaged",
        _damage(entry),
        (entry.name,),
        f"declare it again, or release it: {_release(source, entry.name)}",
    )


def healed_entry(entry: Owned, location: Location) -> Diagnostic | None:
    """Return the warning that this sync writes the damaged `entry` again; None if it is not damaged."""
    if not damaged_columns(entry):
        return None
    hint = "a sync writes the entry again from the file; check what else was changed with SQL or by a broken restore"
    return Diagnostic(Severity.WARNING, "inventory-damaged", _damage(entry), location, hint)


def _damage(entry: Owned) -> str:
    columns = ", ".join(damaged_columns(entry))
    return f"the inventory entry {entry.entry_id} of {entry.name!r} is damaged: {columns} cannot be read"


def _release(source: str, name: str) -> str:
    return f"`{shlex.join(['beatsync', 'release', '--source', source, name])}`"
