"""A plan → the database: planned once more under the lock, applied, and looked at again after the commit.

This module must not know how files are read, how SQL is written or who is looking. Which plan is worth applying is
`beatsync.reconcile`'s to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING

from beatsync.plan.authors import come_again, drifted_rows, with_authors
from beatsync.plan.diff import make_plan
from beatsync.plan.digest import Told, unsettled
from beatsync.plan.guard import SUSPENDED
from beatsync.plan.model import Action, Blocked, Plan
from beatsync.plan.observed import Observed
from beatsync.plan.part import MOST, as_written, concerned, is_beside, is_told, names_of, still_holds
from beatsync.plan.request import PlanOptions, Request
from beatsync.specfile import ParseOptions
from beatsync.values import Desired, Severity, Snapshot, TaskSpec

if TYPE_CHECKING:
    from beatsync.store import Store

Clock = Callable[[], datetime]
Watch = Callable[[str, int, int], None]
"""Is told which step a sync is at, and how many of how many pieces of it are done (0 where nobody knows)."""

_YOUNG = 10.0
"""Seconds for which a plan that still holds is applied as it is: what it says of the next runs was true a moment ago."""
_ATTEMPTS = 5
"""How often a sync is begun anew after a deadlock, and how often undone rows are repaired after a commit."""
_ROUND_TRIPS = 40
"""For how many statements a save of beat's is waited for: ten times the four from its reading a row to its writing it."""
_LONGEST_SETTLE = 5.0
"""Seconds, so that a server that did not answer for a moment is not taken for one that is that far away."""
_REMEMBERED = 20
"""How many of the last syncs are looked at for a drift that comes again and again."""


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """Everything that a person may tell a sync."""

    source: str = "default"
    parse: ParseOptions = field(default_factory=ParseOptions)
    plan: PlanOptions = field(default_factory=PlanOptions)
    lock_wait: float | None = None
    """Seconds to wait for another BeatSync on the same source; 0 is not at all, None for ever."""
    settle: float = 0.0
    """The least seconds after the commit until the rows are looked at: a save that beat had begun before it may land as
    long after it as that save takes, so where the database is far, it is longer. Only rows that beat knows are waited for."""
    holder: str = "beatsync"
    """What another BeatSync that waits is told about this one."""
    jobs: int | None = None
    """How many processes parse files; None is as many as pay."""
    lease_token: str | None = None
    """A daemon's: nothing is written where another daemon leads the source by now."""


class Outcome(str, Enum):
    """How a plan or a sync ended. A database or a directory that cannot be read is an exception, not an outcome."""

    PLANNED = "planned"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    INVALID = "invalid"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it."""

    outcome: Outcome
    plan: Plan
    repairs: int = 0
    """Rows that somebody undid while the sync committed (FACTS 1), and that were applied once more."""


def unwatched(step: str, done: int, total: int) -> None:
    """Nobody is looking."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what it was made from."""

    observed: Observed
    plan: Plan
    now: datetime


def _nothing_left() -> Desired:
    raise AssertionError("all that the files say was parsed")


@dataclass(slots=True)
class Sync:
    """One sync under way: what the files say, where it is to go and how."""

    snapshot: Snapshot
    desired: Desired
    store: Store
    options: SyncOptions
    clock: Clock = utc_now
    watch: Watch = unwatched
    told: Told | None = None
    """What the database said when it was asked for the last time."""
    whole: Callable[[], Desired] = _nothing_left
    """Parses the files of which `desired` knows some schedules by their texts alone; asked where a row is no more as it was."""

    def request(self, now: datetime) -> Request:
        """Return what is asked of a plan."""
        snapshot, options = self.snapshot, self.options
        return Request(options.source, now, snapshot.revision, snapshot.origin, options.plan)

    def expected(self) -> dict[str, TaskSpec]:
        """Return what the files say by name, for the store to share."""
        return {declared.spec.name: declared.spec for declared in self.desired.schedules}

    def planned(self) -> Planned:
        """Make a plan of everything as it is now."""
        self.told = self.store.told(self.options.source)
        return self.planned_of_told()

    def planned_of_told(self) -> Planned:
        """Make a plan of what was told a moment ago, and of what has to be looked at because of it."""
        observed, now = self.observed(), self.clock()
        return Planned(observed, self.plan_of(observed, now), now)

    def observed(self) -> Observed:
        """Read what is not told to be as it should be; where that is much, everything."""
        store, source = self.store, self.options.source
        open_ = unsettled(self.desired, self.told) if self.told else None
        if open_ is None and self.desired.known:
            self.desired = self.whole()
            return self.observed()
        if open_ is None or len(open_.names) + len(open_.row_ids) > MOST:
            observed = store.observe(source, self.expected())
        else:
            observed = store.observe_part(source, open_.names, open_.row_ids)
        return replace(observed, settled=open_.settled) if open_ else observed

    def plan_of(self, observed: Observed, now: datetime) -> Plan:
        """Return the plan; where another one was reviewed, it is blocked."""
        made = make_plan(self.desired, observed, self.request(now))
        approved = self.options.plan.approved
        if approved is None or made.checksum == approved:
            return made
        stale = Blocked(
            "plan-stale",
            "the saved plan no longer holds: files or rows have changed since it was made",
            hint="make a new plan and review it",
        )
        return replace(made, blocked=(stale, *made.blocked))

    def obstacle(self, made: Plan) -> Outcome | None:
        """Return why the plan may not be applied, if it may not."""
        invalid = any(diagnostic.severity is Severity.ERROR for diagnostic in made.diagnostics)
        if invalid and not self.options.plan.isolate:
            return Outcome.INVALID
        return Outcome.BLOCKED if made.blocked else None

    def authors(self, planned: Planned) -> dict[int, str]:
        """Return what is known of who drifted a row: by the admin's log, or because it drifted in the very same way before."""
        drifted = drifted_rows(planned.plan, planned.observed)
        said = {row_id: f"last {words}" for row_id, words in self.store.authors(drifted).items()}
        if drifted and len(said) < len(drifted):
            past = (entry.changes for entry in self.store.history(planned.plan.source, _REMEMBERED))
            said = {**come_again(planned.plan, planned.observed, past), **said}
        return said


