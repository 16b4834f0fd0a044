"""Foreign keys of other applications' tables on django-celery-beat's, which are read from the database: any application may add one."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables` or from the catalogue, values are parameters

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from beatsync.plan.model import Blocked
from beatsync.store import project
from beatsync.store.dialects import Dialect
from beatsync.store.statements import id_lists
from beatsync.store.tables import PERIODIC_TASK, SCHEDULE_COLUMNS, SCHEDULES

_SHOWN = 10
"""How many rows a message names."""
_FOLLOWED = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
"""What the database itself does to the referring rows when a row is deleted."""
_HINT = (
    "delete those rows first; or put the schedules back with `sync: {on_remove: disable}`, sync, and then remove them:"
    " their rows are kept and disabled"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of another table that refers to a row's id."""

    table: str
    """As the catalogue spells it, with its schema in front if it needs one."""
    column: str
    on_delete: str
    """The constraint's ON DELETE in the database."""

    def sql(self, db: Dialect) -> tuple[str, str]:
        """Return the table and the column, quoted."""
        return ".".join(db.quote_all(self.table.split("."))), db.quote(self.column)

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


def read(db: Dialect) -> dict[str, tuple[Reference, ...]]:
    """Return, by the table referred to, every column with a foreign key on one of django-celery-beat's tables."""
    # Those of PeriodicTask are always included, whether or not the database knows the constraint (MyISAM does not).
    by_table = {
        table.name: {(PERIODIC_TASK.name, SCHEDULE_COLUMNS[kind]): "NO ACTION"} for kind, table in SCHEDULES.items()
    }
    for target, table, column, on_delete in db.fetch(db.references_sql):
        place = str(table).replace('"', ""), str(column)
        by_table.setdefault(str(target), {}).setdefault(place, str(on_delete))
    return {
        target: tuple(Reference(*place, on_delete) for place, on_delete in sorted(places.items()))
        for target, places in by_table.items()
    }


def blockers(db: Dialect, names: Mapping[int, str], referring: Sequence[Reference]) -> Iterator[Blocked]:
    """Yield one blocker for each column that refers to rows that are to be deleted, `names` by key.

    A constraint that the database follows itself blocks nothing. Django's `on_delete` lives in Django only.
    """
    for reference in referring:
        if names and reference.on_delete not in _FOLLOWED:
            used = sorted(names[row_id] for row_id in _used(db, reference, names))
            if used:
                yield Blocked("referenced-row", _message(reference, used), tuple(used), hint=_HINT)


def _message(reference: Reference, used: Sequence[str]) -> str:
    more = f" and {len(used) - _SHOWN} more" if len(used) > _SHOWN else ""
    of_model = project.on_delete(reference.table, reference.column)
    rule = f" (on_delete={of_model}, which only Django follows)" if of_model else f" (ON DELETE {reference.on_delete})"
    return (
        f"{', '.join(used[:_SHOWN])}{more} cannot be deleted: rows of the table {reference.table} of another application"
        f" refer to it in {reference}{rule}"
    )


def _used(db: Dialect, reference: Reference, ids: Iterable[int]) -> set[int]:
    table, column = reference.sql(db)
    used: set[int] = set()
    for chunk in id_lists(ids):
        sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({chunk})"
        used.update(int(str(key)) for (key,) in db.fetch(sql))
    return used
