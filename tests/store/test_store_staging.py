"""New rows that are laid ready before SQLite's lock is taken: the same rows, and nothing left behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError, connections

from beatsync.plan.model import Plan
from beatsync.store import RetryableError, Store, staging
from beatsync.store.tables import INVENTORY, PERIODIC_TASK
from beatsync.values import Policy
from tests.conftest import Backend
from tests.statements import each_statement
from tests.store.storing import LATER, NOW, apply, create, create_all, plan, record, scalar, update
from tests.store.test_store_apply import FULL, HOURLY, NIGHTLY, ONCE, SUNRISE, hourly

SPECS = [
    *(
        FULL._replace(name=f"{FULL.name} {schedule.kind}", schedule=schedule)
        for schedule in (HOURLY, NIGHTLY, ONCE, SUNRISE)
    ),
    FULL._replace(name="unreadable", schedule=None),
    hourly(),
    hourly("hourly too"),
]
LEFT = "SELECT COUNT(*) FROM temp.sqlite_master"


@pytest.fixture(autouse=True)
def _few() -> Iterator[None]:
    with mock.patch.object(staging, "LEAST", 1):
        yield


@pytest.fixture
def lite(sqlite_backend: Backend) -> Store:
    return Store(sqlite_backend.alias, project_settings=False)


def made() -> Plan:
    policy = Policy(protect=True, ignore=("queue",), sensitive=("kwargs.a",))
    changes = [create(spec, last_run_at=LATER if spec.one_off else None) for spec in SPECS]
    return plan(*changes, records=[record(spec, policy=policy) for spec in SPECS])


def prepared(store: Store, one: Plan, *, holding: Plan | None = None) -> None:
    with store.prepared(holding or one) as ready, store.locked("shop", 0, "tests"):
        store.apply(one, store.observe("shop"), NOW, ready)


def tables(store: Store) -> list[list[Any]]:
    """Return all that stands in the two tables, apart from the keys that the database makes."""
    found = []
    with connections[store.alias].cursor() as cursor:
        for table in (PERIODIC_TASK, INVENTORY):
            names = [f'"{name}"' for name in table.columns if name not in {"source_id", "row_id"}]
            cursor.execute(
                f"SELECT {', '.join(f'{one}, typeof({one})' for one in names)} FROM {table.name} ORDER BY id"
            )
            found.append(cursor.fetchall())
    return found


def test_they_are_the_rows_that_are_written_without(lite: Store) -> None:
    direct = apply(lite, made())
    assert len(direct.inventory) == len(SPECS)
    rows = tables(lite)
    with connections[lite.alias].cursor() as cursor:
        for table in (PERIODIC_TASK, INVENTORY):
            cursor.execute(f"DELETE FROM {table.name}")
    prepared(lite, made())
    assert tables(lite) == rows
    seen = lite.observe("shop")
    assert {entry.row_id for entry in seen.inventory.values()} == {row.row_id for row in seen.rows.values()}
    assert [row.spec for row in seen.rows.values()] == [row.spec for row in direct.rows.values()]
    assert scalar(lite, LEFT) == 0


def test_another_save_goes_through_until_the_lock_is_taken_and_no_new_row_is_handed_over_under_it(
    lite: Store,
) -> None:
    one = made()
    create_all(lite, hourly("before"))
    statements = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, many))
        return execute(sql, params, many, context)

    with lite.prepared(one) as ready:
        with closing(sqlite3.connect(connections[lite.alias].settings_dict["NAME"], timeout=0)) as other, other:
            other.execute(f"UPDATE {PERIODIC_TASK.name} SET description = 'saved' WHERE name = 'before'")
        with lite.locked("shop", 0, "tests"), each_statement(connections[lite.alias], note):
            lite.apply(one, lite.observe("shop"), NOW, ready)
    assert lite.observe("shop").rows["before"].spec.description == "saved"
    for table in (PERIODIC_TASK, INVENTORY):
        (written,) = ((sql, many) for sql, many in statements if sql.startswith(f"INSERT INTO {table.name}"))
        assert "SELECT" in written[0]
        assert not written[1]


def test_what_else_a_plan_does_is_done_as_ever(lite: Store) -> None:
    before = create_all(lite, hourly("kept")).rows["kept"]
    changed = hourly("kept", queue="other")
    one = plan(
        update(before, changed), *map(create, SPECS), records=[record(changed, before.row_id), *map(record, SPECS)]
    )
    prepared(lite, one)
    seen = lite.observe("shop")
    assert seen.rows["kept"].spec == changed
    assert seen.inventory.keys() == {"kept", *(spec.name for spec in SPECS)}
    assert seen.inventory["kept"].row_id == before.row_id


def test_another_plan_than_was_prepared_is_the_one_that_is_applied(lite: Store) -> None:
    prepared(lite, plan(create(hourly("other")), records=[record(hourly("other"))]), holding=made())
    assert lite.observe("shop").rows.keys() == lite.observe("shop").inventory.keys() == {"other"}
    assert scalar(lite, LEFT) == 0


def test_a_name_that_was_taken_meanwhile_leaves_all_as_it_was_and_nothing_behind(lite: Store) -> None:
    create_all(lite, hourly(), source="theirs")
    for _ in range(2):
        with pytest.raises(RetryableError):
            prepared(lite, made())
        assert [*lite.observe("shop").rows] == [*lite.observe("shop").owners] == ["hourly"]
        assert not lite.observe("shop").inventory
        assert scalar(lite, LEFT) == 0


def test_an_entry_whose_task_is_not_written_is_refused(lite: Store) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        prepared(lite, plan(create(hourly()), records=[record(hourly()), record(hourly("nowhere"))]))
    assert lite.observe("shop").rows == {}


def test_without_room_for_a_temporary_table_it_is_done_without(lite: Store) -> None:
    def full(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "beatsync_new" in sql and many:
            raise DatabaseError("database or disk is full")
        return execute(sql, params, many, context)

    with connections[lite.alias].execute_wrapper(full):
        prepared(lite, made())
    assert lite.observe("shop").inventory.keys() == {spec.name for spec in SPECS}
    assert scalar(lite, LEFT) == 0
