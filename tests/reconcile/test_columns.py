"""What a column does not keep, and what else of the database stops a sync: `plan` says so before, and nothing is written."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django_celery_beat.models import PeriodicTask

from beatsync.reconcile import Outcome, Result, SyncOptions, plan, sync
from beatsync.store import Store, StoreError, foresee
from tests.conftest import Backend, empty

TASK = "django_celery_beat_periodictask"
CUT_ON_SQLITE = f"""
CREATE TRIGGER cut AFTER INSERT ON {TASK}
BEGIN UPDATE {TASK} SET queue = substr(NEW.queue, 1, 2) WHERE id = NEW.id; END
"""
CUT_ON_POSTGRESQL = f"""
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.queue := left(NEW.queue, 2); RETURN NEW; END';
CREATE TRIGGER cut BEFORE INSERT ON {TASK} FOR EACH ROW EXECUTE FUNCTION cut()
"""
PLAIN = "schedules:\n  a: {task: t.a, interval: 5m}\n"
OPTIONS = SyncOptions()


def write(root: Path, text: str) -> None:
    (root / "a.yaml").write_text(text, encoding="utf-8")


def execute(backend: Backend, *statements: str) -> None:
    with connections[backend.alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def codes(result: Result) -> list[str]:
    return [blocked.code for blocked in result.plan.blocked]


def rows(backend: Backend) -> list[str]:
    return list(PeriodicTask.objects.using(backend.alias).order_by("name").values_list("name", flat=True))


def assert_refused(store: Store, root: Path, code: str, *words: str) -> None:
    """Plan and sync twice: each time the same blocker with these words, and no row."""
    for run in (plan, sync, sync):
        result = run(root, store, OPTIONS)
        assert result.outcome is Outcome.BLOCKED
        assert set(codes(result)) == {code}
        text = " ".join(f"{blocked.message} {blocked.hint}" for blocked in result.plan.blocked)
        assert all(word in text for word in words), text


@pytest.fixture
def database(_backends: Callable[[str], Backend], request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The database of the kind that `indirect` names, empty; the connection's settings are restored."""
    backend = _backends(request.param)
    empty(backend.alias)
    settings = connections[backend.alias].settings_dict
    before = copy.deepcopy(settings)
    yield backend
    connections[backend.alias].close()
    settings.update(before)
    del connections[backend.alias]
    empty(backend.alias)


@contextmanager
def altered(backend: Backend, before: str, after: str) -> Iterator[None]:
    """Change the tables for a while: the other tests use them too."""
    execute(backend, before)
    try:
        yield
    finally:
        connections[backend.alias].close()
        execute(backend, f"DELETE FROM {TASK}", after)


