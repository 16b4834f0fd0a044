"""Runs one daemon: the loops of its sources, the leases, the endpoints, signals, and a shutdown within the grace period."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from beatsync.daemon import systemd
from beatsync.daemon.http import Endpoints, PageRequest, PageResponse, Server
from beatsync.daemon.leadership import Leadership
from beatsync.daemon.loop import SourceLoop
from beatsync.daemon.metrics import Metrics
from beatsync.plan.jsonform import FORMAT_VERSION

if TYPE_CHECKING:
    from beatsync.store import Store

HUNG = 300.0
"""Seconds without progress after which a loop counts as hung."""
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_TICK = 0.2
"""Seconds until a signal is handled."""
log = logging.getLogger(__name__)


class Supervisor:
    """Runs loops until a signal stops them."""

    def __init__(self, loops: Sequence[SourceLoop], store: Store, holder: str, metrics: Metrics, grace: float) -> None:
        self._loops = {loop.name: loop for loop in loops}
        self._leadership = Leadership(
            store, list(self._loops), holder, lambda source: self._loops[source].request_sync("leadership")
        )
        self._metrics = metrics
        self._holder = holder
        self._grace = grace
        self._stop_requested = self._sync_requested = False
        self._server: Server | None = None
        self._started = time.monotonic()

    def listen(
        self, host: str, port: int, token: str | None, pages: Callable[[PageRequest], PageResponse] | None = None
    ) -> Server:
        """Serve the endpoints on an address while `run` runs. Raises OSError if the address cannot be bound."""
        endpoints = Endpoints(
            self.health_problem,
            self.readiness_problem,
            self.status,
            self._metrics.text,
            self.request_sync,
            token,
            pages,
        )
        self._server = Server(host, port, endpoints)
        return self._server

    def run(self) -> bool:
        """Run until SIGTERM or SIGINT, in the main thread; return whether everything ended within the grace period."""
        handlers = {number: signal.signal(number, self._on_signal) for number in (*_STOP_SIGNALS, signal.SIGHUP)}
        try:
            if self._server is not None:
                self._server.start()
                log.info("listening", extra={"fields": {"host": self._server.host, "port": self._server.port}})
            self._leadership.start()
            for loop in self._loops.values():
                loop.start(self._leadership)
            self._wait_for_stop()
            return self._shut_down()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def request_sync(self, source: str | None, reason: str = "request") -> bool:
        """Request a sync of one source, or of all for None; return False if the source is unknown."""
        loops = [loop for name, loop in self._loops.items() if source in {None, name}]
        for loop in loops:
            loop.request_sync(reason)
        return bool(loops)

    def health_problem(self) -> str | None:
        """Return which thread has stopped or makes no progress; None if all are well."""
        if not self._leadership.is_alive():
            return "the thread that renews the leases has stopped"
        now = time.monotonic()
        for name, loop in self._loops.items():
            idle = now - loop.heartbeat
            if idle > HUNG or not loop.is_alive():
                return f"the loop of source {name!r} has made no progress for {idle:.0f} s"
        return None

    def readiness_problem(self) -> str | None:
        """Return which sources were neither synced nor led by another process yet; None if all were."""
        waiting = [name for name, loop in self._loops.items() if not loop.report.was_ready]
        return f"not synced yet: {', '.join(waiting)}" if waiting else None

    def status(self) -> dict[str, Any]:
        """Return the JSON of `schemas/daemon.schema.json`."""
        return {
            "format_version": FORMAT_VERSION,
            "holder": self._holder,
            "uptime_seconds": round(time.monotonic() - self._started, 3),
            "healthy": self.health_problem() is None,
            "ready": self.readiness_problem() is None,
            "sources": [loop.report.json() for loop in self._loops.values()],
        }

    def _wait_for_stop(self) -> None:
        """Wait for a stop signal, and report the state to systemd meanwhile."""
        service = systemd.Service()
        while not self._stop_requested:
            time.sleep(_TICK)
            if self._sync_requested:
                self._sync_requested = False
                self.request_sync(None, "signal")
            service.update(
                "; ".join(f"{name}: {loop.report.phase.value}" for name, loop in self._loops.items()),
                is_ready=self.readiness_problem() is None, is_healthy=self.health_problem() is None,
            )  # fmt: skip

    def _shut_down(self) -> bool:
        systemd.notify("STOPPING=1")
        log.info("stopping", extra={"fields": {"grace": self._grace}})
        deadline = time.monotonic() + self._grace
        for loop in self._loops.values():
            loop.stop()
        ended = all(loop.join(max(0.0, deadline - time.monotonic())) for loop in self._loops.values())
        # A loop that still runs keeps its lease until it expires, so that no other process starts beside it.
        if not ended:
            log.error("a sync did not end within the grace period; its transaction is rolled back")
        elif not self._leadership.stop(max(_TICK, deadline - time.monotonic())):
            log.error("the database does not respond; the leases were not released and will expire")
            ended = False
        if self._server is not None:
            self._server.close()
        return ended

    def _on_signal(self, number: int, _: object) -> None:
        # A signal handler interrupts the main thread anywhere, so it must take no lock: `_wait_for_stop` does the work.
        if number in _STOP_SIGNALS:
            self._stop_requested = True
        else:
            self._sync_requested = True
