"""All of one daemon: its sources' loops, the leases, the endpoints, signals, and an end within a time of grace."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from beatsync.daemon import systemd
from beatsync.daemon.http import Face, Server
from beatsync.daemon.leadership import Leadership
from beatsync.daemon.loop import SourceLoop
from beatsync.daemon.metrics import Metrics
from beatsync.plan.jsonform import FORMAT_VERSION

if TYPE_CHECKING:
    from beatsync.store import Store

HUNG = 300.0
"""Seconds without a move after which a loop counts as hung."""
_TICK = 0.2
"""Seconds until a signal is seen to."""
log = logging.getLogger(__name__)


class Supervisor:
    """Runs loops until a signal ends them."""

    def __init__(self, loops: Sequence[SourceLoop], store: Store, holder: str, metrics: Metrics, grace: float) -> None:
        self._loops = {loop.name: loop for loop in loops}
        self._leadership = Leadership(store, list(self._loops), holder, self._leader_changed)
        self._metrics = metrics
        self._holder = holder
        self._grace = grace
        self._stop_asked = self._look_asked = False
        self._server: Server | None = None
        self._begun = time.monotonic()

    def listen(self, host: str, port: int, token: str | None) -> Server:
        """Answer on an address once `run` begins. Raises OSError where it cannot be listened on."""
        face = Face(
            self.problem_of_health, self.problem_of_readiness, self.status, self._metrics.text, self.look, token
        )
        self._server = Server(host, port, face)
        return self._server

    def run(self) -> bool:
        """Run until SIGTERM or SIGINT, from the main thread; return whether everything ended within the time of grace."""
        handlers = {one: signal.signal(one, self._on_stop) for one in (signal.SIGTERM, signal.SIGINT)}
        handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_hangup)
        try:
            if self._server is not None:
                self._server.start()
                log.info("listening", extra={"fields": {"host": self._server.host, "port": self._server.port}})
            self._leadership.start()
            for loop in self._loops.values():
                loop.start(self._leadership)
            self._watch()
            return self._end()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """End as a signal does."""
        self._stop_asked = True

    def look(self, source: str | None) -> bool:
        """Ask for a look at one source, or at all; return whether there is such a source."""
        wanted = [loop for name, loop in self._loops.items() if source in {None, name}]
        for loop in wanted:
            loop.look_again("request")
        return bool(wanted)

    def problem_of_health(self) -> str | None:
        """Return what has not moved for too long; None where all does."""
        if not self._leadership.is_alive():
            return "the leases are not looked after any more"
        now = time.monotonic()
        for name, loop in self._loops.items():
            still = now - loop.heartbeat
            if still > HUNG or not loop.is_alive():
                return f"the loop of source {name!r} has not moved for {still:.0f} s"
        return None

    def problem_of_readiness(self) -> str | None:
        """Return which source was neither synced nor led by another process yet; None where all were."""
        waiting = [name for name, loop in self._loops.items() if not loop.report.was_ready]
        return f"not synced yet: {', '.join(waiting)}" if waiting else None

    def status(self) -> dict[str, Any]:
        """Return the JSON of `schemas/daemon.schema.json`."""
        return {
            "format_version": FORMAT_VERSION,
            "holder": self._holder,
            "uptime_seconds": round(time.monotonic() - self._begun, 3),
            "healthy": self.problem_of_health() is None,
            "ready": self.problem_of_readiness() is None,
            "sources": [loop.report.json() for loop in self._loops.values()],
        }

    def _watch(self) -> None:
        """Wait for the end, and tell systemd meanwhile that we are ready and live."""
        service = systemd.Service()
        while not self._stop_asked:
            time.sleep(_TICK)
            if self._look_asked:
                self._look_asked = False
                for loop in self._loops.values():
                    loop.look_again("signal")
            service.tell(
                "; ".join(f"{name}: {loop.report.phase.value}" for name, loop in self._loops.items()),
                is_ready=self.problem_of_readiness() is None, is_healthy=self.problem_of_health() is None,
            )  # fmt: skip

    def _end(self) -> bool:
        systemd.notify("STOPPING=1")
        log.info("stopping", extra={"fields": {"grace": self._grace}})
        deadline = time.monotonic() + self._grace
        for loop in self._loops.values():
            loop.stop()
        ended = all(loop.join(max(0.0, deadline - time.monotonic())) for loop in self._loops.values())
        # A loop that is still at work keeps its lease until that runs out: nobody else is to begin beside it.
        if not ended:
            log.error("a sync did not end within the time of grace; it is left, and its transaction is undone")
        elif not self._leadership.stop(max(_TICK, deadline - time.monotonic())):
            log.error("the database does not answer; the leases run out by themselves")
            ended = False
        if self._server is not None:
            self._server.close()
        return ended

    def _leader_changed(self, source: str) -> None:
        self._loops[source].look_again("leadership")

    # A handler runs in the middle of whatever the main thread does, and must take no lock: `_watch` sees to it.
    def _on_stop(self, *_: object) -> None:
        self._stop_asked = True

    def _on_hangup(self, *_: object) -> None:
        self._look_asked = True
