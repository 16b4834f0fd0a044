"""Which tables refer to django-celery-beat's by a foreign key. The database is asked, because any application may add one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beatsync.store.dialects import Dialect
from beatsync.store.errors import StoreError
from beatsync.store.statements import id_lists
from beatsync.store.tables import PERIODIC_TASK, SCHEDULE_COLUMNS, SCHEDULES

SHOWN = 10
"""How many rows a message names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of another table that refers to a row's id."""

    table: str
    """As the catalogue spells it, with its schema in front if it needs one."""
    column: str

    def sql(self, db: Dialect) -> tuple[str, str]:
        """Return the table and the column, quoted."""
        return ".".join(db.quote_all(self.table.split("."))), db.quote(self.column)


def references(db: Dialect) -> dict[str, tuple[Reference, ...]]:
    """Return, by the table referred to, every column with a foreign key on one of django-celery-beat's tables."""
    # Those of PeriodicTask are always included, whether or not the database knows the constraint (MyISAM does not).
    by_table = {table.name: {(PERIODIC_TASK.name, SCHEDULE_COLUMNS[kind])} for kind, table in SCHEDULES.items()}
    for target, table, column in db.fetch(db.references_sql):
        by_table.setdefault(str(target), set()).add((str(table).replace('"', ""), str(column)))
    return {target: tuple(Reference(*place) for place in sorted(places)) for target, places in by_table.items()}


def refuse_if_used(db: Dialect, names: Mapping[int, str], referring: Sequence[Reference]) -> None:
    """Raise StoreError, naming the rows, if another application's table refers to a task row that is to be deleted."""
    for reference in referring:
        used = _used(db, reference, names)
        if used:
            shown = ", ".join(sorted(names[row_id] for row_id in used)[:SHOWN])
            more = f" and {len(used) - SHOWN} more" if len(used) > SHOWN else ""
            raise StoreError(
                f"cannot delete {shown}{more}: the table {reference.table} ({reference.column}) of another application"
                " refers to it. `sync: {on_remove: disable}` keeps such a row and switches it off"
            )


def _used(db: Dialect, reference: Reference, ids: Iterable[int]) -> set[int]:
    table, column = reference.sql(db)
    used: set[int] = set()
    for chunk in id_lists(ids):
        sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({chunk})"  # noqa: S608  names from the catalogue
        used.update(int(str(key)) for (key,) in db.fetch(sql))
    return used
