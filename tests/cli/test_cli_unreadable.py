"""SQLite keeps whatever it is given in any column, and neither beat nor Django can read all of it: ours is mended, all else left alone."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections

from beatsync.store import Store
from beatsync.store.tables import PERIODIC_TASK, SCHEDULES, Table
from tests.cli.commanding import Here

TASK = PERIODIC_TASK.name
OTHERS = 1000
"""Above all keys of ours."""
NO_DRIFT = ("last_run_at", "total_run_count", "date_changed", "one_off")
"""What is beat's own; and a flag, of which everything but 1 is false to Django."""
SAID = {
    "interval": (
        "interval: {}m; queue: q; exchange: e; routing_key: r; args: [1]; kwargs: {{a: 1}}; headers: {{x: y}}; priority: 3;"
        " expire_seconds: 90; start_time: 2020-01-01T00:00:00Z; description: d"
    ),
    "crontab": 'crontab: "{} 2 * * *"; timezone: UTC; expires: 2090-01-01T00:00:00Z',
    "solar": "solar: {{event: sunrise, latitude: {}.5, longitude: 2.5}}",
    "clocked": "clocked: 2099-01-01T00:{}:00Z",
}
"""A schedule of each kind, of which no two have one schedule row."""
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
"""By the name of the schedule whose row has it written into, each alone."""
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


@dataclass
class Row:
    """A row of ours, and its schedule's; those of others have the keys behind `OTHERS`."""

    here: Here
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


def theirs(here: Here) -> list[Any]:
    tables = (PERIODIC_TASK, *SCHEDULES.values())
    return [rows(here, f"SELECT * FROM {table.name} WHERE id > {OTHERS} AND id < {2 * OTHERS}") for table in tables]


@pytest.fixture
def synced(here: Here) -> dict[str, Row]:
    """A row of ours for each case, and the same once more that are not ours, with schedule rows of their own."""
    # Keys begin at 1 again, whatever tests before this one made.
    rows(here, "DELETE FROM sqlite_sequence")
    said = ""
    for number, (name, (kind, *_)) in enumerate(CASES.items(), start=10):
        said += "\n    ".join([f"  {name}:", "task: t", *SAID[kind].format(number).split("; ")]) + "\n"
    here.spec(f"schedules:\n{said}")
    assert here("sync").code == 0
    rows(here, f"UPDATE {TASK} SET last_run_at = '2026-01-01 00:00:00'")
    for table in SCHEDULES.values():
        names = ", ".join(table.columns)
        values = names.replace("latitude", "latitude + 0.25")
        rows(here, f"INSERT INTO {table.name} (id, {names}) SELECT id + {OTHERS}, {values} FROM {table.name}")
        # What is made later is neither ours of now nor theirs.
        rows(here, f"UPDATE sqlite_sequence SET seq = {2 * OTHERS} WHERE name = '{table.name}'")
    names = ", ".join(PERIODIC_TASK.columns)
    values = ", ".join(
        "'their ' || name" if name == "name" else f"{name} + {OTHERS}" if name.endswith("_id") else name
        for name in PERIODIC_TASK.columns
    )
    rows(here, f"INSERT INTO {TASK} (id, {names}) SELECT id + {OTHERS}, {values} FROM {TASK}")
    assert here("sync").out == f"Nothing to do: {len(CASES)} unchanged.\n"
    keys = ", ".join(f"{kind}_id" for kind in SCHEDULES)
    found = rows(here, f"SELECT name, id, COALESCE({keys}) FROM {TASK} WHERE id < {OTHERS}")
    assert len(found) == len(CASES)
    # Of nothing that the database can tell of is anything read, so it has to tell of whatever is written from here on.
    told = Store(here.alias, project_settings=False).told("default")
    assert told is not None
    assert sorted(told.known.values()) == sorted(CASES)
    return {name: Row(here, *CASES[name], key, schedule) for name, key, schedule in found}


@pytest.mark.parametrize("value", VALUES)
def test_any_column_may_hold_anything(here: Here, synced: dict[str, Row], value: str) -> None:
    said, theirs_say = VALUES[value]
    nothing = f"Nothing to do: {len(CASES)} unchanged.\n"
    before = {name: row.value for name, row in synced.items()}
    untouched = theirs(here)
    for row in synced.values():
        row.write(theirs_say, theirs=True)
    left_alone = theirs(here)
    assert left_alone != untouched
    for command in ("status", "plan", "sync"):
        answer = here(command)
        assert (answer.code, answer.err) == (0, "")
    assert answer.out == nothing

    for row in synced.values():
        row.write(said)
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
def test_a_switch_that_is_not_1_is_off(here: Here, value: str) -> None:
    here.spec("schedules:\n  one: {task: t, interval: 1h}\n  two: {task: t, interval: 1h, enabled: true}\n")
    assert here("sync").code == 0
    rows(here, f"UPDATE {TASK} SET enabled = {value}")
    answer = here("sync")
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "1 updated, 1 unchanged.")
    assert "  paused by hand: one\n" in answer.out
    assert rows(here, f"SELECT enabled FROM {TASK} WHERE name = 'two'") == [(1,)]
