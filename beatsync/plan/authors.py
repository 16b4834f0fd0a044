"""Who caused a drift: which rows to ask about, and the answers as notes in the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from beatsync.plan.jsonform import change_json
from beatsync.plan.model import Cause, Change, Plan
from beatsync.plan.observed import Observed
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.values import SCHEDULE_FIELDS

_WRITTEN_BY_BEAT = frozenset(
    {*SCHEDULE_FIELDS, *(field.name for field in FIELD_TABLE if not (field.restarts or field.rearms))}
) - {"name", "description"}
"""What beat writes of an entry of its application's `beat_schedule` at every start (docs/facts.md, 9)."""
RECURRING_DRIFT = (
    "the same drift was corrected before: if the celery application's beat_schedule has this name, remove it there"
)


def drifted_rows(plan: Plan, observed: Observed) -> list[int]:
    """Return the keys, sorted, of the drifted or deleted rows that the plan would correct."""
    rows = (_row_id(change, observed) for change in plan.changes if _is_drift(change))
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
    drifted = {_key(change_json(change)): change for change in plan.changes if _may_be_beat(change)}
    recurring = {key for changes in past for key in map(_key, changes) if key in drifted}
    rows = ((key, _row_id(change, observed)) for key, change in drifted.items())
    return {row_id: RECURRING_DRIFT for key, row_id in rows if key in recurring and row_id is not None}


def _may_be_beat(change: Change) -> bool:
    fields = change.fields if change.cause is Cause.DRIFT else ()
    return bool(fields) and all(field.field in _WRITTEN_BY_BEAT for field in fields)


def _key(change: Mapping[str, Any]) -> str:
    return repr((change["action"], change["name"], [sorted(field.items()) for field in change["fields"]]))


def _with_author(change: Change, observed: Observed, authors: Mapping[int, str]) -> Change:
    row_id = _row_id(change, observed)
    author = authors.get(row_id) if row_id is not None and _is_drift(change) else None
    if author is None:
        return change
    return change._replace(note=f"{change.note}; {author}" if change.note else author)


def _row_id(change: Change, observed: Observed) -> int | None:
    if change.row_id is not None:
        return change.row_id
    entry = observed.inventory.get(change.name)
    return entry.row_id if entry else None


def _is_drift(change: Change) -> bool:
    """Return whether anything of the change is drift; all fields of a new row have the cause of the change."""
    return change.cause is Cause.DRIFT or any(field.cause is Cause.DRIFT for field in change.field_changes)
