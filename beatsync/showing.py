"""Everything that the database knows about one schedule, for `show`, the Django admin and the dashboard."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from beatsync.fingerprint import Scope
from beatsync.plan.details import schedule_details
from beatsync.report.links import source_url
from beatsync.report.values import ShownSchedule
from beatsync.specfile.every.definitions import MAX_ROWS
from beatsync.values import group_row_name

if TYPE_CHECKING:
    from beatsync.store import Store

CHANGES = 5
"""Entries of the history that are shown."""


def shown_schedule(store: Store, name: str, now: datetime, url_template: str | None = None) -> ShownSchedule | None:
    """Return the schedule of this name, or with a row of this name; None if there is neither. Raises StoreError.

    `url_template` is `BEATSYNC["SOURCE_URL"]`. Only the rows of the schedule are read.
    """
    source = store.owner(name)
    observed = store.observe(source or "", Scope(_row_names(name)))
    details = schedule_details(name, observed, now)
    if details is None:
        return None
    authors = store.authors(details.row_ids)
    changes = store.history(None, CHANGES, details.name)
    state = next((state for state in store.sources() if state.name == source), None)
    if state is None or source is None or details.path is None:
        return ShownSchedule(details, authors=authors, changes=changes)
    place = store.location(source, details.path, details.name)
    commit = state.revision.git if state.revision else None
    url = source_url(state.origin, commit, details.path, place.line if place else None, url_template)
    return ShownSchedule(details, source, state.origin, state.revision, state.synced_at, place, url, authors, changes)


def _row_names(name: str) -> frozenset[str]:
    """Return the names that the rows of a schedule with a row of this name may have."""
    schedule, _, number = name.rpartition("#")
    first = schedule if schedule and number.isdecimal() else name
    return frozenset({name, *(group_row_name(first, number) for number in range(1, MAX_ROWS + 1))})
