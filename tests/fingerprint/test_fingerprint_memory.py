"""What a sync records about files and rows, as pure functions."""

from __future__ import annotations

from dataclasses import replace

from beatsync.fingerprint import FileChanges, FileRecord, RowFingerprints, SourceRecord, SyncStamp
from beatsync.fingerprint.memory import Memory, file_changes, memory_after, needs_recording
from beatsync.fingerprint.scope import ScopedSource
from beatsync.plan.diff import make_plan
from beatsync.plan.model import Condition
from beatsync.values import Desired, FileFacts, ScheduleFacts, Severity
from tests.builders import declared, desired, observed, owned, request, row

FILE_FACTS = FileFacts("a.yaml", (ScheduleFacts("nightly", 3, 3, "shop.tasks.bill"),))
SCHEDULE = declared()


def source(files: Desired, *facts: FileFacts) -> ScopedSource:
    from beatsync.fingerprint import EVERYTHING

    by_path = {each.path: each for each in facts}
    return ScopedSource(EVERYTHING, files, by_path, {path: f"fingerprint of {path}" for path in by_path})


def remembered(digest: str | None = "d1") -> Memory:
    record = FileRecord("fingerprint of a.yaml", FILE_FACTS, {} if digest is None else {"nightly": digest})
    return Memory(SourceRecord(files={"a.yaml": record}), RowFingerprints({"nightly": "d1"}))


def changes_for(files: Desired, record: SourceRecord | None = None) -> FileChanges:
    current = observed(row(SCHEDULE), inventory=(owned(SCHEDULE),))
    plan = make_plan(files, current, request())
    return file_changes(source(files, FILE_FACTS), plan, current, record or SourceRecord())


def test_a_new_row_is_expected_as_declared() -> None:
    files = desired(SCHEDULE)
    plan = make_plan(files, observed(), request())
    changes = file_changes(source(files, FILE_FACTS), plan, observed(), SourceRecord())
    assert changes.expected == {"nightly": SCHEDULE.spec}
    assert changes.records["a.yaml"].fingerprint == "fingerprint of a.yaml"


def test_an_updated_row_is_expected_with_only_its_changed_fields() -> None:
    from beatsync.values import Policy

    ignoring = declared(policy=Policy(ignore=("queue",)), priority=3)
    current = observed(row(declared(), queue="by hand"), inventory=(owned(declared(policy=Policy(ignore=("queue",)))),))
    plan = make_plan(desired(ignoring), current, request())
    expected = file_changes(source(desired(ignoring), FILE_FACTS), plan, current, SourceRecord()).expected["nightly"]
    assert (expected.priority, expected.queue) == (3, "by hand")


def test_a_row_with_a_condition_is_read_every_time() -> None:
    current = observed(row(SCHEDULE, enabled=False), inventory=(owned(SCHEDULE),))
    plan = make_plan(desired(SCHEDULE), current, request())
    assert plan.conditions == (("nightly", Condition.PAUSED),)
    assert file_changes(source(desired(SCHEDULE), FILE_FACTS), plan, current, SourceRecord()).expected == {}


def test_an_invalid_or_missing_file_has_no_record() -> None:
    from beatsync.values import Diagnostic, Location

    error = Diagnostic(Severity.ERROR, "made-up", "wrong", Location("a.yaml", 1, 1))
    gone = FileRecord("old", FileFacts("gone.yaml"))
    record = SourceRecord(files={"a.yaml": gone, "gone.yaml": gone})
    changes = changes_for(desired(SCHEDULE, diagnostics=(error,)), record=record)
    assert not changes.records
    assert changes.removed == {"a.yaml", "gone.yaml"}


def test_a_record_is_written_only_if_the_next_sync_would_skip_more() -> None:
    changes = changes_for(desired(SCHEDULE))
    assert not needs_recording(changes, remembered())
    assert needs_recording(changes, remembered(digest="another"))
    assert needs_recording(changes, remembered(digest=None))
    assert needs_recording(changes, Memory(rows=RowFingerprints({"nightly": "d1"})))
    assert needs_recording(replace(changes, removed=frozenset({"b.yaml"})), remembered())
    # A row that waits to be as it was keeps its recorded digest.
    assert not needs_recording(replace(changes, expected={}), remembered())


def test_the_memory_after_a_sync_holds_what_was_written() -> None:
    files = desired()
    current = observed(row(SCHEDULE), inventory=(owned(SCHEDULE),))
    plan = make_plan(files, current, request())
    stamp = SyncStamp(plan.revision)
    deleted = memory_after(remembered(), plan, FileChanges(removed=frozenset({"a.yaml"})), {}, stamp)
    assert (deleted.rows.digests, deleted.record) == ({}, SourceRecord(stamp))
    created = memory_after(
        Memory(),
        make_plan(desired(SCHEDULE), observed(), request()),
        FileChanges(),
        {"a.yaml": FileRecord("f", FILE_FACTS, {"nightly": "d2"})},
        stamp,
    )
    assert created.rows.digests == {"nightly": "d2"}
    assert created.record.files["a.yaml"].row_digests == {"nightly": "d2"}
