"""Which sources this process leads: a lease in the database for each, renewed by a thread of its own.

A process may be frozen at any instant and wake long after its lease is over. So a lease is believed in only as long as it lasts by
this process's own clock, counted from before it was asked for, and is looked at once more in the transaction that writes (`fence`).
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
"""Seconds between renewals, and between looks of those who stand by."""
_MARGIN = 1.0
"""Seconds by which our clock may be slower than the database's over one lease."""
log = logging.getLogger(__name__)


class Leadership:
    """Holds, renews and gives back the leases of some sources; `changed` is told of each source of which something changed."""

    def __init__(self, store: Store, sources: Sequence[str], holder: str, changed: Callable[[str], None]) -> None:
        self.problem: str | None = None
        """Why the leases cannot be asked for; None while they can."""
        self._store = store
        self._holder = holder
        self._changed = changed
        self._token = uuid.uuid4().hex
        self._until = dict.fromkeys(sources, 0.0)
        self._leaders: dict[str, str | None] = dict.fromkeys(sources)
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="leadership", daemon=True)

    def start(self) -> None:
        """Begin to ask for the leases."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Give the leases back, so that another process need not wait for their end; return whether that was done in time."""
        self._stopping.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether leases are asked for."""
        return self._thread.is_alive()

    def token(self, source: str) -> str | None:
        """Return what proves that we lead a source; None where we do not, or no longer know."""
        return self._token if time.monotonic() < self._until[source] else None

    def leader(self, source: str) -> str | None:
        """Return who else leads a source, as far as we know."""
        return self._leaders[source]

    def lost(self, source: str) -> None:
        """Note that the database does not know us as the leader of a source any more."""
        self._until[source] = 0.0

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._ask()):
                pass
            for source, until in self._until.items():
                self._until[source] = 0.0
                if until:
                    self._store.stand_down(source, self._token)
        except StoreError as error:
            log.warning("the lease could not be given back: %s", error)
        finally:
            self._store.close()

    def _ask(self) -> float:
        """Ask for every lease, and return when to ask again, in seconds."""
        try:
            self._store.refresh()
            waits = [self._ask_for(source) for source in self._until]
        except StoreError as error:
            self._found(str(self._store.explained(error)))
        except Exception as error:  # without this thread nobody would lead: it is told whole, and tried again
            log.exception("a bug of BeatSync's")
            self._found(f"{type(error).__name__}: {error}")
        else:
            self._found(None)
            return min(RENEW, *waits)
        return RENEW / 5

    def _found(self, problem: str | None) -> None:
        """Tell of a problem that is new or over."""
        if problem == self.problem:
            return
        self.problem = problem
        if problem is None:
            log.info("the leases can be asked for again")
        else:
            log.warning("the lease cannot be asked for: %s", problem)
        for source in self._until:
            self._changed(source)

    def _ask_for(self, source: str) -> float:
        led, begun = self.token(source) is not None, time.monotonic()
        if self._store.lead(source, self._holder, self._token, LEASE):
            self._until[source] = begun + LEASE - _MARGIN
            self._leaders[source] = None
            if not led:
                log.info("leading", extra={"fields": {"source": source}})
                self._changed(source)
            return RENEW
        self._until[source] = 0.0
        other = self._store.leader(source)
        if led or (other and other.holder) != self._leaders[source]:
            self._leaders[source] = other.holder if other else None
            log.info("standing by", extra={"fields": {"source": source, "leader": self._leaders[source]}})
            self._changed(source)
        # Soon after its end, and not all who stand by at one instant.
        return (other.left if other else 0.0) + random.uniform(0.1, 1.0)  # noqa: S311  no secret
