"""Observed rows → schedules to write, and the rows that are left out or that no file can declare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from beatsync.convert.remarks import Conversion, Remark
from beatsync.plan.inventory import applied_fields
from beatsync.plan.observed import Owned, Row
from beatsync.specfile.write import Entry
from beatsync.values import DEFAULT_POLICY, Clocked, Policy

CLEANUP = "celery.backend_cleanup"
"""The row that beat itself writes at every start."""
WRITTEN_BY_BEAT = "beat writes this row itself at every start"
DISABLED = "was disabled when exported"


class Selection(NamedTuple):
    """Which rows are exported."""

    names: Collection[str] = ()
    """Only these, owned or not; empty: all that the other fields select."""
    include_owned: bool = False
    task: str | None = None
    """A pattern of the task's name, with `*` and `?`."""
    each_row: bool = False
    """Whether each row of `every` is exported as a separate schedule."""

    def includes(self, row: Row, *, is_owned: bool) -> bool:
        """Return whether a row is exported."""
        if self.names and row.name not in self.names:
            return False
        if self.task is not None and not fnmatchcase(row.spec.task, self.task):
            return False
        return bool(self.names) or self.include_owned or not is_owned


def convert_rows(
    rows: Iterable[Row],
    duplicates: Mapping[str, Collection[int]],
    inventory: Mapping[str, Owned],
    now: datetime,
    *,
    each_row: bool = False,
) -> Conversion:
    """Return the schedules of rows. `inventory` holds the entries of owned rows by the row's name, `duplicates` the keys of rows that share a name.

    A schedule with `every` is refused once, unless `each_row` makes a schedule of each of its rows.
    """
    conversion = Conversion()
    groups: dict[str, Remark] = {}
    for row in rows:
        entry = inventory.get(row.name)
        if reason := _reason_left_out(row, now):
            conversion.left_out.append(Remark(row.name, reason))
        elif row.name in duplicates:
            conversion.refused.append(Remark(row.name, f"{len(duplicates[row.name])} rows have this name"))
        elif entry is not None and entry.group is not None and not each_row:
            reason = f"{entry.path} declares it with `every`, and a row is only a part of it; copy it from there"
            groups.setdefault(entry.group, Remark(entry.group, reason))
        else:
            conversion.add(entry_of(row, entry))
    conversion.refused += groups.values()
    conversion.sort()
    return conversion


def _reason_left_out(row: Row, now: datetime) -> str | None:
    """Return why a fresh database does not need a row: it is finished, or beat writes it; None if it does."""
    spec = row.spec
    if row.name == CLEANUP:
        return WRITTEN_BY_BEAT
    if isinstance(spec.schedule, Clocked):
        passed = spec.schedule.clocked_time <= now
        return f"its clocked time {spec.schedule.clocked_time.isoformat()} has passed" if passed else None
    if spec.expires is not None and spec.expires <= now:
        return f"it expired at {spec.expires.isoformat()}"
    if spec.one_off and (row.total_run_count or not spec.enabled):
        return (
            "it is a one-off that has run"
            if row.total_run_count
            else "it is a one-off that is disabled: beat does that when it has run"
        )
    return None


def entry_of(row: Row, entry: Owned | None = None) -> Entry:
    """Return a row as a schedule to write; with its inventory entry also what the file says of its policy and of `enabled`."""
    applied = applied_fields(entry.applied) if entry is not None else None
    enabled = applied["enabled"] if applied is not None else None
    if not row.spec.enabled:
        return Entry(row.spec, _policy(entry), False, DISABLED if enabled is not False else "")
    return Entry(row.spec, _policy(entry), True if enabled else None)


def _policy(entry: Owned | None) -> Policy:
    """Return the policy as a file says it, where `protect: false` is left out."""
    return DEFAULT_POLICY if entry is None else replace(entry.policy, protect=entry.policy.protect or None)
