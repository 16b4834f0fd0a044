"""SQLite stores values of any type in any column, also ones that Django cannot read: owned rows are repaired, others stay unchanged."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections

from beatsync.store import Store
from beatsync.store.tables import PERIODIC_TASK, SCHEDULES, Table
from tests.cli.commanding import InProcess

TASK = PERIODIC_TASK.name
OTHERS = 1000
"""Greater than the keys of all owned rows; added to a key for its unowned copy."""
NO_DRIFT = ("last_run_at", "total_run_count", "date_changed", "one_off")
"""Columns that beat writes, and a flag that Django reads as false unless it is 1."""
SPECS = {
    "interval": (
        "interval: {}m; queue: q; exchange: e; routing_key: r; args: [1]; kwargs: {{a: 1}}; headers: {{x: y}}; priority: 3;"
        " expire_seconds: 90; start_time: 2020-01-01T00:00:00Z; description: d"
    ),
    "crontab": 'crontab: "{} 2 * * *"; timezone: UTC; expires: 2090-01-01T00:00:00Z',
    "solar": "solar: {{event: sunrise, latitude: {}.5, longitude: 2.5}}",
    "clocked": "clocked: 2099-01-01T00:{}:00Z",
}
"""A schedule of each kind; the number makes its schedule row unique."""
CASES = {
    f"{kind}-{column}": (kind, table, column)
    for kind, table, column in [
        *((kind, table, column) for kind, table in SCHEDULES.items() for column in table.columns),
        *(
            ("crontab" if column == "expires" else "interval", PERIODIC_TASK, column)
            for column in PERIODIC_TASK.columns
            if column != "enabled"
        ),
    ]
}
"""By the name of the schedule: its kind, and the table and the column that the test changes."""
VALUES = {
    "bytes": ("x'00ff'", "x'00fe'"),
    "the same as bytes": ("CAST({} AS BLOB)", "CAST({} AS BLOB)"),
    "a fraction": ("1.5", "3.5"),
    "a word": ("'word'", "'another'"),
}
"""The values for owned rows and for unowned rows, which differ because names are unique."""


def rows(here: InProcess, sql: str) -> list[Any]:
    """Run a statement on a new connection, which does not check foreign keys."""
    with contextlib.closing(sqlite3.connect(connections[here.alias].settings_dict["NAME"])) as session, session:
        return session.execute(sql).fetchall()


@dataclass
class Row:
    """An owned row and its schedule row; the keys of their unowned copies are greater by `OTHERS`."""

    here: InProcess
    kind: str
    table: Table
    column: str
    key: int
    schedule: int

    def write(self, value: str, *, theirs: bool = False) -> None:
        key = self.key if self.table is PERIODIC_TASK else self.schedule
        sql = f"UPDATE {self.table.name} SET {self.column} = {value.format(self.column)} WHERE id = {key + OTHERS * theirs}"
        rows(self.here, sql)

    @property
    def value(self) -> Any:
        is_task = self.table is PERIODIC_TASK
        join = "" if is_task else f" JOIN {self.table.name} s ON s.id = t.{self.kind}_id"
        column = f"{'t' if is_task else 's'}.{self.column}"
        ((value,),) = rows(self.here, f"SELECT {column} FROM {TASK} t{join} WHERE t.id = {self.key}")
        return value


def theirs(here: InProcess) -> list[Any]:
    tables = (PERIODIC_TASK, *SCHEDULES.values())
    return [rows(here, f"SELECT * FROM {table.name} WHERE id > {OTHERS} AND id < {2 * OTHERS}") for table in tables]


@pytest.fixture
def synced(here: InProcess) -> dict[str, Row]:
    """An owned row for each case, and an unowned copy of each with its own schedule row."""
    # Keys begin at 1 again, independent of earlier tests.
    rows(here, "DELETE FROM sqlite_sequence")
    schedules = ""
    for number, (name, (kind, *_)) in enumerate(CASES.items(), start=10):
        schedules += "\n    ".join([f"  {name}:", "task: t", *SPECS[kind].format(number).split("; ")]) + "\n"
    here.spec(f"schedules:\n{schedules}")
    assert here("sync").code == 0
    rows(here, f"UPDATE {TASK} SET last_run_at = '2026-01-01 00:00:00'")
    for table in SCHEDULES.values():
        names = ", ".join(table.columns)
        values = names.replace("latitude", "latitude + 0.25")
        rows(here, f"INSERT INTO {table.name} (id, {names}) SELECT id + {OTHERS}, {values} FROM {table.name}")
        # Rows that are created later have greater keys than both.
        rows(here, f"UPDATE sqlite_sequence SET seq = {2 * OTHERS} WHERE name = '{table.name}'")
    names = ", ".join(PERIODIC_TASK.columns)
    values = ", ".join(
        "'their ' || name" if name == "name" else f"{name} + {OTHERS}" if name.endswith("_id") else name
        for name in PERIODIC_TASK.columns
    )
    rows(here, f"INSERT INTO {TASK} (id, {names}) SELECT id + {OTHERS}, {values} FROM {TASK}")
    assert here("sync").out == f"Nothing to do: {len(CASES)} unchanged.\n"
    keys = ", ".join(f"{kind}_id" for kind in SCHEDULES)
    stored = rows(here, f"SELECT name, id, COALESCE({keys}) FROM {TASK} WHERE id < {OTHERS}")
    assert len(stored) == len(CASES)
    # Every row has a fingerprint, so that a row is read from here on only if its fingerprint changes.
    digests = Store(here.alias, project_settings=False).row_fingerprints("default").digests
    assert sorted(name for name, digest in digests.items() if digest) == sorted(CASES)
    return {name: Row(here, *CASES[name], key, schedule) for name, key, schedule in stored}


@pytest.mark.parametrize("value", VALUES)
def test_any_column_may_hold_any_value(here: InProcess, synced: dict[str, Row], value: str) -> None:
    owned_value, unowned_value = VALUES[value]
    nothing = f"Nothing to do: {len(CASES)} unchanged.\n"
    before = {name: row.value for name, row in synced.items()}
    untouched = theirs(here)
    for row in synced.values():
        row.write(unowned_value, theirs=True)
    left_alone = theirs(here)
    assert left_alone != untouched
    for command in ("status", "plan", "sync"):
        result = here(command)
        assert (result.code, result.err) == (0, "")
    assert result.out == nothing

    for row in synced.values():
        row.write(owned_value)
    ours = {name for name, row in synced.items() if row.table is not PERIODIC_TASK or row.column not in NO_DRIFT}
    drifted = sorted(name for name in ours if synced[name].value != before[name])
    assert len(drifted) >= len(SCHEDULES)
    assert here("status").code == 0
    planned = here("plan", "--format", "json", "--detailed-exitcode")
    assert sorted(change["name"] for change in planned.matching("plan")["changes"]) == drifted
    assert planned.code == 2
    assert here("sync").code == 0
    assert {name: synced[name].value for name in ours} == {name: before[name] for name in ours}
    assert here("sync").out == nothing
    assert theirs(here) == left_alone


@pytest.mark.parametrize("value", ["x'00'", "x''", "7", "1.5", "'yes'"])
def test_enabled_is_off_unless_it_is_1(here: InProcess, value: str) -> None:
    here.spec("schedules:\n  one: {task: t, interval: 1h}\n  two: {task: t, interval: 1h, enabled: true}\n")
    assert here("sync").code == 0
    rows(here, f"UPDATE {TASK} SET enabled = {value}")
    result = here("sync")
    assert (result.code, result.out.splitlines()[-1]) == (0, "1 updated, 1 unchanged.")
    assert "  paused by hand: one\n" in result.out
    assert rows(here, f"SELECT enabled FROM {TASK} WHERE name = 'two'") == [(1,)]
