"""What is written about a source without a sync: a failure, a suspension."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from beatsync.plan.observed import Suspension
from beatsync.store import history, lease, lock, sources
from beatsync.store.dialects import Dialect
from beatsync.store.history import Failure

SUSPEND_WAIT = 30.0
"""Seconds that suspending waits for a sync that is at work."""
FAILURE_WAIT = 1.0
"""Seconds that recording a failure waits for the source's lock."""


@contextmanager
def _locked(db: Dialect, source: str, wait: float, lease_token: str | None = None) -> Iterator[int]:
    """Run the body in a short transaction under the lock of `source`, without recording a holder; yields the source's id."""
    lock.ensure(db, source, wait)
    with transaction.atomic(using=db.connection.alias):
        source_id = lock.take(db, source, wait)
        lease.check(db, source, lease_token)
        yield source_id


def write_failure(db: Dialect, source: str, failure: Failure, lease_token: str | None) -> None:
    """Record a sync that did nothing. Raises LockHeld, LeaseLost."""
    with _locked(db, source, FAILURE_WAIT, lease_token) as source_id:
        sources.write(db, source_id, {"outcome": failure.outcome, "message": failure.message})
        history.write_failure(db, source_id, failure)


def suspend(db: Dialect, source: str, suspension: Suspension | None) -> None:
    """Suspend a source, or resume it if `suspension` is None. Raises LockHeld."""
    with _locked(db, source, SUSPEND_WAIT) as source_id:
        sources.write_suspension(db, source_id, suspension)