def note(sync: Sync, planned: Planned) -> Result:
    """Write down what a plan without any change is a sync of; where the database says it already, nothing at all is written."""
    made, observed = planned.plan, planned.observed
    wanted = (made.revision, made.origin or observed.origin, made.environment)
    if not observed.is_settled or wanted != (observed.revision, observed.origin, observed.environment):
        sync.store.touch_revision(made, sync.clock(), sync.options.lease_token)
    return Result(Outcome.UNCHANGED, made)


def refuse(sync: Sync, made: Plan, outcome: Outcome) -> Result:
    """Remember a blocked sync; an invalid one leaves no trace in the database, and to be suspended is no failure."""
    from beatsync.store import Failure

    if outcome is Outcome.BLOCKED and SUSPENDED not in {blocked.code for blocked in made.blocked}:
        message = "; ".join(blocked.message for blocked in made.blocked)
        failure = Failure(outcome.value, message, sync.clock(), sync.options.holder, made)
        sync.store.record_failure(made.source, failure, sync.options.lease_token)
    return Result(outcome, made)


def carry_out(sync: Sync, first: Planned) -> Result:
    """Apply a plan that may be applied, and see that it stays so."""
    sync.watch("applying", 0, 0)
    result = _apply(sync, first)
    if result.outcome is not Outcome.APPLIED:
        return refuse(sync, result.plan, result.outcome)
    sync.watch("verifying", 0, 0)
    return replace(result, repairs=_repair(sync, result.plan))


def _apply(sync: Sync, first: Planned | None = None) -> Result:
    """Apply, under the lock, the plan of the rows as they are there: the first one where it still holds, else a new one."""
    from beatsync.store import RetryableError

    store, options = sync.store, sync.options
    authors = sync.authors(first) if first else {}
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with (
                store.prepared(first.plan) if first else nullcontext() as ready,
                store.locked(options.source, options.lock_wait, options.holder, options.lease_token),
            ):
                planned = _planned_again(sync, first)
                made = with_authors(planned.plan, planned.observed, authors)
                obstacle = sync.obstacle(made)
                if obstacle is not None:
                    return Result(obstacle, made)
                store.apply(made, planned.observed, planned.now, ready)
            return Result(Outcome.APPLIED, made)
        except RetryableError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _planned_again(sync: Sync, first: Planned | None) -> Planned:
    """Return the plan of what is read under the lock: the first one, where what it was made from reads the same there."""
    if first is None or abs((sync.clock() - first.now).total_seconds()) > _YOUNG:
        return sync.planned()
    names = concerned(first.plan)
    if names is not None:
        part = sync.store.observe_part(sync.options.source, names)
        if still_holds(first.plan, names, first.observed, part):
            return replace(first, observed=part)
        return sync.planned()
    # What was told then to be as it should be, is read with everything else.
    observed = sync.observed()
    if observed == first.observed or is_beside(sync.desired, first.observed, observed):
        return replace(first, observed=observed)
    return sync.planned()


def _repair(sync: Sync, applied: Plan) -> int:
    """Look again after the commit, and apply once more what a save of beat's undid; return how many rows that was."""
    # Beat does not know a new row, and saves none that it does not know.
    known = any(change.action is not Action.CREATE for change in applied.changes)
    again = replace(sync, options=replace(sync.options, plan=replace(sync.options.plan, approved=None)))
    repaired = 0
    for _ in range(_ATTEMPTS):
        if known:
            _settle(sync)
        if not _undone(again, applied):
            break
        result = _apply(again)
        if result.outcome is not Outcome.APPLIED:
            break
        repaired += len(result.plan.changes)
    return repaired


def _settle(sync: Sync) -> None:
    """Wait until a save that beat had begun before the commit has landed."""
    least = sync.options.settle
    if least > 0:
        time.sleep(max(least, min(_ROUND_TRIPS * sync.store.round_trip(), _LONGEST_SETTLE)))


def _undone(sync: Sync, applied: Plan) -> bool:
    """Whether the rows no longer say what was just written into them."""
    names = names_of(applied)
    if len(names) <= MOST:
        if as_written(applied, sync.store.look(names)):
            return False
    elif is_told(applied) and sync.store.are_left(applied.source, len(applied.records)):
        return False
    planned = sync.planned()
    made = planned.plan
    # Another revision is another sync's word, and no undoing of ours.
    return bool(made.changes) and not made.blocked and planned.observed.revision == made.revision
