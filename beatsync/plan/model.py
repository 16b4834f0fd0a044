"""What a plan says: inert, frozen, sorted values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple, overload

from beatsync.plan.observed import Suspension
from beatsync.values import Diagnostic, FieldValue, Location, Policy, Revision, TaskSpec, make


class Action(str, Enum):
    """What a change does to a row; its value is the word in output."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    DISABLE = "disable"
    DELETE = "delete"
    FORGET = "forget"


class Cause(str, Enum):
    """Why: the file changed since the last apply, or somebody changed the row."""

    SPEC = "spec"
    DRIFT = "drift"


class FieldChange(NamedTuple):
    """One field's before, after and cause; the values are those of `TaskSpec.fields()`."""

    field: str
    before: FieldValue
    after: FieldValue
    cause: Cause


_DEFAULTS = TaskSpec(name="", task="", schedule=None).fields()


class Initial(Sequence[FieldChange]):
    """What a new row says beyond django-celery-beat's defaults, made when it is asked for: a first sync has much of it and shows little."""

    __slots__ = ("_cause", "_spec")

    def __init__(self, spec: TaskSpec, cause: Cause) -> None:
        self._spec = spec
        self._cause = cause

    def _made(self) -> tuple[FieldChange, ...]:
        cause = self._cause
        return tuple(
            [
                make(FieldChange, (name, None, value, cause))
                for name, value in self._spec.fields().items()
                if name != "name" and value != _DEFAULTS.get(name)
            ]
        )

    @overload
    def __getitem__(self, index: int) -> FieldChange: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[FieldChange, ...]: ...

    def __getitem__(self, index: int | slice) -> FieldChange | tuple[FieldChange, ...]:
        return self._made()[index]

    def __iter__(self) -> Iterator[FieldChange]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Initial, tuple)) and self._made() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._made())


class Change(NamedTuple):
    """What a sync would do to one row."""

    action: Action
    name: str
    cause: Cause
    fields: Sequence[FieldChange] = ()
    """All values that a new row has beyond the defaults; for a row that exists, those that differ."""
    location: Location | None = None
    row_id: int | None = None
    """The row it acts on; None for create, and for forget where the row is gone."""
    target: TaskSpec | None = None
    """All values that the row shall have; None for delete and forget. Only `fields` are written to a row that exists."""
    schedule_id: int | None = None
    """The schedule row in use before."""
    schedule_kind: str | None = None
    """Which of the four tables `schedule_id` is of."""
    last_run_at: datetime | None = None
    """What `last_run_at` is moved to so that the change does not fire at once; None leaves it alone."""
    fires_at_once: bool = False
    """Beat will run it at its next look, and the sync was told to let it (`--catch-up`)."""
    sensitive: tuple[str, ...] = ()
    note: str | None = None
    """A short why, for people: `renamed from x`, `brought back by beat`, `the row was deleted by somebody`."""


class Record(NamedTuple):
    """An inventory entry to write: what is now applied to which row."""

    name: str
    row_id: int | None
    """None where the row is created by the same plan."""
    applied: str
    policy: Policy
    path: str
    retired: bool = False
    frozen: bool = False
    previous_name: str | None = None
    """The inventory entry that this one replaces, where the name changed."""
    said: bytes = b""
    left: bytes = b""


class Mark(NamedTuple):
    """Digests to note in an entry about which nothing else is to be done."""

    row_id: int
    said: bytes
    left: bytes


class Condition(str, Enum):
    """What `plan` and `status` say of a row that a sync leaves as it is."""

    PAUSED = "paused by hand"
    COMPLETED = "completed"
    FROZEN = "frozen"
    PROTECTED = "protected"
    RETIRED = "retired"
    """Gone from the files, disabled and kept (`on_remove: disable`)."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """One reason why the plan may not be applied."""

    code: str
    message: str
    names: tuple[str, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered list of what a sync would do, and why it may not."""

    source: str
    revision: Revision
    environment: str | None = None
    origin: str | None = None
    changes: tuple[Change, ...] = ()
    records: tuple[Record, ...] = ()
    """Inventory entries to write, including those of `changes`."""
    unchanged: int = 0
    conditions: tuple[tuple[str, Condition], ...] = ()
    blocked: tuple[Blocked, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    suspension: Suspension | None = None
    """Only where it is not over."""
    marks: tuple[Mark, ...] = ()
    """What only helps the next sync, and is written where something is."""

    @property
    def checksum(self) -> str:
        """Hex SHA-256 of what would be done, to which rows, and of what would be remembered of them.

        Neither the revision counts nor the file in which a schedule stands: other words for the same are the same.
        """
        encode = json.JSONEncoder(separators=(",", ":")).encode
        digest = hashlib.sha256(f"[{encode(self.source)},{encode(self.environment)},[".encode())
        for number, change in enumerate(self.changes):
            digest.update(f"{',' if number else ''}{encode(_done(change))}".encode())
        digest.update(b"],[")
        for number, record in enumerate(self.records):
            digest.update(f"{',' if number else ''}{encode(_remembered(record))}".encode())
        digest.update(b"]]")
        return digest.hexdigest()

    def count(self, action: Action) -> int:
        """Return how many changes do `action`."""
        return sum(change.action is action for change in self.changes)


def _done(change: Change) -> list[object]:
    """Return what a change does to a row."""
    return [
        change.action.value,
        change.name,
        change.row_id,
        [(field, before, after) for field, before, after, _ in change.fields],
        bool(change.last_run_at),
        change.fires_at_once,
    ]


def _remembered(record: Record) -> list[object]:
    """Return what a record would change for later syncs; all but the file it comes from."""
    policy = record.policy
    treated = [policy.on_remove.value, sorted(policy.ignore), policy.protect, sorted(policy.sensitive)]
    return [record.name, record.row_id, record.applied, treated, record.retired, record.frozen, record.previous_name]
