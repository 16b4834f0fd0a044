"""The plan: frozen, sorted values that say what a sync would do."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from beatsync.plan.observed import Pause, Row, Suspension
from beatsync.values import DEFAULT_FIELDS, Diagnostic, FieldValue, Location, Policy, Revision, TaskSpec


class Action(str, Enum):
    """What a change does to a row; the value is the word in output."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    DISABLE = "disable"
    DELETE = "delete"
    FORGET = "forget"


class Cause(str, Enum):
    """Why a field differs: since the last apply the file changed (`spec`), the row did (`drift`), or both did.

    Or a pause starts or ends, or an operator edited the row deliberately.
    """

    SPEC = "spec"
    DRIFT = "drift"
    BOTH = "both"
    PAUSE = "pause"
    EDIT = "edit"


def common_cause(causes: Iterable[Cause]) -> Cause:
    """Return the cause of several; `both` if they differ, `drift` if there are none."""
    distinct = {*causes}
    return distinct.pop() if len(distinct) == 1 else Cause.BOTH if distinct else Cause.DRIFT


class FieldChange(NamedTuple):
    """One field's values before and after a change, in the form of `TaskSpec.fields()`, and the cause."""

    field: str
    before: FieldValue
    after: FieldValue
    cause: Cause


class Change(NamedTuple):
    """What a sync would do to one row."""

    action: Action
    name: str
    cause: Cause
    field_changes: tuple[FieldChange, ...] = ()
    """The fields that differ from an existing row, and some values of a row that is deleted; empty for a create, see `fields`."""
    location: Location | None = None
    row_id: int | None = None
    """The existing row; None for create, and for forget if the row is gone."""
    target: TaskSpec | None = None
    """Every value that the row shall have; None for disable, delete and forget. Only `fields` are written to an existing row."""
    schedule_id: int | None = None
    """The schedule row that was in use before."""
    schedule_kind: str | None = None
    """The kind of schedule, and so the table, that `schedule_id` refers to."""
    last_run_at: datetime | None = None
    """The new `last_run_at`, set so that the change does not run the task at once; None leaves the column unchanged."""
    fires_at_once: bool = False
    """Beat will run the task when it next checks, as `--catch-up` allows."""
    sensitive: tuple[str, ...] = ()
    note: str | None = None
    """A short reason for people, such as `renamed from x` or `the row was deleted`."""
    group: str | None = None
    """The schedule that the change is part of, if that has or had several rows."""
    clauses: str = ""
    """The clauses of `every` that the row shall carry out, for people."""

    def of_row(self, row: Row | None) -> Change:
        """Return this change as one of the existing `row`, if there is one."""
        if row is None:
            return self
        return self._replace(row_id=row.row_id, schedule_id=row.schedule_id, schedule_kind=row.schedule_kind)

    @property
    def schedule(self) -> str:
        """Return the name of the schedule."""
        return self.name if self.group is None else self.group

    @property
    def ends_row(self) -> bool:
        """Return whether the source does not own the row afterwards."""
        return self.action is Action.DELETE or self.action is Action.FORGET

    @property
    def fields(self) -> tuple[FieldChange, ...]:
        """Return the fields that change; for a new row, every value that is not the default.

        The fields of a new row are derived on every call: a first sync of 100,000 schedules would hold about a million of them.
        """
        if self.action is not Action.CREATE or self.target is None:
            return self.field_changes
        return tuple(
            FieldChange(name, None, value, self.cause)
            for name, value in self.target.fields().items()
            if name != "name" and value != DEFAULT_FIELDS.get(name)
        )


class Record(NamedTuple):
    """An inventory entry to write: what is now applied to which row."""

    name: str
    row_id: int | None
    """None if the same plan creates the row."""
    applied: str
    """The text of `beatsync.plan.inventory.applied_text`."""
    policy: Policy
    path: str
    retired: bool = False
    frozen: bool = False
    previous_name: str | None = None
    """The inventory entry that this one replaces, if the name changed."""
    group: str | None = None
    """The schedule with `every` that the row is part of; None: the schedule is this one row."""
    operator_fields: tuple[str, ...] = ()
    """The fields that stay with the operator until the file changes them."""


class Condition(str, Enum):
    """Why a sync leaves a row unchanged, in the words of `plan` and `status`."""

    HELD = "paused"
    """By `beatsync pause`, with a reason."""
    PAUSED = "paused by hand"
    PARTLY_PAUSED = "partly paused"
    """Some rows of a schedule were paused by hand, and others were not."""
    COMPLETED = "completed"
    SKIPPED = "skipped"
    """Its clocked time has passed, so that beat would run the schedule at once; a diagnostic says so."""
    FROZEN = "frozen"
    PROTECTED = "protected"
    OPERATOR = "left to the operator"
    """An edit in the admin left some fields to the operator. Only `status` has this condition."""
    RETIRED = "retired"
    """Removed from the files, and disabled instead of deleted (`on_remove: disable`)."""
    DAMAGED = "damaged inventory entry"
    """The entry was changed with SQL or by a broken restore. Only `status` has this condition; a plan has a diagnostic."""


