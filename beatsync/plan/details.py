"""One schedule in detail: each of its rows against what was last applied, its last and its next runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice

from beatsync.plan.drift import RowState, states
from beatsync.plan.groups import row_order
from beatsync.plan.inventory import applied_fields
from beatsync.plan.mask import masked_fields
from beatsync.plan.model import Cause, FieldChange
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.plan.upcoming import merged, of_rows
from beatsync.values import DEFAULT_FIELDS, Crontab

RUNS = 5
"""Next runs that are shown."""


@dataclass(frozen=True, slots=True)
class RowDetails:
    """One row of a schedule; `row` is None if it was deleted, and `state` if no source owns it."""

    name: str
    row: Row | None
    state: RowState | None
    fields: tuple[FieldChange, ...] = ()
    """The fields that are not at their defaults, masked: `before` is the row's value, `after` the one last applied."""


@dataclass(frozen=True, slots=True)
class ScheduleDetails:
    """One schedule with all of its rows."""

    name: str
    rows: tuple[RowDetails, ...]
    path: str | None = None
    """The file that declares it, relative to the source's directory; None if no source owns it."""
    runs: tuple[datetime, ...] = ()
    """The next runs of all rows, in UTC."""
    timezone: str = "UTC"

    @property
    def common_fields(self) -> tuple[FieldChange, ...]:
        """Return the fields that are the same in all rows that were not deleted, without the crontab."""
        first, *others = [each.fields for each in self.rows if each.row is not None] or [()]
        return tuple(field for field in first if field.field != "crontab" and all(field in fields for fields in others))

    @property
    def row_ids(self) -> list[int]:
        """Return the keys of the rows, also of one that was deleted."""
        present = [each.row.row_id for each in self.rows if each.row is not None]
        return present + [each.state.row_id for each in self.rows if each.row is None and each.state is not None]


def schedule_details(name: str, observed: Observed, now: datetime) -> ScheduleDetails | None:
    """Return the schedule of this name or with a row of this name; None if there is neither an entry nor a row.

    `observed` holds all rows of the schedule.
    """
    entry = observed.inventory.get(name)
    schedule = name if entry is None else entry.schedule
    rows = _owned_rows(schedule, observed, now) or _unowned_row(name, observed)
    if not rows:
        return None
    present = [each.row for each in rows if each.row is not None]
    zones = [row.spec.schedule.timezone for row in present if isinstance(row.spec.schedule, Crontab)]
    runs = groupby(run.at for run in merged(of_rows(present, (), now), now, None))
    state = rows[0].state
    return ScheduleDetails(
        schedule,
        tuple(rows),
        state.path if state is not None else None,
        tuple(run for run, _ in islice(runs, RUNS)),
        zones[0] if zones else "UTC",
    )


def _owned_rows(schedule: str, observed: Observed, now: datetime) -> list[RowDetails]:
    by_id = observed.rows_by_id()
    entries = {name: entry for name, entry in observed.inventory.items() if entry.schedule == schedule}
    ordered = sorted(states(replace(observed, inventory=entries), now), key=lambda state: row_order(state.name))
    rows = [None if state.missing else by_id[state.row_id] for state in ordered]
    return [
        RowDetails(state.name, row, state, _fields(row, entries[state.name]))
        for state, row in zip(ordered, rows, strict=True)
    ]


def _unowned_row(name: str, observed: Observed) -> list[RowDetails]:
    row = observed.rows.get(name)
    return [] if row is None else [RowDetails(name, row, None, _fields(row, None))]


def _fields(row: Row | None, entry: Owned | None) -> tuple[FieldChange, ...]:
    """Return the fields of a row that are not at their defaults or not as last applied, masked."""
    have = row.spec.fields() if row is not None else {}
    applied = applied_fields(entry.applied) if entry is not None else None
    last = have if applied is None else {**applied}
    if last.get("enabled") is None:
        last = {**last, "enabled": have.get("enabled")}  # the file leaves it to the operator
    fields = [
        FieldChange(field, have.get(field), last.get(field), Cause.DRIFT)
        for field in dict.fromkeys((*have, *last))
        if field != "name" and {have.get(field), last.get(field)} != {DEFAULT_FIELDS.get(field)}
    ]
    return masked_fields(fields, entry.policy.sensitive if entry is not None else ())
