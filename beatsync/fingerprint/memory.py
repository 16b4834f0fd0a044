"""What a sync records about files and rows for the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from beatsync.fingerprint.records import FileChanges, FileRecord, RowFingerprints, SourceRecord, SyncStamp
from beatsync.fingerprint.scope import ScopedSource
from beatsync.plan.model import Action, Change, Plan
from beatsync.plan.observed import Observed, Row
from beatsync.values import SCHEDULE_FIELDS, FileFacts, Severity, TaskSpec

MAX_RECORDED = 20_000
"""Schedules, warnings and acknowledgements of one record. A file with more is parsed every time: its record could exceed what a server accepts."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known about a source without looking again: the database's record and the digests of its rows."""

    record: SourceRecord = field(default_factory=SourceRecord)
    rows: RowFingerprints = field(default_factory=RowFingerprints)


def file_changes(source: ScopedSource, plan: Plan, observed: Observed, record: SourceRecord) -> FileChanges:
    """Return the records to write with `plan`: one for each valid file in scope; records of other files in scope are deleted."""
    invalid = {d.location.path for d in plan.diagnostics if d.severity is Severity.ERROR}
    records = {
        path: FileRecord(source.fingerprints[path], facts)
        for path, facts in source.facts.items()
        if path not in invalid and _size(facts) <= MAX_RECORDED
    }
    removed = {
        path
        for path in record.files
        if path not in source.fingerprints or (path in source.facts and path not in records)
    }
    return FileChanges(records, frozenset(removed), _expected(records, plan, observed))


def _size(facts: FileFacts) -> int:
    return sum(each.rows for each in facts.schedules) + len(facts.warnings) + len(facts.acknowledgements)


def _expected(records: Mapping[str, FileRecord], plan: Plan, observed: Observed) -> dict[str, TaskSpec]:
    """Return the values of each row that the next sync may skip: not of paused rows and the like, which each run reports."""
    changes = {change.name: change for change in plan.changes}
    reported = {name for name, _ in plan.conditions}
    rows_by_id = observed.rows_by_id()
    expected = {}
    for name in _declared_names(records.values()):
        change = changes.get(name)
        # A row that the change renames is observed under its old name.
        row = rows_by_id.get(change.row_id) if change and change.row_id else observed.rows.get(name)
        spec = _spec_after(change, row)
        if spec is not None and name not in reported and not _may_complete(spec):
            expected[name] = spec
    return expected


def _declared_names(records: Iterable[FileRecord]) -> Iterator[str]:
    return (
        name
        for record in records
        for each in record.facts.schedules
        if each.task is not None
        for name in each.row_names
    )


def _may_complete(spec: TaskSpec) -> bool:
    """Return whether a disabled row will be reported as completed, once it is past its `expires`."""
    return not spec.enabled and spec.expires is not None


def _spec_after(change: Change | None, row: Row | None) -> TaskSpec | None:
    """Return the values of a row after a change; None if they are unknown. Only the fields of the change are written."""
    if change is None or change.target is None:
        return None if row is None else row.spec
    if change.action is Action.CREATE or row is None:
        return change.target
    names = {"schedule" if item.field in SCHEDULE_FIELDS else item.field for item in change.fields}
    return row.spec._replace(**{name: getattr(change.target, name) for name in names})


def needs_recording(changes: FileChanges, memory: Memory) -> bool:
    """Return whether the next sync would skip more with these records than with those in the database."""
    if changes.removed:
        return True
    for path, record in changes.records.items():
        previous = memory.record.files.get(path)
        if previous is None or previous.fingerprint != record.fingerprint:
            return True
        for name in record.facts.row_names:
            digest = memory.rows.digests.get(name) if name in changes.expected else None
            if digest is not None and digest != previous.row_digests.get(name):
                return True
    return False


def memory_after(
    memory: Memory, plan: Plan, changes: FileChanges, written: Mapping[str, FileRecord], stamp: SyncStamp
) -> Memory:
    """Return the memory after `plan` was applied and the records `written` were stored."""
    digests = dict(memory.rows.digests)
    for change in plan.changes:
        if change.action in {Action.DELETE, Action.FORGET}:
            digests.pop(change.name, None)
    for entry in plan.records:
        if entry.previous_name is not None:
            digests.pop(entry.previous_name, None)
        digests[entry.name] = None
    for record in written.values():
        digests.update({name: record.row_digests.get(name) for name in record.facts.row_names if name in digests})
    files = {path: record for path, record in memory.record.files.items() if path not in changes.removed}
    return Memory(SourceRecord(stamp, {**files, **written}), RowFingerprints(digests, name_rule=memory.rows.name_rule))
