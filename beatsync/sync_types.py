"""The options and the result of one reconcile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum

from beatsync.fingerprint.memory import Memory
from beatsync.plan.model import Plan
from beatsync.plan.request import PlanOptions
from beatsync.specfile.parse import ParseOptions
from beatsync.values import Actor

MAX_SOURCE_NAME = 100
"""Characters; the length of the column."""
Clock = Callable[[], datetime]
Progress = Callable[[str, int, int], None]
"""Called with the name of a step, how many of its parts are done, and how many there are; both are 0 if the step has no parts."""


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(timezone.utc)


def no_progress(step: str, done: int, total: int) -> None:
    """Ignore the progress of a sync."""


def check_source_name(name: str) -> None:
    """Raise ValueError, with a message for people, unless a source can have this name."""
    if not name.strip() or len(name) > MAX_SOURCE_NAME or not name.isprintable():
        raise ValueError(f"the name of a source has 1 to {MAX_SOURCE_NAME} printable characters")


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """Everything that a plan or a sync depends on besides the files and the database."""

    source: str = "default"
    parse: ParseOptions = field(default_factory=ParseOptions)
    plan: PlanOptions = field(default_factory=PlanOptions)
    lock_timeout: float | None = None
    """Seconds to wait for another BeatSync that holds the source's lock, and for rows that another transaction holds. 0 does not
    wait; None waits without limit for the lock, and 30 s for rows."""
    settle: float = 0.0
    """Least seconds between the commit and the verification, so that a save that beat began before the commit has ended by
    then. A slow database is given more. Only rows that beat knows already are verified."""
    holder: str = "beatsync"
    """Shown to another BeatSync that waits for the lock."""
    actor: Actor | None = None
    """Shown in the history; None shows the holder."""
    lease_token: str | None = None
    """The lease of a daemon: nothing is written if another daemon leads the source by now."""
    repaired: str | None = None
    """The checksum of the plan whose rows this sync writes again: to the database, both are one sync."""
    strict: bool = False
    """Whether a warning about a file is an error, unless it is acknowledged."""
    fingerprints: bool = True
    """Whether unchanged files and rows are skipped. False parses and reads everything; the plan is the same."""

    @property
    def started_by(self) -> Actor:
        """Return who started the sync, for the history."""
        return self.actor or Actor(self.holder)


class Outcome(str, Enum):
    """How a plan or a sync ended. A database or a directory that cannot be read is an exception, not an outcome."""

    PLANNED = "planned"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    INVALID = "invalid"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one reconcile, and its plan."""

    outcome: Outcome
    plan: Plan
    repairs: int = 0
    """Rows that a save by beat changed back around the commit (docs/facts.md, 1), and that were written again."""
    unverified: str = ""
    """Why the rows could not be verified after the commit; empty if they were."""
    memory: Memory | None = None
    """What is known of files and rows after a success; a daemon passes it to the next reconcile."""

    @property
    def is_refused(self) -> bool:
        """Return whether the plan may not be applied, or was not applied."""
        return self.outcome in {Outcome.INVALID, Outcome.BLOCKED}
