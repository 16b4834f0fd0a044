"""What is noted of a source apart from a sync that writes rows: its revision, a failure, a suspension."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from beatsync.plan.model import Plan
from beatsync.plan.observed import Suspension
from beatsync.store import lease, lock, records, times
from beatsync.store.records import Failure
from beatsync.store.suspension import write_suspension

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

SUSPEND_WAIT = 30.0
"""Seconds that suspending may wait for a sync that is at work."""
NOTE_WAIT = 1.0
"""Seconds that noting a revision or a failure may wait for the source's lock."""


@contextmanager
def _locked(connection: BaseDatabaseWrapper, source: str, wait: float, lease_token: str | None = None) -> Iterator[int]:
    """One short transaction under the lock of `source`, of which no holder is noted; yields the source's id."""
    lock.ensure(connection, source, wait)
    with transaction.atomic(using=connection.alias):
        source_id = lock.take(connection, source, wait)
        lease.fence(connection, source, lease_token)
        yield source_id


def write_revision(connection: BaseDatabaseWrapper, plan: Plan, now: datetime, lease_token: str | None) -> None:
    """Note what a sync that changed no row was a sync of. Raises LockHeld and LeaseLost."""
    with _locked(connection, plan.source, NOTE_WAIT, lease_token) as source_id:
        stamp = times.write(now, times.zone_of(connection))
        values = records.synced(plan.revision, plan.origin, plan.environment, stamp)
        records.write_source(connection, source_id, values)
        records.write_marks(connection, plan)


def write_failure(connection: BaseDatabaseWrapper, source: str, failure: Failure, lease_token: str | None) -> None:
    """Note a sync that did nothing; where it is the last one's failure again, only move that one's end. Raises as above."""
    with _locked(connection, source, NOTE_WAIT, lease_token) as source_id:
        told = records.told_of(failure.plan)
        row = records.history_row(source_id, failure.outcome, failure.message, failure.holder, told)
        row["started_at"] = row["finished_at"] = times.write(failure.at, times.zone_of(connection))
        records.write_source(connection, source_id, {"outcome": failure.outcome, "message": failure.message})
        if not records.prolong_last(connection, source_id, row):
            records.write_history(connection, row)


def suspend(connection: BaseDatabaseWrapper, source: str, suspension: Suspension | None) -> None:
    """Leave a source alone from now on, or with None no longer. Raises LockHeld."""
    with _locked(connection, source, SUSPEND_WAIT) as source_id:
        write_suspension(connection, source_id, suspension)
