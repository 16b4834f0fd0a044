"""What the database knows about a schedule and about a source, as the values that are shown: for commands, the admin and the dashboard."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from beatsync.fingerprint import Scope
from beatsync.plan.drift import states
from beatsync.plan.observed import APPLICATION, Observed
from beatsync.report.links import source_url
from beatsync.report.values import ShownSchedule, SourceStatus
from beatsync.specfile.every.definitions import MAX_ROWS
from beatsync.values import Location, group_row_name

if TYPE_CHECKING:
    from beatsync.store import SourceState, Store

CHANGES = 5
"""Entries of the history that are shown of a schedule."""


def shown_schedule(store: Store, name: str, now: datetime, template: str | None = None) -> ShownSchedule | None:
    """Return what the database knows about the schedule, or the unowned row, of this name; None if there is neither.

    It takes a few statements, however many rows there are. `template` is that of `source_url`. Raises StoreError.
    """
    # Imports celery's schedules, which `status` does not need.
    from beatsync.plan.details import schedule_details

    source = store.owner(name)
    details = schedule_details(name, _observe(store, source, name), now)
    if details is None:
        return None
    authors = store.authors(details.row_ids)
    changes = store.history(None, CHANGES, details.name)
    state = next((state for state in store.sources() if state.name == source), None)
    if state is None or source is None or details.path is None:
        return ShownSchedule(details, authors=authors, changes=changes)
    facts = store.schedule_facts(source, details.path, details.name)
    place = Location(details.path, facts.line, facts.column) if facts else None
    commit = state.revision.git if state.revision else None
    url = source_url(state.origin, commit, details.path, place.line if place else None, template)
    clauses = facts.clauses or () if facts else ()
    return ShownSchedule(
        details, source, state.origin, state.revision, state.synced_at, place, url, authors, changes, clauses
    )


def _observe(store: Store, source: str | None, name: str) -> Observed:
    """Return the entries and rows of the schedule that has this name, or a row of this name."""
    observed = store.observe(source or "", Scope(frozenset({name})))
    entry = observed.inventory.get(name)
    if entry is None or entry.group is None:
        return observed
    numbers = range(1, MAX_ROWS + 1)
    names = frozenset({name, *(group_row_name(entry.group, number) for number in numbers)})
    return store.observe(source or "", Scope(names))


def source_status(
    store: Store, state: SourceState, observed: Observed, leader: str | None, now: datetime
) -> SourceStatus:
    """Return the status of a source; `observed` holds all of its entries with their rows. Raises StoreError."""
    rows = states(observed, now)
    is_application = state.kind == APPLICATION
    changes = store.history(state.name, 1) if is_application else ()
    noted = [row.row_id for row in rows if row.is_drifted or row.is_paused]
    return SourceStatus(
        name=state.name,
        origin=state.origin,
        revision=state.revision,
        environment=state.environment,
        synced_at=changes[0].finished_at if changes else state.synced_at,
        outcome=state.outcome,
        message=state.message,
        rows=rows,
        suspension=state.suspension if state.suspension and state.suspension.holds(now) else None,
        leader=leader,
        authors=store.authors(noted),
        is_application=is_application,
        timezone=state.timezone,
    )
