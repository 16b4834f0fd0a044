"""The loop of one source: it waits for a trigger, and reconciles.

A file event, the poll, the timer, a signal and a request all mean the same: compare again. `beatsync.reconcile` compares and writes;
this module decides when, how often, and what follows a failure.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Thread

from beatsync import reconcile
from beatsync.daemon.backoff import LONGEST, LONGEST_UNUSABLE, Attempts, jittered
from beatsync.daemon.debounce import Debouncer, QuietPeriod
from beatsync.daemon.interventions import Interventions
from beatsync.daemon.leadership import Leadership
from beatsync.daemon.metrics import Metrics
from beatsync.daemon.reporter import SourceReporter
from beatsync.daemon.source_reader import SourceReader
from beatsync.daemon.state import Phase, SourceReport, first_errors, phase_of
from beatsync.fingerprint.memory import Memory
from beatsync.plan.model import Plan
from beatsync.source import SourceError
from beatsync.source.watch import Watcher
from beatsync.store import ConnectionUnusable, Failure, LeaseLost, Store, StoreError
from beatsync.values import Snapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """When to reconcile. All in seconds."""

    resync: float = 60.0
    """Between two full comparisons of files and rows, even if nothing was triggered."""
    poll: float = 2.0
    """Between two scans of the files, and between two looks at what operators did in the database."""
    quiet_period: QuietPeriod = field(default_factory=QuietPeriod)
    watch: bool = True
    """Whether to use file events."""


class SourceLoop:
    """Keeps the rows of one source equal to its files, in its own thread, until it is stopped."""

    _leadership: Leadership
    """Set by `start`, before the thread runs."""

    def __init__(
        self, reader: SourceReader, store: Store, options: reconcile.SyncOptions, timing: Timing, metrics: Metrics
    ) -> None:
        self.name = options.source
        self.heartbeat = time.monotonic()
        """When the loop last made progress."""
        report = SourceReport(
            options.source, str(reader.root), environment=options.parse.environment,
            watcher_problem=None if timing.watch else "disabled by --poll",
        )  # fmt: skip
        self._reporter = SourceReporter(report, metrics)
        self._reader = reader
        self._store = store
        self._options = options
        self._timing = timing
        self._debouncer = Debouncer(timing.quiet_period)
        self._watcher = Watcher(reader.root, lambda: self._debouncer.trigger("event")) if timing.watch else None
        self._resync_at = self._poll_at = 0.0
        self._memory: Memory | None = None
        """What the last success left; None if everything has to be compared."""
        self._attempts = Attempts()
        self._interventions = Interventions(store, options.source, options.holder)
        self._is_connection_usable = True
        """False after an error of the connection, until a statement that writes has succeeded."""
        self._thread = Thread(target=self._run, name=f"source {self.name}", daemon=True)

    @property
    def report(self) -> SourceReport:
        """The state of the source after its last reconcile."""
        return self._reporter.report

    def start(self, leadership: Leadership) -> None:
        """Start the thread."""
        self._leadership = leadership
        self._thread.start()

    def stop(self) -> None:
        """Start no further reconcile. A running transaction ends by itself."""
        self._debouncer.close()

    def join(self, timeout: float) -> bool:
        """Wait until the thread ends, and return whether it did."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    def request_sync(self, reason: str) -> None:
        """Request a full comparison of files and rows after the quiet period. Any thread may call it, also repeatedly."""
        self._debouncer.trigger(reason, full=True)

    def _run(self) -> None:
        try:
            while not self._debouncer.is_closed:
                self._run_once()
        finally:
            if self._watcher is not None:
                self._watcher.close()
            self._store.close()

    def _run_once(self) -> None:
        started = time.monotonic()
        try:
            self._wait_and_reconcile()
        except Exception as error:  # the daemon survives any bug: it logs the traceback, and counts the failure
            log.exception("unexpected error", extra=self._reporter.log_fields())
            self._report_failure(f"{type(error).__name__}: {error}", started)

    def _wait_and_reconcile(self) -> None:
        reasons, is_full = self._debouncer.wait(min(self._resync_at, self._poll_at))
        now = self.heartbeat = time.monotonic()
        if self._debouncer.is_closed:
            return
        if now >= self._poll_at or reasons:
            self._poll_at = now + self._timing.poll
            self._update_watcher()
        full = is_full or now >= self._resync_at
        # The timer, too, may fire during a change that no event has reported yet.
        if not reasons and (self._polled_change(full=full) or not full):
            return
        if self._reader.is_git_busy():
            self._debouncer.trigger("changing", full=full)
            return
        self._reconcile(reasons or ("timer",), full=full)
        self.heartbeat = time.monotonic()
        self._poll_at = max(self._poll_at, self.heartbeat)

    def _polled_change(self, *, full: bool) -> bool:
        """Return whether the files changed, or an operator changed the source, and trigger a reconcile then.

        A `full` reconcile, which is due, needs no look at what operators did.
        """
        if self._leadership.token(self.name) is None:
            return False
        if self._reader.has_changed():
            self._debouncer.trigger("poll")
            return True
        if not full and self._interventions.are_new():
            self._debouncer.trigger("operator", full=True)
            return True
        return False

    def _update_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.update_watches()
            self._reporter.watcher_state(self._watcher.problem)

    def _reconcile(self, reasons: tuple[str, ...], *, full: bool) -> None:
        """Reconcile, unless another process leads or the files are those that were tried last."""
        started, token = time.monotonic(), self._leadership.token(self.name)
        if token is None:
            self._stand_by(started, full=full)
            return
        try:
            self._check_connection()
            snapshot = self._reader.read(by_content=full)
            if self._reader.is_changing(self._timing.quiet_period):
                self._debouncer.trigger("changing", full=full)
                return
            if not self._attempts.is_new(snapshot) and not full:
                return
            full = full or self._memory is None
            self._interventions.look(full=full)
            result = self._sync(snapshot, token, full=full)
        except LeaseLost as error:
            log.warning("%s", error, extra=self._reporter.log_fields())
            self._leadership.mark_lost(self.name)
            self._stand_by(started, full=full)
        except SourceError as error:
            self._attempts.forget_files()
            self._report_failure(str(error), started)
            self._record_failure("failed", str(error), token)
            self._restore_last_success()
        except ConnectionUnusable as error:
            self._is_connection_usable = False
            self._report_failure(str(error), started, longest_delay=LONGEST_UNUSABLE)
        except StoreError as error:
            self._report_failure(str(self._store.explained(error)), started)
        else:
            if full:
                self._resync_at = time.monotonic() + jittered(self._timing.resync)
            self._finish(result, reasons, started, token)

    def _check_connection(self) -> None:
        """After an error of the connection, try a cheap statement before anything is read. Raises StoreError."""
        if not self._is_connection_usable:
            self._store.check_writable()
            self._is_connection_usable = True

    def _sync(self, snapshot: Snapshot, token: str, *, full: bool) -> reconcile.Result:
        """Reconcile everything, or only what changed in the files since the last success."""
        self._store.refresh()
        options = replace(self._options, lease_token=token)
        run = reconcile.Run(lambda: snapshot, self._store, options, progress=self._update_heartbeat)
        # An event is about files, so drift in the rows of other files can wait for the timer.
        return reconcile.reconcile(run, memory=None if full else self._memory)

    def _stand_by(self, started: float, *, full: bool) -> None:
        """Report which process leads instead, or why that is unknown."""
        if self._leadership.problem is not None:
            # A file that changes meanwhile is not another failure.
            if full or self.report.phase is not Phase.FAILED:
                self._report_failure(self._leadership.problem, started, is_leader=False)
            return
        self._resync_at = time.monotonic() + jittered(self._timing.resync)
        self._memory = None
        self._attempts = Attempts()
        self._interventions.forget()
        self._reporter.standby(self._leadership.leader(self.name))

    def _update_heartbeat(self, *_: object) -> None:
        self.heartbeat = time.monotonic()

    def _report_failure(
        self, message: str, started: float, *, is_leader: bool = True, longest_delay: float = LONGEST
    ) -> None:
        self._memory = None
        retry_in = self._attempts.fail(longest_delay)
        now = time.monotonic()
        self._resync_at = now + retry_in
        self._reporter.failure(message, self._attempts.failures, retry_in, now - started, is_leader=is_leader)

    def _finish(self, result: reconcile.Result, reasons: tuple[str, ...], started: float, token: str) -> None:
        """Report a result, and schedule the end of a suspension."""
        plan, seconds = result.plan, time.monotonic() - started
        phase, message = phase_of(result)
        self._attempts.succeed()
        if phase is Phase.INVALID:
            self._record_failure(phase.value, f"{message}: {first_errors(plan)}", token, plan)
        self._reporter.result(result, phase, message, reasons, seconds)
        if plan.suspension is not None and plan.suspension.until is not None:
            remaining = (plan.suspension.until - reconcile.utc_now()).total_seconds()
            self._resync_at = min(self._resync_at, time.monotonic() + max(0.0, remaining))
        if phase is Phase.SYNCED:
            self._memory = result.memory
        else:
            self._memory = None
            self._restore_last_success()

    def _record_failure(self, outcome: str, message: str, token: str, plan: Plan | None = None) -> None:
        """Store a failure that `beatsync status` could not detect by itself."""
        failure = Failure(outcome, message, reconcile.utc_now(), self._options.holder, plan)
        self._store.record_failure(self.name, failure, token)

    def _restore_last_success(self) -> None:
        """Report the last success before this process started, so that an invalid revision at a restart does not hide it."""
        if self.report.was_ready:
            return
        with suppress(StoreError):
            for state in self._store.sources():
                if state.name == self.name and state.synced_at is not None:
                    self._reporter.update(revision=state.revision, succeeded_at=state.synced_at, was_ready=True)
