"""One source's loop. Events, the poll, the timer, a signal and a request all mean the same: look again.

What is done at a look is `beatsync.reconcile`'s; here is only when, how often, and what is made of failures.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event, Thread

from beatsync import reconcile
from beatsync.daemon.backoff import delay, jittered
from beatsync.daemon.bell import Bell, Quiet
from beatsync.daemon.leadership import Leadership
from beatsync.daemon.metrics import Metrics
from beatsync.daemon.reading import Reading
from beatsync.daemon.state import Phase, SourceReport, standing
from beatsync.daemon.telling import Telling
from beatsync.plan.model import Plan
from beatsync.plan.part import Base
from beatsync.source import SourceError
from beatsync.source.watch import Watcher
from beatsync.store import Failure, LeaseLost, Store, StoreError
from beatsync.values import Desired, Revision, Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """When to look; all in seconds."""

    resync: float = 60.0
    """Between two whole looks at files and rows, whether or not anything rang."""
    poll: float = 2.0
    """Between two looks at the files from outside."""
    quiet: Quiet = field(default_factory=Quiet)
    watch: bool = True
    """Whether to listen to file events at all."""


class SourceLoop:
    """Keeps the rows of one source equal to its files until it is told to stop."""

    def __init__(
        self, reading: Reading, store: Store, options: reconcile.SyncOptions, timing: Timing, metrics: Metrics
    ) -> None:
        self.name = options.source
        self.heartbeat = time.monotonic()
        """When the loop last moved."""
        report = SourceReport(
            options.source, str(reading.root), environment=options.parse.environment,
            watcher_problem=None if timing.watch else "told not to (--poll)",
        )  # fmt: skip
        self._telling = Telling(report, metrics)
        self._reading = reading
        self._store = store
        self._options = options
        self._timing = timing
        self._bell = Bell(timing.quiet)
        self._watcher = Watcher(reading.root, self._on_event) if timing.watch else None
        self._stopping = Event()
        self._due = self._poll_at = 0.0
        self._base: Base | None = None
        self._whole = True
        self._tried: Revision | None = None
        """What was last tried, well or ill: an event that leads to the same files is no reason to try again."""
        self._moving_since: float | None = None
        self._streak = 0
        """Failures in a row, of one revision."""
        self._leadership: Leadership | None = None
        self._thread = Thread(target=self._run, name=f"source {self.name}", daemon=True)

    @property
    def report(self) -> SourceReport:
        """How the source stands, as the last look left it."""
        return self._telling.report

    def start(self, leadership: Leadership) -> None:
        """Begin to look."""
        self._leadership = leadership
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a transaction that is under way ends by itself."""
        self._stopping.set()
        self._bell.close()

    def join(self, timeout: float) -> bool:
        """Wait for the end, and return whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether the loop has not ended."""
        return self._thread.is_alive()

    def look_again(self, reason: str) -> None:
        """Look at files and rows as soon as it has been quiet; harmless to repeat, from any thread."""
        self._whole = True
        self._bell.ring(reason)

    def _on_event(self) -> None:
        self._bell.ring("event")

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._guarded_turn()
        finally:
            if self._watcher is not None:
                self._watcher.close()
            self._store.close()

    def _guarded_turn(self) -> None:
        begun = time.monotonic()
        try:
            self._turn()
        except (
            Exception
        ) as error:  # what nobody foresaw must not end what runs for months: it is told whole, and counted
            log.exception("a bug of BeatSync's", extra=self._telling.extra())
            self._failed(f"{type(error).__name__}: {error}", begun)

    def _turn(self) -> None:
        """Wait for something to look at, and look."""
        reasons = self._bell.wait(min(self._due, self._poll_at))
        now = self.heartbeat = time.monotonic()
        if self._stopping.is_set():
            return
        if now >= self._poll_at or reasons:
            self._poll_at = now + self._timing.poll
            self._arm()
        whole = self._whole or now >= self._due
        if not reasons:
            # The timer too may strike in the middle of a change that nobody has told of yet.
            if self._leads() and self._reading.has_moved():
                self._bell.ring("poll")
                return
            if not whole:
                return
        if self._reading.is_unsettled():
            self._bell.ring("unsettled")
            return
        self._whole = False
        self._look(reasons or ("timer",), whole=whole)
        self.heartbeat = time.monotonic()
        self._poll_at = max(self._poll_at, self.heartbeat)

    def _leads(self) -> bool:
        return self._leadership is not None and self._leadership.token(self.name) is not None

    def _arm(self) -> None:
        if self._watcher is not None:
            self._watcher.arm()
            self._telling.hearing(self._watcher.problem)

    def _look(self, reasons: tuple[str, ...], *, whole: bool) -> None:
        """Reconcile, unless another process leads or the files are still those that were synced."""
        assert self._leadership is not None  # noqa: S101  `start` has said it
        begun, token = time.monotonic(), self._leadership.token(self.name)
        if token is None:
            self._stand_by(self._leadership, begun, whole=whole)
            return
        try:
            read = self._reading.read(by_content=whole)
            if self._must_wait():
                self._whole |= whole
                self._bell.ring("unsettled")
                return
            if not self._is_worth_trying(read[0].revision, whole=whole):
                return
            self._store.refresh()
            options = replace(self._options, lease_token=token)
            # An event tells of files, so what they do not speak of can wait for the timer.
            result = None if whole else self._sync_part(*read, options)
            is_whole = result is None
            result = result or reconcile.sync_read(*read, self._store, options, watch=self._alive)
        except LeaseLost as error:
            log.warning("%s", error, extra=self._telling.extra())
            self._leadership.lost(self.name)
            self._stand_by(self._leadership, begun, whole=whole)
        except SourceError as error:
            self._tried = None
            self._failed(str(error), begun)
            self._note("failed", str(error), token)
            self._recall()
        except StoreError as error:
            self._failed(str(self._store.explained(error)), begun)
        else:
            if is_whole:
                self._due = time.monotonic() + jittered(self._timing.resync)
            self._ended(result, reasons, begun, token)

    def _sync_part(
        self, snapshot: Snapshot, desired: Desired, options: reconcile.SyncOptions
    ) -> reconcile.Result | None:
        """Sync what the files that changed speak of; None where everything has to be looked at."""
        base, names = self._base, self._reading.unsynced
        if base is None or names is None:
            return None
        part = reconcile.Part(names, base)
        return reconcile.sync_part(snapshot, desired, part, self._store, options, watch=self._alive)

    def _must_wait(self) -> bool:
        """Whether what was read may be the middle of a change that nobody has told of yet; but not for ever.

        A directory that is removed, copied or checked out file by file looks like a smaller source on the way.
        """
        if self._reading.is_unsettled():
            return True
        quiet, now = self._timing.quiet, time.monotonic()
        if self._reading.is_quiet(quiet.quiet):
            self._moving_since = None
            return False
        self._moving_since = self._moving_since or now
        return now - self._moving_since < quiet.at_most

    def _is_worth_trying(self, revision: Revision, *, whole: bool) -> bool:
        """Whether there is something new, or the time has come; what is new begins without the failures of what was before."""
        if revision == self._tried:
            return whole
        self._tried, self._streak = revision, 0
        return True

    def _stand_by(self, leadership: Leadership, begun: float, *, whole: bool) -> None:
        """Tell who leads instead of us, or why nobody knows."""
        if leadership.problem is not None:
            # A file that changes meanwhile is no other failure.
            if whole or self.report.phase is not Phase.FAILED:
                self._failed(leadership.problem, begun, is_leader=False)
            return
        self._due = time.monotonic() + jittered(self._timing.resync)
        self._base = None
        leader, self._tried, self._streak = leadership.leader(self.name), None, 0
        if leader is not None:
            self._telling.tell(
                phase=Phase.STANDING_BY, leader=leader, is_leader=False, was_ready=True, message="", failures=0,
                suspension=None,
            )  # fmt: skip
        else:
            self._telling.tell(is_leader=False)

    def _alive(self, *_: object) -> None:
        self.heartbeat = time.monotonic()

    def _failed(self, message: str, begun: float, *, is_leader: bool = True) -> None:
        self._streak += 1
        self._base = None
        wait = delay(self._streak)
        self._due = time.monotonic() + wait
        self._telling.failed(message, self._streak, wait, time.monotonic() - begun, is_leader=is_leader)

    def _ended(self, result: reconcile.Result, reasons: tuple[str, ...], begun: float, token: str) -> None:
        plan, seconds = result.plan, time.monotonic() - begun
        self._streak = 0
        phase, message = standing(result)
        self._telling.diagnose(plan.diagnostics)
        if phase is Phase.INVALID:
            self._note(phase.value, message, token, plan)
        self._telling.ended(result, phase, message, reasons, seconds)
        if plan.suspension is not None and plan.suspension.until is not None:
            left = (plan.suspension.until - reconcile.utc_now()).total_seconds()
            self._due = min(self._due, time.monotonic() + max(0.0, left))
        if phase is Phase.SYNCED:
            self._base = Base(plan.revision, plan.conditions)
            self._reading.synced()
        else:
            self._base = None
            self._recall()

    def _note(self, outcome: str, message: str, token: str, plan: Plan | None = None) -> None:
        """Leave word in the database of what `beatsync status` could not find out by itself."""
        failure = Failure(outcome, message, reconcile.utc_now(), self._options.holder, plan)
        self._store.record_failure(self.name, failure, token)

    def _recall(self) -> None:
        """Tell what the database says was synced before this process began: after a restart too a bad revision takes nothing back."""
        if self.report.was_ready:
            return
        with suppress(StoreError):
            for state in self._store.sources():
                if state.name == self.name and state.synced_at is not None:
                    self._telling.tell(revision=state.revision, succeeded_at=state.synced_at, was_ready=True)
