"""Which sources this process leads: a lease in the database for each, renewed by a separate thread.

A process may be frozen at any time and wake long after its lease has expired. Therefore a lease is trusted only while it lasts by this
process's own clock, counted from before the request, and it is checked once more in the transaction that writes (a fence).
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Sequence
from threading import Event, Thread

from beatsync.store import Store, StoreError

LEASE = 30
"""Seconds that a lease lasts."""
RENEW = 10.0
"""Seconds between renewals, and between requests of a standby process."""
_MARGIN = 1.0
"""Seconds by which our clock may lag behind the database's during one lease."""
log = logging.getLogger(__name__)


class Leadership:
    """Acquires, renews and releases the leases of sources; calls `on_change` with each source whose leader or problem changed."""

    def __init__(self, store: Store, sources: Sequence[str], holder: str, on_change: Callable[[str], None]) -> None:
        self.problem: str | None = None
        """Why no lease can be requested; None while it can."""
        self._store = store
        self._holder = holder
        self._on_change = on_change
        self._token = uuid.uuid4().hex
        self._leads_until = dict.fromkeys(sources, 0.0)
        self._leaders: dict[str, str | None] = dict.fromkeys(sources)
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="leadership", daemon=True)

    def start(self) -> None:
        """Start requesting the leases."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Release the leases, so that another process need not wait until they expire. Return whether that was done in time."""
        self._stopping.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    def token(self, source: str) -> str | None:
        """Return the token of our lease on a source; None if we do not lead it, or can no longer be sure."""
        return self._token if time.monotonic() < self._leads_until[source] else None

    def leader(self, source: str) -> str | None:
        """Return the other process that leads a source, if any is known."""
        return self._leaders[source]

    def mark_lost(self, source: str) -> None:
        """Record that our lease on a source is not valid in the database."""
        self._leads_until[source] = 0.0

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._request_all()):
                pass
            self._release_all()
        except StoreError as error:
            log.warning("the leases could not be released: %s", error)
        finally:
            self._store.close()

    def _release_all(self) -> None:
        for source, until in self._leads_until.items():
            self._leads_until[source] = 0.0
            if until:
                self._store.release_lease(source, self._token)

    def _request_all(self) -> float:
        """Request every lease, and return the seconds until the next request."""
        try:
            self._store.refresh()
            waits = [self._request(source) for source in self._leads_until]
        except StoreError as error:
            self._set_problem(str(self._store.explained(error)))
        except Exception as error:  # without this thread there would be no leader: log the traceback and retry
            log.exception("unexpected error while requesting the leases")
            self._set_problem(f"{type(error).__name__}: {error}")
        else:
            self._set_problem(None)
            return min(RENEW, *waits)
        return RENEW / 5

    def _set_problem(self, problem: str | None) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        if problem is None:
            log.info("the leases can be requested again")
        else:
            log.warning("the leases cannot be requested: %s", problem)
        for source in self._leads_until:
            self._on_change(source)

    def _request(self, source: str) -> float:
        """Acquire or renew one lease, and return the seconds until the next request."""
        was_leader, requested_at = self.token(source) is not None, time.monotonic()
        if self._store.acquire_lease(source, self._holder, self._token, LEASE):
            self._leads_until[source] = requested_at + LEASE - _MARGIN
            self._leaders[source] = None
            if not was_leader:
                log.info("leading", extra={"fields": {"source": source}})
                self._on_change(source)
            return RENEW
        self._leads_until[source] = 0.0
        other = self._store.leader(source)
        if was_leader or (other and other.holder) != self._leaders[source]:
            self._leaders[source] = other.holder if other else None
            log.info("standing by", extra={"fields": {"source": source, "leader": self._leaders[source]}})
            self._on_change(source)
        # Shortly after the other lease expires, and not all replicas at the same time.
        return (other.seconds if other else 0.0) + random.uniform(0.1, 1.0)  # noqa: S311  not a secret
