"""The database → `Board` and `Outlook`: all rows are read once, by a number of statements that depends on the number of sources only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from beatsync.plan.load import Load, count_load
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.plan.upcoming import Timed, Upcoming, merged, of_rows
from beatsync.report.board import Board, Outlook, SourceBoard
from beatsync.report.values import SourceStatus
from beatsync.shown import source_status
from beatsync.values import Crontab, Diagnostic

if TYPE_CHECKING:
    from beatsync.store import SourceState, Store

MAX_RUNS = 1_000
"""Next runs that are listed."""
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_INSTANT = timedelta(microseconds=1)


def read_board(store: Store, now: datetime) -> Board:
    """Return the state of all sources. Raises StoreError."""
    observed, inventories, leaders = store.observe(""), store.inventories(), store.leaders()
    warnings, by_id = store.file_warnings(), observed.rows_by_id()
    sources = tuple(
        _source_board(store, state, _own(observed, by_id, inventories.get(state.name, {})), leaders, warnings, now)
        for state in store.sources()
    )
    owned = [entry for inventory in inventories.values() for entry in inventory.values()]
    names, keys = {entry.name for entry in owned}, {entry.row_id for entry in owned}
    unowned = sum(row.name not in names and row.row_id not in keys for row in by_id.values())
    return Board(now, sources, unowned)


def read_outlook(store: Store, now: datetime) -> Outlook:
    """Return what runs next. Raises StoreError."""
    upcoming = _upcoming(store, now)
    runs = tuple(islice(merged(upcoming, now, now + _DAY), MAX_RUNS + 1))
    due = upcoming.due_after_last(now)
    return Outlook(
        now, runs[:MAX_RUNS], len(runs) > MAX_RUNS, upcoming.unknown, _load(upcoming, now), upcoming.last, due
    )


def _upcoming(store: Store, now: datetime) -> Upcoming:
    """Return what runs from `now` on. The rows themselves, which are large, are dropped on return."""
    rows, owned = store.observe("").rows.values(), store.owned()
    return from_now(of_rows(rows, owned, now), now)


def _own(observed: Observed, by_id: Mapping[int, Row], inventory: Mapping[str, Owned]) -> Observed:
    """Return what a source owns."""
    rows = (by_id.get(entry.row_id) for entry in inventory.values())
    return replace(observed, rows={row.name: row for row in rows if row is not None}, inventory=inventory)


def _source_board(
    store: Store,
    state: SourceState,
    observed: Observed,
    leaders: Mapping[str, str],
    warnings: Mapping[str, list[Diagnostic]],
    now: datetime,
) -> SourceBoard:
    status = source_status(store, state, observed, leaders.get(state.name), now)
    schedules, rows = status.schedules, len(status.rows)
    groups = Counter(row.group for row in status.rows if row.group is not None)
    return SourceBoard(_shortened(status), schedules, rows, tuple(warnings.get(state.name, ())), groups)


def _shortened(status: SourceStatus) -> SourceStatus:
    """Return the status with those rows only that pages list."""
    rows = [row for row in status.rows if row.is_drifted or row.conditions]
    return replace(status, rows=tuple(rows))


def from_now(upcoming: Upcoming, now: datetime) -> Upcoming:
    """Return the same runs from `now` on, counted from `now` where that is the same: rows with one crontab then share their runs."""
    return replace(upcoming, schedules=tuple(_from_now(each, now) for each in upcoming.schedules))


def _from_now(timed: Timed, now: datetime) -> Timed:
    table = timed.timetable
    if not isinstance(table.schedule, Crontab) or table.first is not None or table.one_off or table.after >= now:
        return timed
    return timed._replace(timetable=table._replace(after=now - _INSTANT))


def _load(upcoming: Upcoming, now: datetime) -> Load | None:
    if not upcoming.schedules:
        return None
    start = now.replace(minute=0, second=0, microsecond=0)
    return replace(count_load(upcoming.schedules, start, start + _WEEK), minutes={})