@pytest.mark.parametrize("entry", ['interval: 5m, expires: "{}"', 'clocked: "{}", one_off: true'])
@pytest.mark.parametrize("database", ["sqlite", "mariadb"], indirect=True)
def test_a_repeated_local_hour_is_refused_where_the_column_holds_local_time(
    database: Backend, tmp_path: Path, entry: str
) -> None:
    connections[database.alias].close()
    connections[database.alias].settings_dict["TIME_ZONE"] = "America/New_York"
    vars(connections[database.alias]).pop("timezone_name", None)
    vars(connections[database.alias]).pop("timezone", None)
    store = Store(database.alias, project_settings=False)
    line = entry.format("2097-11-03T01:30:00-05:00")
    write(tmp_path, f"schedules:\n  a: {{task: t.a, {line}}}\n")
    assert_refused(store, tmp_path, "value-not-kept", "'a'", "America/New_York", "twice", "05:30")
    write(tmp_path, f"schedules:\n  a: {{task: t.a, {entry.format('2097-11-03T01:30:00-04:00')}}}\n")
    assert sync(tmp_path, store, OPTIONS).outcome is Outcome.APPLIED
    assert sync(tmp_path, store, replace(OPTIONS, fingerprints=False)).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("database", "sql"),
    [
        ("mariadb", f"ALTER TABLE {TASK} MODIFY expires datetime({{}}) NULL"),
        ("postgresql", f"ALTER TABLE {TASK} ALTER expires TYPE timestamptz({{}})"),
    ],
    indirect=["database"],
)
def test_a_fraction_of_a_second_is_refused_where_the_column_has_none(
    database: Backend, tmp_path: Path, sql: str
) -> None:
    with altered(database, sql.format(0), sql.format(6)):
        store = Store(database.alias, project_settings=False)
        write(tmp_path, "schedules:\n  a: {task: t.a, interval: 5m, expires: '2097-01-01T00:00:00.5Z'}\n")
        assert_refused(store, tmp_path, "value-not-kept", "expires of 'a'", "whole seconds")
        write(tmp_path, "schedules:\n  a: {task: t.a, interval: 5m, expires: '2097-01-01T00:00:00Z'}\n")
        assert sync(tmp_path, store, OPTIONS).outcome is Outcome.APPLIED
        assert sync(tmp_path, store, OPTIONS).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("database", "sql"),
    [
        ("mariadb", f"ALTER TABLE {TASK} MODIFY queue varchar({{}}) NULL"),
        ("postgresql", f"ALTER TABLE {TASK} ALTER queue TYPE varchar({{}})"),
    ],
    indirect=["database"],
)
def test_a_value_that_would_be_cut_is_refused(database: Backend, tmp_path: Path, sql: str) -> None:
    with altered(database, sql.format(5), sql.format(200)):
        write(tmp_path, "schedules:\n  a: {task: t.a, interval: 5m, queue: sixsix}\n")
        store = Store(database.alias, project_settings=False)
        assert_refused(store, tmp_path, "value-not-kept", "queue of 'a'", "6 characters", "keeps 5")


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "ascii"])
@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_a_character_that_the_character_set_lacks_is_refused(database: Backend, tmp_path: Path, charset: str) -> None:
    convert = f"ALTER TABLE {TASK} CONVERT TO CHARACTER SET "
    with altered(database, convert + charset, convert + "utf8mb4"):
        store = Store(database.alias, project_settings=False)
        write(tmp_path, "schedules:\n  clock-⏰-🕐: {task: t.a, interval: 5m}\n  b: {task: t.b, interval: 5m}\n")
        assert_refused(store, tmp_path, "character-set", charset, "U+1F550", "name of 'clock-")
        assert not rows(database)
        write(tmp_path, "schedules:\n  b: {task: t.b, interval: 5m}\n")
        assert sync(tmp_path, store, OPTIONS).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    ("database", "trigger"),
    [
        ("sqlite", CUT_ON_SQLITE),
        ("mariadb", f"CREATE TRIGGER cut BEFORE INSERT ON {TASK} FOR EACH ROW SET NEW.queue = LEFT(NEW.queue, 2)"),
        ("postgresql", CUT_ON_POSTGRESQL),
    ],
    indirect=["database"],
)
@pytest.mark.parametrize("fingerprints", [True, False])
def test_a_sync_is_rolled_back_if_a_row_does_not_have_what_it_wrote(
    database: Backend, tmp_path: Path, trigger: str, fingerprints: bool
) -> None:
    undo = f"DROP TRIGGER cut ON {TASK}; DROP FUNCTION cut" if database.name == "postgresql" else "DROP TRIGGER cut"
    with altered(database, trigger, undo):
        write(tmp_path, "schedules:\n  a: {task: t.a, interval: 5m, queue: billing}\n")
        store = Store(database.alias, project_settings=False)
        for _ in range(2):
            with pytest.raises(StoreError, match="queue of 'a': 'billing' was written, and 'bi' is kept"):
                sync(tmp_path, store, replace(OPTIONS, fingerprints=fingerprints))
        assert not rows(database)


