"""The server's digests: of what a sync left they are those that were made of the files, and of anything else they are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from django_celery_beat.models import PeriodicTask

from beatsync.plan.digest import SEPARATOR
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store
from beatsync.store.tables import INVENTORY, PERIODIC_TASK, SCHEDULES, Kind, Table
from tests.conftest import Backend, MakeTask, Server, add_alias

FILE = """\
schedules:
  every-hour:
    task: t
    interval: 1h
    queue: q
    kwargs: {text: "it's 100 %s ü 日本"}
  nightly:
    task: ünï
    crontab: 30 2 * * mon-fri
    timezone: Europe/Berlin
    args: [1, two]
    headers: {x: y}
    exchange: e
    routing_key: "r.#"
    priority: 0
    expire_seconds: 90
    description: "It's a description"
  sunny:
    task: t
    solar: {event: sunrise, latitude: -0.5, longitude: 12.345678}
    start_time: 2030-01-01T00:00:00.25+01:00
    expires: 2031-01-01T00:00:00Z
    enabled: false
    sync:
      on_remove: disable
      ignore: [queue]
      protect: true
      sensitive: [kwargs.a]
  once:
    task: t
    clocked: 2099-01-05T03:00:00+01:00
"""
NAMES = ["every-hour", "nightly", "once", "sunny"]
OTHERWISE: dict[Kind, Any] = {
    Kind.INTEGER: 7_700_077, Kind.TEXT: "other", Kind.FLAG: False, Kind.MOMENT: "2033-03-03 03:03:03.000001", Kind.DEGREES: 1.25,
}  # fmt: skip
"""A number that is no row's key, however many tests made rows before: one that two entries claim is another matter."""
COLUMNS = [
    (table, name, OTHERWISE[kind])
    for table in (PERIODIC_TASK, *SCHEDULES.values(), INVENTORY)
    for name, kind in table.columns.items()
    if not (table is PERIODIC_TASK and name.endswith("_id"))
]
COLUMNS = [
    (table, name, name in {"one_off", "protect", "retired", "frozen"} or value) for table, name, value in COLUMNS
]


@pytest.fixture
def synced(store: Store, tmp_path: Path) -> Store:
    (tmp_path / "a.yaml").write_text(FILE, encoding="utf-8")
    assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED
    return store


def known(store: Store, source: str = "default") -> list[str]:
    told = store.told(source)
    return sorted(told.known.values()) if told else []


def run(store: Store, sql: str, *parameters: Any) -> int:
    with connections[store.alias].cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def test_all_that_a_sync_left_is_known(synced: Store) -> None:
    assert known(synced) == NAMES
    assert known(synced, "another") == []


def test_tables_in_an_older_character_set_are_told_of_as_well(server: Callable[[str], Server], tmp_path: Path) -> None:
    add_alias("latin1", server("mariadb").create())
    store = Store("latin1", project_settings=False)
    try:
        run(store, "ALTER DATABASE CHARACTER SET latin1")
        store.migrate(with_beat=True)
        (tmp_path / "a.yaml").write_text(FILE.replace("日本", "ß"), encoding="utf-8")
        assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED
        assert known(store) == NAMES
        assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.UNCHANGED
    finally:
        store.close()


@pytest.mark.parametrize(
    ("table", "column", "value"), COLUMNS, ids=[f"{table.name}-{name}" for table, name, _ in COLUMNS]
)
def test_what_is_written_by_hand_is_not_known(synced: Store, table: Table, column: str, value: Any) -> None:
    quoted = connections[synced.alias].ops.quote_name(column)
    one = " WHERE name = 'nightly'" if "name" in table.columns else ""
    assert run(synced, f"UPDATE {table.name} SET {quoted} = %s{one}", value) == 1
    beats = table is PERIODIC_TASK and column in {"last_run_at", "total_run_count", "date_changed"}
    assert len(known(synced)) == len(NAMES) - (not beats)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_task_that_names_another_schedule_is_not_known(synced: Store, kind: str) -> None:
    one = f"(SELECT id FROM {SCHEDULES[kind].name})"
    assert run(synced, f"UPDATE {PERIODIC_TASK.name} SET {kind}_id = {one} WHERE {kind}_id IS NULL") == 3
    assert len(known(synced)) == 1
    run(synced, f"UPDATE {PERIODIC_TASK.name} SET {kind}_id = NULL")
    assert len(known(synced)) == 3


def test_null_and_empty_are_alike_in_texts_that_may_be_null(synced: Store) -> None:
    for column in ("queue", "exchange", "routing_key"):
        run(synced, f"UPDATE {PERIODIC_TASK.name} SET {column} = '' WHERE name = 'once'")
    assert known(synced) == NAMES


@pytest.mark.parametrize("text", ["q\0", "\0", f"q{SEPARATOR}", f"{SEPARATOR}q", "Q", "q ", "'q'"])
@pytest.mark.parametrize("column", ["queue", "kwargs", "description", "name"])
def test_no_character_makes_one_text_look_like_another(synced: Store, column: str, text: str) -> None:
    if "\0" in text and connections[synced.alias].vendor == "postgresql":
        pytest.skip("PostgreSQL keeps no NUL")
    before = PeriodicTask.objects.using(synced.alias).values_list(column, flat=True).get(name="every-hour")
    run(synced, f"UPDATE {PERIODIC_TASK.name} SET {column} = %s WHERE name = 'every-hour'", (before or "q") + text)
    assert known(synced) == NAMES[1:]