PAUSES = frozenset({Condition.HELD, Condition.PAUSED, Condition.PARTLY_PAUSED})
"""The conditions of rows that an operator has disabled."""


class Decision(NamedTuple):
    """What a plan does about one name: a schedule, an inventory entry or a row; all None if it is unchanged."""

    name: str
    change: Change | None = None
    record: Record | None = None
    condition: Condition | None = None
    diagnostic: Diagnostic | None = None
    """The error that prevents the change."""
    warning: Diagnostic | None = None
    group: str | None = None
    """The schedule that the row is, or was, part of; None: the schedule is this one row."""
    pause: Pause | None = None
    """The pause of the schedule, for a row that the change creates disabled."""

    def in_group(self, group: str) -> Decision:
        """Return this decision as one about a row of the schedule `group`."""
        return self._replace(group=group, change=self.change and self.change._replace(group=group))

    @property
    def ends_row(self) -> bool:
        """Return whether the source does not own the row afterwards."""
        return self.change is not None and self.change.ends_row


class PauseRecord(NamedTuple):
    """A pause to store for the inventory entry of this name; None deletes it."""

    name: str
    pause: Pause | None


class Group(NamedTuple):
    """A schedule with several rows that a plan mentions."""

    name: str
    rows: tuple[str, ...]
    """The names of its rows after the plan, in the order of their numbers; empty if the schedule ends."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """One reason why the plan may not be applied."""

    code: str
    message: str
    names: tuple[str, ...] = ()
    hint: str | None = None


class PeakChange(NamedTuple):
    """The most runs of crontabs in one minute, before a plan is applied and after it."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered list of what a sync would do, and the reasons why it may not."""

    source: str
    revision: Revision
    environment: str | None = None
    origin: str | None = None
    changes: tuple[Change, ...] = ()
    records: tuple[Record, ...] = ()
    """Inventory entries to write, including those of `changes`."""
    unchanged: int = 0
    """Number of schedules that stay as they are."""
    conditions: tuple[tuple[str, Condition], ...] = ()
    """The rows that stay as they are for a reason, by name."""
    notes: tuple[tuple[str, str], ...] = ()
    """What people should know about these conditions, by name of the row: who paused it, and why."""
    pauses: tuple[PauseRecord, ...] = ()
    """Pauses to store: those that a sync moves or ends follow its changes, so they do not count in the checksum."""
    groups: tuple[Group, ...] = ()
    """The schedules with several rows that the plan mentions, by name."""
    blocked: tuple[Blocked, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    acknowledged: int = 0
    """The number of warnings that comments in the files acknowledge."""
    suspension: Suspension | None = None
    """The suspension of the source, if it is in force."""
    key: str = field(default="", repr=False)
    """The key of the checksum."""
    peak: PeakChange | None = None
    """What the plan does to the peak of all rows; None if nothing, and for a plan that is applied."""
    timezone: str | None = None
    """The zone that applied where no spec names one; None if the plan is not one of files."""

    @property
    def does_something(self) -> bool:
        """Return whether the plan changes rows or inventory entries."""
        return bool(self.changes or self.records)

    @property
    def checksum(self) -> str:
        """Return the hex HMAC-SHA-256 of what would be done to which rows, and of what the inventory would record.

        Neither the revision nor a schedule's file counts: the same values in another file are the same plan. Values that a
        plan masks count too, so without the secret key the checksum would let its reader test guesses of them.
        """
        # ASCII literals of Python are as unambiguous as JSON, take half the time, and are the same in every version.
        digest = hmac.new(self.key.encode(), ascii([self.source, self.environment]).encode(), "sha256")
        for values in (map(_change_values, self.changes), map(_record_values, self.records)):
            for value in values:
                digest.update(ascii(value).encode())
            digest.update(b";")
        return digest.hexdigest()


def _change_values(change: Change) -> list[object]:
    """Return what a change does to a row. The values of a new row are those of its record, which counts as well."""
    is_enabled = change.target is not None and change.target.enabled
    return [
        change.action.value,
        change.name,
        change.row_id,
        is_enabled,
        [(field.field, field.before, field.after) for field in change.field_changes],
        bool(change.last_run_at),
        change.fires_at_once,
    ]


def _record_values(record: Record) -> list[object]:
    """Return what a record would change for later syncs: everything except for the file."""
    policy = record.policy
    treatment = [policy.on_remove.value, sorted(policy.ignore), policy.protect, sorted(policy.sensitive)]
    values: list[object] = [
        record.name,
        record.row_id,
        record.applied,
        treatment,
        record.retired,
        record.frozen,
        record.previous_name,
    ]
    if record.operator_fields:
        values.append(sorted(record.operator_fields))
    return values if record.group is None else [*values, record.group]
