"""SQLite keeps whatever it is given in any column, and neither beat nor Django can read all of it: ours is mended, all else left alone."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import pytest
from django.db import connections

from beatsync.store.tables import PERIODIC_TASK, SCHEDULES, Table
from tests.cli.commanding import Here

FILE = """\
schedules:
  interval:
    task: t
    interval: 1h
    queue: q
    exchange: e
    routing_key: r
    args: [1]
    kwargs: {a: 1}
    headers: {x: y}
    priority: 3
    expire_seconds: 90
    start_time: 2020-01-01T00:00:00Z
    description: d
  crontab: {task: t, crontab: "30 2 * * *", timezone: UTC, expires: 2090-01-01T00:00:00Z}
  solar: {task: t, solar: {event: sunrise, latitude: 1.5, longitude: 2.5}}
  clocked: {task: t, clocked: 2099-01-01T00:00:00Z}
"""
TASK = PERIODIC_TASK.name
NO_DRIFT = ("last_run_at", "total_run_count", "date_changed", "one_off")
"""What is beat's own; and a flag, of which everything but 1 is false to Django."""
COLUMNS = [
    *((kind, table, column) for kind, table in SCHEDULES.items() for column in table.columns),
    *(
        ("crontab" if column == "expires" else "interval", PERIODIC_TASK, column)
        for column in PERIODIC_TASK.columns
        if column != "enabled"
    ),
]
VALUES = {
    "bytes": ("x'00ff'", "x'00fe'"),
    "the same as bytes": ("CAST({} AS BLOB)", "CAST({} AS BLOB)"),
    "a fraction": ("1.5", "3.5"),
    "a word": ("'word'", "'another'"),
}
"""What ours is given, and theirs: two names must differ."""


def rows(here: Here, sql: str) -> list[Any]:
    """Run a statement in a session of its own, which looks after no foreign key."""
    with contextlib.closing(sqlite3.connect(connections[here.alias].settings_dict["NAME"])) as session, session:
        return session.execute(sql).fetchall()


def theirs(here: Here) -> list[Any]:
    tables = (PERIODIC_TASK, *SCHEDULES.values())
    return [rows(here, f"SELECT * FROM {table.name} WHERE id BETWEEN 1001 AND 1014") for table in tables]


def ours(here: Here, kind: str, table: Table, column: str) -> Any:
    join = "" if table is PERIODIC_TASK else f" JOIN {table.name} s ON s.id = t.{kind}_id"
    ((value,),) = rows(here, f"SELECT {'s' if join else 't'}.{column} FROM {TASK} t{join} WHERE t.id = {KEYS[kind]}")
    return value


KEYS = {"interval": 11, "crontab": 12, "solar": 13, "clocked": 14}


@pytest.fixture
def synced(here: Here) -> Here:
    """Four rows of ours, and the same once more that are not ours, with schedule rows of their own."""
    here.spec(FILE)
    assert here("sync").code == 0
    for name, key in KEYS.items():
        rows(here, f"UPDATE {TASK} SET id = {key}, last_run_at = '2026-01-01 00:00:00' WHERE name = '{name}'")
        rows(here, f"UPDATE beatsync_inventoryentry SET row_id = {key} WHERE name = '{name}'")
    for kind, table in SCHEDULES.items():
        rows(here, f"UPDATE {table.name} SET id = 1")
        # The next keys are far from both, of whatever tests before this one.
        rows(here, f"UPDATE sqlite_sequence SET seq = 5000 WHERE name = '{table.name}'")
        rows(here, f"UPDATE {TASK} SET {kind}_id = 1 WHERE {kind}_id IS NOT NULL")
        names = ", ".join(table.columns)
        values = names.replace("latitude", "latitude + 1")
        rows(here, f"INSERT INTO {table.name} (id, {names}) SELECT 1001, {values} FROM {table.name}")
    names = ", ".join(PERIODIC_TASK.columns)
    values = ", ".join(
        "'their ' || name" if name == "name" else f"{name} - {name} + 1001" if name.endswith("_id") else name
        for name in PERIODIC_TASK.columns
    )
    rows(here, f"INSERT INTO {TASK} (id, {names}) SELECT id + 1000, {values} FROM {TASK}")
    assert here("sync").out == "Nothing to do: 4 unchanged.\n"
    return here


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("kind", "table", "column"), COLUMNS, ids=[f"{kind}-{name}" for kind, _, name in COLUMNS])
def test_any_column_may_hold_anything(synced: Here, kind: str, table: Table, column: str, value: str) -> None:
    is_task = table is PERIODIC_TASK
    said, theirs_say = (one.format(column) for one in VALUES[value])
    before = ours(synced, kind, table, column)
    rows(synced, f"UPDATE {table.name} SET {column} = {theirs_say} WHERE id = {KEYS[kind] + 1000 if is_task else 1001}")
    left_alone = theirs(synced)
    for command in ("status", "plan", "sync"):
        answer = synced(command)
        assert (answer.code, answer.err) == (0, "")
    assert answer.out == "Nothing to do: 4 unchanged.\n"

    rows(synced, f"UPDATE {table.name} SET {column} = {said} WHERE id {f'= {KEYS[kind]}' if is_task else '< 1000'}")
    is_ours = not (is_task and column in NO_DRIFT)
    is_drift = is_ours and ours(synced, kind, table, column) != before
    assert synced("status").code == 0
    planned = synced("plan", "--format", "json", "--detailed-exitcode")
    assert [change["name"] for change in planned.matching("plan")["changes"]] == ([kind] if is_drift else [])
    assert planned.code == (2 if is_drift else 0)
    assert synced("sync").code == 0
    if is_ours:
        assert ours(synced, kind, table, column) == before
    assert synced("sync").out == "Nothing to do: 4 unchanged.\n"
    assert theirs(synced) == left_alone


@pytest.mark.parametrize("value", ["x'00'", "x''", "7", "1.5", "'yes'"])
def test_a_switch_that_is_not_1_is_off(here: Here, value: str) -> None:
    here.spec("schedules:\n  one: {task: t, interval: 1h}\n  two: {task: t, interval: 1h, enabled: true}\n")
    assert here("sync").code == 0
    rows(here, f"UPDATE {TASK} SET enabled = {value}")
    answer = here("sync")
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "1 updated, 1 unchanged.")
    assert "  paused by hand: one\n" in answer.out
    assert rows(here, f"SELECT enabled FROM {TASK} WHERE name = 'two'") == [(1,)]