def test_a_nul_hides_nothing_in_any_column_of_sqlites(sqlite_backend: Backend, tmp_path: Path) -> None:
    store = Store(sqlite_backend.alias, project_settings=False)
    (tmp_path / "a.yaml").write_text(FILE, encoding="utf-8")
    sync(tmp_path, store, SyncOptions())
    hidden = {}
    for table, name, _ in COLUMNS:
        with transaction.atomic(using=store.alias):
            column = connections[store.alias].ops.quote_name(name)
            changed = run(store, f"UPDATE {table.name} SET {column} = {column} || char(0) || 'x' WHERE {column} <> ''")
            hidden[f"{table.name}.{name}"] = changed - (len(NAMES) - len(known(store)))
            transaction.set_rollback(True, using=store.alias)
    ignored = {f"{PERIODIC_TASK.name}.{name}" for name in ("date_changed", "total_run_count")}
    assert {name for name, rows in hidden.items() if rows > 0} == ignored
    assert known(store) == NAMES


@pytest.mark.parametrize("column", ["said", "as_left, said"])
def test_the_digests_of_another_entry_are_not_taken_for_its_own(synced: Store, column: str) -> None:
    with connections[synced.alias].cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {INVENTORY.name} WHERE name = 'once'")
        digests = cursor.fetchone()
    assignments = ", ".join(f"{name} = %s" for name in column.split(", "))
    run(synced, f"UPDATE {INVENTORY.name} SET {assignments} WHERE name = 'sunny'", *digests)
    assert known(synced) == NAMES[:3]


def test_a_word_in_place_of_a_number_is_not_taken_for_zero(synced: Store, tmp_path: Path) -> None:
    if connections[synced.alias].vendor != "sqlite":
        pytest.skip("the servers take no word for a number")
    text = "schedules:\n  null-island:\n    task: t\n    solar: {event: sunset, latitude: 0, longitude: 0}\n"
    (tmp_path / "b.yaml").write_text(text, encoding="utf-8")
    assert sync(tmp_path, synced, SyncOptions()).outcome is Outcome.APPLIED
    assert known(synced) == sorted([*NAMES, "null-island"])
    run(synced, f"UPDATE {SCHEDULES['solar'].name} SET latitude = 'word' WHERE latitude = 0")
    assert known(synced) == NAMES
    (change,) = sync(tmp_path, synced, SyncOptions()).plan.changes
    assert (change.name, change.cause.value) == ("null-island", "drift")


def test_a_text_that_moves_to_the_next_column_is_not_taken_for_the_same(synced: Store) -> None:
    run(synced, f"UPDATE {PERIODIC_TASK.name} SET exchange = 'r.#', routing_key = 'e' WHERE name = 'nightly'")
    assert known(synced) == ["every-hour", "once", "sunny"]


def test_a_row_that_is_gone_made_anew_or_not_owned_is_told(synced: Store, make_task: MakeTask) -> None:
    made = make_task("by hand")
    tasks = PeriodicTask.objects.using(synced.alias)
    row = tasks.get(name="nightly")
    tasks.filter(name="once").delete()
    told = synced.told("default")
    assert told is not None
    assert sorted(told.known.values()) == ["every-hour", "nightly", "sunny"]
    assert (told.others, told.unowned) == (frozenset({"once"}), frozenset({made.pk}))
    row.delete()
    row.pk = None
    row.save()
    told = synced.told("default")
    assert told is not None
    assert (sorted(told.known.values()), told.others) == (["every-hour", "sunny"], frozenset({"once", "nightly"}))
    assert told.unowned == {made.pk, row.pk}


def test_where_a_row_is_owned_twice_everything_is_looked_at(synced: Store, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "b.yaml").write_text("schedules: {theirs: {task: t, interval: 1h}}", encoding="utf-8")
    sync(folder, synced, SyncOptions(source="other"))
    assert known(synced) == NAMES
    row_id = PeriodicTask.objects.using(synced.alias).get(name="nightly").pk
    run(synced, f"UPDATE {INVENTORY.name} SET row_id = %s WHERE name = 'theirs'", row_id)
    assert synced.told("default") is None
    assert sync(tmp_path, synced, SyncOptions()).plan.blocked[0].code == "owned-elsewhere"


def test_a_wall_clock_elsewhere_is_never_taken_for_one_in_utc(
    synced: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A project without USE_TZ stores its own zone's clock, where 23:00 is another moment than in the files."""
    connection = connections[synced.alias]
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL stores moments")
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", "Asia/Tokyo")
    connection.__dict__.pop("timezone", None)
    connection.__dict__.pop("timezone_name", None)
    try:
        assert known(synced) == ["every-hour", "nightly"]
        assert sync(tmp_path, synced, SyncOptions()).outcome is Outcome.APPLIED
        assert sync(tmp_path, synced, SyncOptions()).outcome is Outcome.UNCHANGED
        assert known(synced) == ["every-hour", "nightly"]
    finally:
        monkeypatch.undo()
        connection.__dict__.pop("timezone", None)
        connection.__dict__.pop("timezone_name", None)
