"""The records of a source's files: written with a sync, with the digests of the rows that it verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beatsync.fingerprint import EVERYTHING, FileChanges, FileRecord, Scope, SourceRecord
from beatsync.fingerprint.records import SyncStamp
from beatsync.models import FileRecord as FileRecordModel
from beatsync.models import Source
from beatsync.plan.observed import Observed
from beatsync.store import Store
from beatsync.store.statements import MAX_IDS
from beatsync.store.tables import FILE_RECORD, PERIODIC_TASK
from beatsync.values import Diagnostic, FileFacts, Location, ScheduleFacts, Severity
from tests.statements import writes
from tests.store.storing import (
    LATER,
    NOW,
    REVISION,
    apply,
    create,
    create_all,
    delete,
    file_changes,
    plan,
    queries,
    record,
    run,
    update,
    write_files,
)
from tests.store.test_store_apply import FULL, hourly


def test_a_source_that_was_never_synced_has_an_empty_record(store: Store) -> None:
    assert store.source_record("shop") == SourceRecord()


def test_the_record_of_a_source_holds_its_last_sync_and_its_files(store: Store) -> None:
    specs = [hourly(), FULL]
    wanted = plan(*map(create, specs), records=map(record, specs), origin="git@host:x//d", environment="prod")
    apply(store, wanted, NOW, file_changes(*specs))
    stored = store.source_record("shop")
    assert stored.stamp == SyncStamp(REVISION, "git@host:x//d", "prod", NOW)
    assert stored.files["a.yaml"].facts == file_changes(*specs).records["a.yaml"].facts
    assert stored.files["a.yaml"].row_digests == store.row_fingerprints("shop").digests
    assert store.source_record("theirs") == SourceRecord()


def test_facts_and_paths_are_read_as_they_were_written(store: Store) -> None:
    warning = Diagnostic(Severity.WARNING, "code", "it's ü", Location("ü/a b.yaml", 3, 4), "hint", "excerpt")
    schedules = (ScheduleFacts("a", 1, 2, "t", "old"), ScheduleFacts("b", 3, 4, None))
    facts = FileFacts("ü/a b.yaml", schedules, frozenset({"prod", "test"}), (warning,))
    long_path = f"{'d' * 250}/" * 4 + "a.yaml"
    records = {
        "ü/a b.yaml": FileRecord("1" * 64, facts),
        long_path: FileRecord("2" * 64, FileFacts(long_path)),
    }
    written = write_files(store, FileChanges(records))
    assert written == records
    assert store.source_record("shop").files == records


def test_a_digest_is_recorded_only_for_a_row_that_is_as_expected(store: Store) -> None:
    specs = [hourly("a"), hourly("b"), hourly("c")]
    create_all(store, *specs)
    run(store, f"UPDATE {PERIODIC_TASK.name} SET args = '[1]' WHERE name = 'b'")
    changes = file_changes(*specs)
    unverified = replace(changes, expected={name: changes.expected[name] for name in "ab"})
    digests = write_files(store, unverified)["a.yaml"].row_digests
    assert digests == {"a": store.row_fingerprints("shop").digests["a"]}
    assert store.source_record("shop").files["a.yaml"].row_digests == digests


def test_each_file_has_the_digests_of_its_own_schedules(store: Store) -> None:
    create_all(store, hourly("a"), hourly("b"))
    first, second = file_changes(hourly("a")), file_changes(hourly("b"), path="b.yaml")
    both = FileChanges({**first.records, **second.records}, frozenset(), {**first.expected, **second.expected})
    written = write_files(store, both)
    assert {path: set(file.row_digests) for path, file in written.items()} == {"a.yaml": {"a"}, "b.yaml": {"b"}}


@pytest.mark.parametrize("count", [3, MAX_IDS + 1])
def test_digests_of_few_and_of_many_rows_are_read_by_few_statements(store: Store, count: int) -> None:
    specs = [hourly(f"task {number}") for number in range(count)]
    create_all(store, *specs)
    with queries(store) as log:
        written = write_files(store, file_changes(*specs))
    assert written["a.yaml"].row_digests == store.row_fingerprints("shop").digests
    # MariaDB's statement is not logged: it is run by a cursor of the driver.
    assert sum(PERIODIC_TASK.name in query["sql"] for query in log) <= 1


def test_a_row_of_another_source_gets_no_digest(store: Store) -> None:
    create_all(store, hourly(), source="theirs")
    assert write_files(store, file_changes(hourly()))["a.yaml"].row_digests == {}


def test_records_are_replaced_and_removed(store: Store) -> None:
    create_all(store, hourly("a"), hourly("b"))
    write_files(store, file_changes(hourly("a")))
    write_files(store, file_changes(hourly("b"), path="b.yaml"))
    write_files(store, file_changes(hourly("a"), hourly("b"), removed=["b.yaml"]))
    files = store.source_record("shop").files
    assert set(files) == {"a.yaml"}
    assert set(files["a.yaml"].row_digests) == {"a", "b"}
    assert FileRecordModel.objects.using(store.alias).count() == 1
    with store.locked("theirs", 0, "tests"):
        store.apply(plan(source="theirs"), Observed(), FileChanges(removed=frozenset({"a.yaml"})), NOW)
    assert store.source_record("shop").files == files


def test_a_sync_that_is_rolled_back_leaves_the_records(store: Store) -> None:
    class Killed(Exception):  # noqa: N818
        pass

    create_all(store, hourly())
    write_files(store, file_changes(hourly()))
    before = store.source_record("shop")

    def kill() -> None:
        with store.locked("shop", 0, "tests"):
            store.apply(plan(), Observed(), file_changes(hourly("new"), path="b.yaml", removed=["a.yaml"]), LATER)
            raise Killed

    with pytest.raises(Killed):
        kill()
    assert store.source_record("shop") == before


@pytest.mark.parametrize("column", ["facts", "row_digests"])
@pytest.mark.parametrize("text", ["", "not json", "[]", "1", "null", '{"a": 1}', '[[1, "x"]]'])
def test_a_record_that_cannot_be_decoded_is_left_out(store: Store, column: str, text: str) -> None:
    write_files(store, file_changes(hourly()))
    write_files(store, file_changes(hourly("b"), path="b.yaml"))
    run(store, f"UPDATE {FILE_RECORD.name} SET {column} = %s WHERE path = 'a.yaml'", text)
    files = store.source_record("shop").files
    assert "b.yaml" in files
    assert files.get("a.yaml") is None or files["a.yaml"].row_digests == {}


def test_a_source_can_be_deleted_by_hand(store: Store) -> None:
    create_all(store, hourly())
    write_files(store, file_changes(hourly()))
    run(store, "DELETE FROM beatsync_syncrecord")
    assert run(store, "DELETE FROM beatsync_source") == 1
    assert store.source_record("shop") == SourceRecord()
    create_all(store, hourly("new"))
    assert store.source_record("shop").files == {}
    Source.objects.using(store.alias).all().delete()
    assert store.sources() == ()


def test_what_a_sync_reads_if_nothing_changed_is_at_most_twelve_statements_without_a_write(store: Store) -> None:
    rows = create_all(store, hourly(), hourly("deleted")).rows
    apply(store, plan(delete(rows["deleted"])), NOW, file_changes(hourly()))
    fresh = Store(store.alias, project_settings=False)
    with queries(store) as log:
        stored = fresh.source_record("shop")
        fingerprints = fresh.row_fingerprints("shop")
        observed = fresh.observe("shop", Scope(frozenset(), frozenset()))
    assert stored.files["a.yaml"].row_digests == fingerprints.digests
    assert (observed.rows, observed.inventory, len(observed.tombstones)) == ({}, {}, 1)
    assert len(log) <= 12
    assert writes(log) == []


def test_a_row_written_by_a_sync_is_verified_before_beat_is_notified(store: Store) -> None:
    row = create_all(store, hourly()).rows["hourly"]
    with store.locked("shop", 0, "tests"), queries(store) as log:
        observed = store.observe("shop", EVERYTHING)
        new = hourly(args="[2]")
        change, entry = update(row, new), record(new, row.row_id)
        written = store.apply(plan(change, records=[entry]), observed, file_changes(new), LATER)
    assert written["a.yaml"].row_digests == store.row_fingerprints("shop").digests
    assert "periodictasks" in log[-1]["sql"]
