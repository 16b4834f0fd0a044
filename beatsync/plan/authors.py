"""Who is behind a drift: which rows to ask about, and the answer in the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from beatsync.plan.jsonform import change_json
from beatsync.plan.model import Action, Cause, Change, Plan
from beatsync.plan.observed import Observed
from beatsync.values import SCHEDULE_FIELDS

_BEATS_OWN = frozenset(
    {*SCHEDULE_FIELDS, *"task args kwargs headers queue exchange routing_key priority expire_seconds".split()}
)
"""What beat writes of an entry of its application's `beat_schedule`, at every start (FACTS 9)."""
AGAIN = "the same drift was healed before: if the celery application's beat_schedule has this name, take it out there"


def drifted_rows(plan: Plan, observed: Observed) -> list[int]:
    """Return the rows that somebody changed or deleted, as far as the plan would do something about it."""
    rows = (_row_id(change, observed) for change in plan.changes if _is_drift(change))
    return sorted({row_id for row_id in rows if row_id is not None})


def with_authors(plan: Plan, observed: Observed, authors: Mapping[int, str]) -> Plan:
    """Return the plan with what is known of each drift's author, by row, in the change's note; nothing else changes."""
    if not authors:
        return plan
    return replace(plan, changes=tuple(_noted(change, observed, authors) for change in plan.changes))


def come_again(plan: Plan, observed: Observed, past: Iterable[Sequence[Mapping[str, Any]]]) -> dict[int, str]:
    """Return what is to be said of drifts that were healed before and are there again, field for field.

    Beat does that to a name in `beat_schedule`, which nobody can look up where the application's code is not at hand.
    `past` are the changes of earlier syncs, as `change_json` says them.
    """
    drifted = {_key(change_json(change)): change for change in plan.changes if _is_beats(change)}
    again = {key for changes in past for key in map(_key, changes) if key in drifted}
    rows = ((key, _row_id(change, observed)) for key, change in drifted.items())
    return {row_id: AGAIN for key, row_id in rows if key in again and row_id is not None}


def _is_beats(change: Change) -> bool:
    return bool(change.fields) and all(f.cause is Cause.DRIFT and f.field in _BEATS_OWN for f in change.fields)


def _key(change: Mapping[str, Any]) -> str:
    return repr((change["action"], change["name"], [sorted(field.items()) for field in change["fields"]]))


def _noted(change: Change, observed: Observed, authors: Mapping[int, str]) -> Change:
    row_id = _row_id(change, observed)
    said = authors.get(row_id) if row_id is not None and _is_drift(change) else None
    if said is None:
        return change
    return change._replace(note=f"{change.note}; {said}" if change.note else said)


def _row_id(change: Change, observed: Observed) -> int | None:
    if change.row_id is not None:
        return change.row_id
    entry = observed.inventory.get(change.name)
    return entry.row_id if entry else None


def _is_drift(change: Change) -> bool:
    if change.cause is Cause.DRIFT or change.action is Action.CREATE:
        return change.cause is Cause.DRIFT  # every field of a new row has the cause of the change
    return any(field.cause is Cause.DRIFT for field in change.fields)
