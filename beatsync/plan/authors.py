"""Who caused a drift: which rows to ask about, and the answers as notes in the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from beatsync.plan.jsonform import change_json
from beatsync.plan.model import Cause, Change, Plan
from beatsync.plan.observed import Observed
from beatsync.values import SCHEDULE_FIELDS

_WRITTEN_BY_BEAT = frozenset(
    (*SCHEDULE_FIELDS, *"task args kwargs headers queue exchange routing_key priority expire_seconds".split())
)
"""What beat writes of an entry of its application's `beat_schedule` at every start (docs/facts.md, 9)."""
RECURRING_DRIFT = (
    "the same drift was corrected before: if the celery application's beat_schedule has this name, remove it there"
)


def drifted_rows(plan: Plan, observed: Observed) -> list[int]:
    """Return the keys, sorted, of the drifted or deleted rows that the plan would correct."""
    rows = (_drifted_row(change, observed) for change in plan.changes)
    return sorted({row_id for row_id in rows if row_id is not None})


def with_authors(plan: Plan, observed: Observed, authors: Mapping[int, str]) -> Plan:
    """Return the plan with the author of each drift, by row, added to the change's note; nothing else changes."""
    if not authors:
        return plan
    return replace(plan, changes=tuple(_with_author(change, observed, authors) for change in plan.changes))


def recurring_drift(plan: Plan, observed: Observed, past: Iterable[Sequence[Mapping[str, Any]]]) -> dict[int, str]:
    """Return a note, by row, for each drift that an earlier sync already corrected, with the same fields and values.

    Beat causes that for a name in `beat_schedule`, which cannot be read if the application's code is unavailable. `past`
    are the changes of earlier syncs, in the form of `change_json`.
    """
    rows = {
        _key(change_json(change, {})): row_id
        for change in plan.changes
        if change.cause is Cause.DRIFT
        and (row_id := _drifted_row(change, observed)) is not None
        and change.fields
        and all(field.field in _WRITTEN_BY_BEAT for field in change.fields)
    }
    return {rows[key]: RECURRING_DRIFT for changes in past for key in map(_key, changes) if key in rows}


def _key(change: Mapping[str, Any]) -> str:
    return repr((change["action"], change["name"], [sorted(field.items()) for field in change["fields"]]))


def _with_author(change: Change, observed: Observed, authors: Mapping[int, str]) -> Change:
    row_id = _drifted_row(change, observed)
    author = authors.get(row_id) if row_id is not None else None
    if author is None:
        return change
    return change._replace(note=f"{change.note}; {author}" if change.note else author)


def _drifted_row(change: Change, observed: Observed) -> int | None:
    """Return the key of the row whose drift the change corrects, or had before it was deleted; None without a drift."""
    # All fields of a new row have the cause of the change.
    if change.cause is not Cause.DRIFT and all(field.cause is Cause.SPEC for field in change.field_changes):
        return None
    entry = observed.inventory.get(change.name)
    return entry.row_id if change.row_id is None and entry is not None else change.row_id
