"""Who is behind a drift: which rows to ask about, and the answer in the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from beatsync.plan.model import Cause, Change, Observed, Plan


def drifted_rows(plan: Plan, observed: Observed) -> list[int]:
    """Return the rows that somebody changed or deleted, as far as the plan would do something about it."""
    rows = (_row_id(change, observed) for change in plan.changes if _is_drift(change))
    return sorted({row_id for row_id in rows if row_id is not None})


def with_authors(plan: Plan, observed: Observed, authors: Mapping[int, str]) -> Plan:
    """Return the plan with what is known of each drift's author in the change's note; nothing else changes."""
    if not authors:
        return plan
    return replace(plan, changes=tuple(_noted(change, observed, authors) for change in plan.changes))


def _noted(change: Change, observed: Observed, authors: Mapping[int, str]) -> Change:
    row_id = _row_id(change, observed)
    said = authors.get(row_id) if row_id is not None and _is_drift(change) else None
    if said is None:
        return change
    return replace(change, note=f"{change.note}; last {said}" if change.note else f"last {said}")


def _row_id(change: Change, observed: Observed) -> int | None:
    if change.row_id is not None:
        return change.row_id
    entry = observed.inventory.get(change.name)
    return entry.row_id if entry else None


def _is_drift(change: Change) -> bool:
    return change.cause is Cause.DRIFT or any(field.cause is Cause.DRIFT for field in change.fields)