# SQLite adds no such column.
@pytest.mark.parametrize("database", ["mariadb", "postgresql"], indirect=True)
def test_a_required_column_that_is_unknown_blocks_new_rows_only(database: Backend, tmp_path: Path) -> None:
    store = Store(database.alias, project_settings=False)
    write(tmp_path, PLAIN)
    sync(tmp_path, store, OPTIONS)
    required = "ADD COLUMN extra integer NOT NULL DEFAULT 7"
    with altered(database, f"ALTER TABLE {TASK} {required}", f"ALTER TABLE {TASK} DROP COLUMN extra"):
        execute(database, f"ALTER TABLE {TASK} ALTER extra DROP DEFAULT")
        write(tmp_path, PLAIN.replace("5m", "6m"))
        assert sync(tmp_path, store, OPTIONS).outcome is Outcome.APPLIED
        write(tmp_path, PLAIN.replace("5m", "6m") + "  b: {task: t.b, interval: 5m}\n")
        assert_refused(store, tmp_path, "unknown-column", f"{TASK}.extra")
        assert rows(database) == ["a"]


@pytest.mark.parametrize("on_delete", ["", "ON DELETE RESTRICT", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_a_plan_names_the_rows_that_other_tables_refer_to(backend: Backend, tmp_path: Path, on_delete: str) -> None:
    store = Store(backend.alias, project_settings=False)
    write(tmp_path, PLAIN + "  b: {task: t.b, interval: 5m}\n  c: {task: t.c, interval: 5m}\n")
    sync(tmp_path, store, OPTIONS)
    key = "integer" if backend.name != "postgresql" else "bigint"
    with altered(
        backend,
        f"CREATE TABLE shop_link (task_id {key}, FOREIGN KEY (task_id) REFERENCES {TASK} (id) {on_delete})",
        "DROP TABLE shop_link",
    ):
        execute(backend, f"INSERT INTO shop_link SELECT id FROM {TASK} WHERE name IN ('a', 'b')")
        write(tmp_path, "schedules:\n  c: {task: t.c, interval: 5m}\n")
        try:
            if on_delete.endswith(("CASCADE", "NULL")):
                assert plan(tmp_path, store, OPTIONS).outcome is Outcome.PLANNED
                assert sync(tmp_path, store, OPTIONS).outcome is Outcome.APPLIED
                assert rows(backend) == ["c"]
            else:
                assert_refused(store, tmp_path, "referenced-row", "a, b", "shop_link.task_id", "on_remove: disable")
                assert rows(backend) == ["a", "b", "c"]
        finally:
            execute(backend, "DELETE FROM shop_link")


@pytest.mark.parametrize(
    ("database", "option"),
    [
        ("postgresql", {"options": "-c default_transaction_read_only=on"}),
        ("mariadb", {"init_command": "SET SESSION TRANSACTION READ ONLY"}),
    ],
    indirect=["database"],
)
def test_a_plan_says_that_the_session_is_read_only(database: Backend, tmp_path: Path, option: Any) -> None:
    connections[database.alias].close()
    settings = connections[database.alias].settings_dict
    settings["OPTIONS"] = {**settings["OPTIONS"], **option}
    write(tmp_path, PLAIN)
    store = Store(database.alias, project_settings=False)
    assert codes(plan(tmp_path, store, OPTIONS)) == ["read-only"]
    with pytest.raises(StoreError):
        sync(tmp_path, store, OPTIONS)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_plan_says_that_the_file_is_read_only(database: Backend, tmp_path: Path) -> None:
    connections[database.alias].close()
    settings = connections[database.alias].settings_dict
    settings["OPTIONS"] = {**settings["OPTIONS"], "uri": True}
    settings["NAME"] = f"file:{settings['NAME']}?mode=ro"
    write(tmp_path, PLAIN)
    store = Store(database.alias, project_settings=False)
    assert codes(plan(tmp_path, store, OPTIONS)) == ["read-only"]


def test_a_sync_that_changes_nothing_asks_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, PLAIN)
    sync(tmp_path, store, OPTIONS)
    monkeypatch.setattr(foresee, "foresee", None)
    assert sync(tmp_path, store, OPTIONS).outcome is Outcome.UNCHANGED
    assert plan(tmp_path, store, OPTIONS).outcome is Outcome.PLANNED
