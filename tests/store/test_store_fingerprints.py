"""The server's digests: each column of a row, its schedule's row and its entry changes the digest, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction
from django_celery_beat.models import PeriodicTask

from beatsync.specfile.fields import FIELD_TABLE, ColumnType
from beatsync.store import Store
from beatsync.store.tables import BEAT_COLUMNS, INVENTORY, PERIODIC_TASK, SCHEDULES, Table
from beatsync.values import Clocked, Crontab, Interval, OnRemove, Policy, Solar, TaskSpec
from tests.conftest import Backend, MakeTask, Server, add_alias
from tests.store.storing import apply, create, create_all, delete, dialect, plan, queries, record, run

SPECS = (
    TaskSpec("every-hour", "t", Interval(1, "hours"), queue="q", kwargs='{"text": "it\'s 100 %s ü 日本"}'),
    TaskSpec(
        "nightly", "ünï", Crontab("30", "2", "*", "*", "1-5", "Europe/Berlin"), args='[1, "two"]', headers='{"x": "y"}',
        exchange="e", routing_key="r.#", priority=0, expire_seconds=90, description="It's a description",
    ),
    TaskSpec(
        "sunny", "t", Solar("sunrise", Decimal("-0.5"), Decimal("12.345678")), enabled=False,
        start_time=datetime(2029, 12, 31, 23, 0, 0, 250_000, tzinfo=timezone.utc),
        expires=datetime(2031, 1, 1, tzinfo=timezone.utc),
    ),
    TaskSpec("once", "t", Clocked(datetime(2099, 1, 5, 2, tzinfo=timezone.utc)), one_off=True),
)  # fmt: skip
POLICY = Policy(OnRemove.DISABLE, ignore=("queue",), protect=True, sensitive=("kwargs.a",))
NAMES = {spec.name for spec in SPECS}
OTHER_VALUES: dict[ColumnType, Any] = {
    ColumnType.INTEGER: 7_700_077, ColumnType.TEXT: "other", ColumnType.DATETIME: "2033-03-03 03:03:03.000001",
    ColumnType.DECIMAL: 1.25,
}  # fmt: skip
COLUMNS = [
    (table, name)
    for table in (PERIODIC_TASK, *SCHEDULES.values(), INVENTORY)
    for name in table.columns
    if not (table is PERIODIC_TASK and name.endswith("_id"))
]
Digests = Mapping[str, str | None]


@pytest.fixture
def synced(store: Store) -> Store:
    apply(store, plan(*map(create, SPECS), records=[record(spec, policy=POLICY) for spec in SPECS]))
    return store


def digests(store: Store) -> Digests:
    return store.row_fingerprints("shop").digests


def changed(before: Digests, store: Store) -> set[str]:
    """Return the names whose digest differs from `before`."""
    after = digests(store)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_every_entry_of_the_source_has_a_digest_of_its_own(synced: Store) -> None:
    create_all(synced, TaskSpec("theirs", "t", Interval(1, "hours")), source="theirs")
    texts = digests(synced)
    assert texts.keys() == NAMES
    assert len({*texts.values()} - {None}) == len(NAMES)
    assert {len(text or "") for text in texts.values()} == {32}
    assert digests(synced) == texts
    assert synced.row_fingerprints("unknown").digests == {}


def test_the_digests_are_read_by_few_statements_that_write_nothing(synced: Store) -> None:
    with queries(synced) as log:
        synced.row_fingerprints("shop")
    assert len([query for query in log if query["sql"] not in {"BEGIN", "COMMIT"}]) <= 4
    assert all(query["sql"].startswith(("SELECT", "DECLARE", "BEGIN", "COMMIT")) for query in log)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{table.name}-{name}" for table, name in COLUMNS])
def test_a_column_that_changes_changes_the_digest_unless_only_beat_writes_it(
    synced: Store, table: Table, column: str
) -> None:
    before = digests(synced)
    quoted = dialect(synced).quote(column)
    value = OTHER_VALUES.get(table.columns[column], f"CASE WHEN {quoted} = %s THEN %s ELSE %s END")
    where = " WHERE name = 'nightly'" if "name" in table.columns else ""
    if table.columns[column] is ColumnType.BOOLEAN:
        assert run(synced, f"UPDATE {table.name} SET {quoted} = {value}{where}", True, False, True) == 1
    else:
        assert run(synced, f"UPDATE {table.name} SET {quoted} = %s{where}", value) == 1
    if table is PERIODIC_TASK and column in BEAT_COLUMNS:
        assert changed(before, synced) == set()
    else:
        assert changed(before, synced)


def test_the_columns_of_the_field_table_are_covered() -> None:
    assert {field.name for field in FIELD_TABLE} <= {name for table, name in COLUMNS if table is PERIODIC_TASK}


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_task_that_refers_to_another_schedule_has_another_digest(synced: Store, kind: str) -> None:
    before = digests(synced)
    key = f"(SELECT id FROM {SCHEDULES[kind].name})"
    assert run(synced, f"UPDATE {PERIODIC_TASK.name} SET {kind}_id = {key} WHERE {kind}_id IS NULL") == 3
    assert len(changed(before, synced)) == 3


def test_null_and_empty_texts_have_different_digests(synced: Store) -> None:
    before = digests(synced)
    for column in ("queue", "exchange", "routing_key"):
        run(synced, f"UPDATE {PERIODIC_TASK.name} SET {column} = '' WHERE name = 'once'")
        assert changed(before, synced) == {"once"}
        run(synced, f"UPDATE {PERIODIC_TASK.name} SET {column} = NULL WHERE name = 'once'")
    assert changed(before, synced) == set()


MOVES = [
    (("a", "b"), ("ab", "")),
    (("a,", "b"), ("a", ",b")),
    (("a'", "b"), ("a", "'b")),
    (("a','", "b"), ("a", "','b")),
    (("a\x1f", "b"), ("a", "\x1fb")),
    (('a"', "b"), ("a", '"b')),
    (("\\", "b"), ("", "\\b")),
    (("NULL", None), (None, "NULL")),
    (("", None), (None, "")),
    (("ü", "b"), ("u\u0308", "b")),
    (("Q", "b"), ("q", "b")),
    (("q ", "b"), ("q", "b")),
]


@pytest.mark.parametrize(("first", "second"), MOVES, ids=[repr(move) for move in MOVES])
@pytest.mark.parametrize("columns", [("exchange", "routing_key"), ("kwargs", "headers")], ids="-".join)
def test_two_rows_never_have_one_digest_whatever_their_characters(
    synced: Store, columns: tuple[str, str], first: tuple[str | None, ...], second: tuple[str | None, ...]
) -> None:
    if columns[0] == "kwargs" and None in {*first, *second}:
        first, second = ("a", "aa"), ("aa", "a")  # these columns cannot be NULL
    seen = set()
    for values in (first, second):
        run(
            synced, f"UPDATE {PERIODIC_TASK.name} SET {columns[0]} = %s, {columns[1]} = %s WHERE name = 'once'", *values
        )
        seen.add(digests(synced)["once"])
    assert len(seen - {None}) == 2


@pytest.mark.parametrize("text", ["q\0", "\0", "q\0x"])
@pytest.mark.parametrize("column", ["queue", "kwargs", "name"])
def test_a_nul_is_never_overlooked(synced: Store, column: str, text: str) -> None:
    if connections[synced.alias].vendor == "postgresql":
        pytest.skip("PostgreSQL stores no NUL")
    before = digests(synced)
    run(synced, f"UPDATE {PERIODIC_TASK.name} SET {column} = CONCAT({column}, %s) WHERE name = 'every-hour'"
        if connections[synced.alias].vendor == "mysql"
        else f"UPDATE {PERIODIC_TASK.name} SET {column} = {column} || %s WHERE name = 'every-hour'", text)  # fmt: skip
    assert changed(before, synced) == {"every-hour"}


def test_sqlite_keeps_any_value_in_any_column_and_none_of_them_passes_for_another(sqlite_backend: Backend) -> None:
    """Each value either has a distinct digest, or none, and then the row is read."""
    store = Store(sqlite_backend.alias, project_settings=False)
    apply(store, plan(*map(create, SPECS), records=[record(spec, policy=POLICY) for spec in SPECS]))
    before = digests(store)
    values = ["x", "x\0", "x\0y", b"x", b"x\0", 0, 0.1, 0.1 + 2**-55, 1, 1.5, "1x", "", b"", "NULL"]
    kinds: dict[str, int] = {}
    for table, name in COLUMNS:
        if (table is PERIODIC_TASK and name in BEAT_COLUMNS) or name in {"source_id", "row_id"}:
            continue
        stored: dict[str, set[str]] = {}
        for value in values:
            column = connections[store.alias].ops.quote_name(name)
            where = " WHERE name = 'nightly'" if "name" in table.columns else ""
            with transaction.atomic(using=store.alias):
                run(store, f"UPDATE {table.name} SET {column} = %s{where}", value)
                kept = dialect(store).fetch(
                    f"SELECT typeof({column}), hex({column}), quote({column}) FROM {table.name}"
                )
                after = digests(store)
                for key in {digest for entry, digest in after.items() if digest and digest != before.get(entry)}:
                    stored.setdefault(key, set()).add(repr(kept))
                transaction.set_rollback(True, using=store.alias)
        kinds[f"{table.name}.{name}"] = len(stored)
        assert all(len(contents) == 1 for contents in stored.values()), f"{table.name}.{name}"
    assert digests(store) == before
    assert min(kinds.values()) >= 1


def test_a_missing_row_and_a_row_that_two_entries_claim_have_no_digest(synced: Store) -> None:
    before = digests(synced)
    tasks = PeriodicTask.objects.using(synced.alias)
    tasks.filter(name="once").delete()
    assert digests(synced) == {**before, "once": None}
    create_all(synced, TaskSpec("theirs", "t", Interval(2, "hours")), source="theirs")
    run(synced, f"UPDATE {INVENTORY.name} SET row_id = %s WHERE name = 'theirs'", tasks.get(name="nightly").pk)
    assert digests(synced) == {**before, "once": None, "nightly": None}
    assert synced.row_fingerprints("theirs").digests == {"theirs": None}


def test_a_row_that_was_deleted_and_inserted_again_has_another_digest(synced: Store) -> None:
    row = PeriodicTask.objects.using(synced.alias).get(name="nightly")
    row.delete()
    row.pk = None
    row.save()
    assert digests(synced)["nightly"] is None


def test_an_unowned_row_with_the_key_and_name_of_a_tombstone_is_resurrected(synced: Store, make_task: MakeTask) -> None:
    rows = synced.observe("shop").rows
    apply(synced, plan(*(delete(rows[name]) for name in ("nightly", "once", "sunny"))))
    assert synced.row_fingerprints("shop").resurrected == frozenset()
    make_task("nightly", id=rows["nightly"].row_id, enabled=False)
    make_task("another name", id=rows["once"].row_id)
    make_task("sunny")
    assert synced.row_fingerprints("shop").resurrected == {rows["nightly"].row_id}
    assert synced.row_fingerprints("theirs").resurrected == frozenset()


SESSIONS = {
    "sqlite": [],
    "postgresql": [
        "SET DateStyle TO 'SQL, DMY'", "SET TIME ZONE 'Asia/Tokyo'", "SET extra_float_digits TO -3",
        "SET bytea_output TO 'escape'", "SET IntervalStyle TO 'sql_standard'",
    ],
    "mysql": [
        "SET SESSION sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'", "SET SESSION time_zone = '+09:00'",
        "SET NAMES latin1", "SET SESSION collation_connection = 'utf8mb4_bin'",
    ],
}  # fmt: skip


def test_no_setting_of_the_session_changes_a_digest_or_a_row(synced: Store) -> None:
    before, rows = synced.row_fingerprints("shop"), synced.observe("shop").rows
    for statement in SESSIONS[connections[synced.alias].vendor]:
        run(synced, statement)
        after = synced.row_fingerprints("shop")
        connections[synced.alias].close()
        assert after == before, statement
    for statement in SESSIONS[connections[synced.alias].vendor][:2]:
        run(synced, statement)
        assert synced.observe("shop").rows == rows
    connections[synced.alias].close()


@pytest.mark.parametrize("text", ["infinity", "-infinity", "0044-03-15 12:00:00 BC", "0044-03-15 12:00:00"])
def test_times_that_python_cannot_hold_are_told_apart(synced: Store, text: str) -> None:
    if connections[synced.alias].vendor != "postgresql":
        pytest.skip("only PostgreSQL stores them")
    seen = {digests(synced)["once"]}
    for value in ("infinity", "-infinity", "0044-03-15 12:00:00 BC", "0044-03-15 12:00:00"):
        run(synced, f"UPDATE {PERIODIC_TASK.name} SET expires = %s WHERE name = 'once'", value)
        seen.add(digests(synced)["once"])
    assert len(seen - {None}) == 5
    run(synced, f"UPDATE {PERIODIC_TASK.name} SET expires = %s WHERE name = 'once'", text)
    expires = synced.observe("shop").rows["once"].spec.expires
    assert expires == (datetime(44, 3, 15, 12, tzinfo=timezone.utc) if text.endswith(":00") else None)


def test_tables_in_an_older_character_set_have_digests(server: Callable[[str], Server]) -> None:
    add_alias("latin1", server("mariadb").create())
    store = Store("latin1", project_settings=False)
    specs = [spec._replace(kwargs=spec.kwargs.replace("日本", "ß")) for spec in SPECS]
    try:
        run(store, "ALTER DATABASE CHARACTER SET latin1")
        store.migrate(with_beat=True)
        create_all(store, *specs)
        before = digests(store)
        assert len({*before.values()} - {None}) == len(NAMES)
        run(store, f"UPDATE {PERIODIC_TASK.name} SET description = 'é' WHERE name = 'once'")
        assert changed(before, store) == {"once"}
    finally:
        store.close()


def test_a_wall_clock_of_another_zone_has_another_digest(synced: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project without USE_TZ stores its own zone's clock, in which 23:00 is another time than in UTC."""
    connection = connections[synced.alias]
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL stores points in time")
    before = digests(synced)
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", "Asia/Tokyo")
    try:
        for cached in ("timezone", "timezone_name"):
            connection.__dict__.pop(cached, None)
        assert changed(before, synced) == NAMES
    finally:
        monkeypatch.undo()
        for cached in ("timezone", "timezone_name"):
            connection.__dict__.pop(cached, None)
    assert changed(before, synced) == set()


def test_what_the_entry_remembers_is_part_of_the_digest(synced: Store) -> None:
    before = digests(synced)
    rows = synced.observe("shop").rows
    policies = [replace(POLICY, protect=False), replace(POLICY, ignore=()), POLICY]
    for policy in policies[:2]:
        apply(synced, plan(records=[record(SPECS[0], rows["every-hour"].row_id, policy=policy)]))
        assert changed(before, synced) == {"every-hour"}
    apply(synced, plan(records=[record(SPECS[0], rows["every-hour"].row_id, policy=policies[2])]))
    assert changed(before, synced) == set()
