"""What a large plan makes anew, laid ready on SQLite before its one lock is taken, for which every save waits.

A table of the connection's own is under no lock of the file's. From there the rows go where they belong in a third of the time that the
driver takes to hand them over one by one, and both together take no longer than that.
"""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.db import DatabaseError

from beatsync.plan.model import Action, Change, Plan, Record
from beatsync.store import records, schedules, tasks, times
from beatsync.store.bulk import Value, execute, insert
from beatsync.store.tables import INVENTORY, PERIODIC_TASK, Kind, Table
from beatsync.values import Schedule

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

LEAST = 1_000
"""New rows for which it pays."""
_KEYS = Table("beatsync_new_key", dict.fromkeys(("schedule", *tasks.SCHEDULE_COLUMNS), Kind.INTEGER), key="schedule")
_ENTRY = "entry_"
_NEW = Table(
    "beatsync_new",
    {
        "schedule": Kind.INTEGER,
        **{name: PERIODIC_TASK.columns[name] for name in (*tasks.PLAIN_COLUMNS, "last_run_at")},
        **{f"{_ENTRY}{name}": kind for name, kind in INVENTORY.columns.items()},
    },
)
"""Each task with its entry, by the number of its schedule and without the key of its row."""


class Staged:
    """The new rows of one plan."""

    def __init__(self, connection: BaseDatabaseWrapper, plan: Plan) -> None:
        self.plan = plan
        self.told: Mapping[str, Value] = {}
        """What the history is to tell of it."""
        self._connection = connection
        self._zone = times.zone_of(connection)
        self._numbers: dict[Schedule, int] = {}
        self._changes = [change for change in plan.changes if change.action is Action.CREATE]
        self._records = [record for record in plan.records if record.row_id is None]

    @property
    def new_schedules(self) -> Collection[Schedule]:
        """All that the new rows use."""
        return self._numbers

    def pays(self) -> bool:
        """Whether it is worth while, and each new task has its entry, as in every plan of files."""
        return len(self._changes) >= LEAST and [one.name for one in self._changes] == [
            one.name for one in self._records
        ]

    def fill(self) -> bool:
        """Lay them ready; return whether there was room for it."""
        self.told = records.told_of(self.plan)
        # No `atomic`, which in some projects begins by taking the file's lock.
        try:
            execute(self._connection, "BEGIN DEFERRED")
            self._fill()
            execute(self._connection, "COMMIT")
        except BaseException as error:
            with suppress(DatabaseError):
                execute(self._connection, "ROLLBACK")
            if isinstance(error, DatabaseError):
                return False
            raise
        return True

    def _fill(self) -> None:
        for table in (_KEYS, _NEW):
            columns = ", ".join(_names(self._connection, table.columns))
            key = f", PRIMARY KEY ({table.key})" if table.key in table.columns else ""
            execute(self._connection, f"CREATE TEMP TABLE {table.name} ({columns}{key})")
        rows = (self._row(change, record) for change, record in zip(self._changes, self._records, strict=True))
        insert(self._connection, _NEW, tuple(_NEW.columns), rows)

    def _row(self, change: Change, record: Record) -> tuple[Value, ...]:
        spec, number = tasks.target(change), None
        if spec.schedule is not None:
            number = self._numbers.setdefault(spec.schedule, len(self._numbers))
        last_run = times.write(change.last_run_at, self._zone)
        return (number, *tasks.plain_values(spec, self._zone), last_run, *records.entry(None, record, None))

    def drop(self) -> None:
        """Forget them."""
        for table in (_KEYS, _NEW):
            execute(self._connection, f"DROP TABLE IF EXISTS temp.{table.name}")

    def write_tasks(self, keys: Mapping[Schedule, schedules.Keys], now: str | None) -> None:
        """Insert the tasks, which use the schedule rows of these keys."""
        numbered = ((number, *keys[schedule]) for schedule, number in self._numbers.items())
        insert(self._connection, _KEYS, tuple(_KEYS.columns), numbered)
        plain = _names(self._connection, (*tasks.PLAIN_COLUMNS, "last_run_at"))
        four = _names(self._connection, tasks.SCHEDULE_COLUMNS)
        execute(
            self._connection,
            f"INSERT INTO {PERIODIC_TASK.name} ({', '.join((*plain, *four))}, total_run_count, date_changed)"
            f" SELECT {', '.join((*(f't.{name}' for name in plain), *(f'k.{name}' for name in four)))}, 0, %s"
            f" FROM temp.{_NEW.name} t LEFT JOIN temp.{_KEYS.name} k ON k.schedule = t.schedule ORDER BY t.rowid",
            [now],
        )

    def write_entries(self, source_id: int) -> None:
        """Insert the entries of the tasks, which are written."""
        ours = {"source_id": "%s", "row_id": "p.id"}
        found = [ours.get(name, f"t.{_ENTRY}{name}") for name in INVENTORY.columns]
        columns = _names(self._connection, INVENTORY.columns)
        execute(
            self._connection,
            f"INSERT INTO {INVENTORY.name} ({', '.join(columns)}) SELECT {', '.join(found)}"
            f" FROM temp.{_NEW.name} t LEFT JOIN {PERIODIC_TASK.name} p ON p.name = t.name ORDER BY t.rowid",
            [source_id],
        )


def _names(connection: BaseDatabaseWrapper, columns: Sequence[str] | Mapping[str, Kind]) -> list[str]:
    return [connection.ops.quote_name(name) for name in columns]


@contextmanager
def staged(connection: BaseDatabaseWrapper, plan: Plan) -> Iterator[Staged | None]:
    """Lay ready what `plan` makes anew for as long as the body lasts; None where it is little, or nobody would wait for it."""
    one = Staged(connection, plan) if connection.vendor == "sqlite" else None
    if one is None or not one.pays():
        yield None
        return
    try:
        yield one if one.fill() else None
    finally:
        with suppress(DatabaseError):  # what ended the body tells more
            one.drop()
