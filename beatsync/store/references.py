"""Which tables refer to django-celery-beat's by a foreign key: asked of the database, since any application may add one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beatsync.store.bulk import fetch, id_lists
from beatsync.store.errors import StoreError
from beatsync.store.tables import PERIODIC_TASK, SCHEDULES

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_SQL = {
    "sqlite": (
        'SELECT f."table", m.name, f."from" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f'
        " WHERE m.type = 'table' AND f.\"table\" LIKE 'django!_celery!_beat!_%' ESCAPE '!'"
    ),
    "postgresql": (
        "SELECT target.relname, c.conrelid::regclass::text, a.attname FROM pg_constraint c"
        " JOIN pg_class target ON target.oid = c.confrelid"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
        " WHERE c.contype = 'f' AND pg_table_is_visible(target.oid) AND target.relname LIKE 'django!_celery!_beat!_%' ESCAPE '!'"
    ),
    "mysql": (
        "SELECT referenced_table_name, table_name, column_name FROM information_schema.key_column_usage"
        " WHERE table_schema = DATABASE() AND referenced_table_name LIKE 'django!_celery!_beat!_%' ESCAPE '!'"
    ),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of another table that refers to a row's id."""

    table: str
    """As the catalogue says it, with its schema in front where it has to be named."""
    column: str

    def sql(self, connection: BaseDatabaseWrapper) -> tuple[str, str]:
        """Return the table and the column, quoted."""
        quote = connection.ops.quote_name
        return ".".join(quote(part) for part in self.table.split(".")), quote(self.column)


def references(connection: BaseDatabaseWrapper) -> dict[str, tuple[Reference, ...]]:
    """Return, by the table referred to, every column with a foreign key on one of django-celery-beat's tables."""
    found: dict[str, set[tuple[str, str]]] = {}
    # PeriodicTask's own are always among them, whether the database knows of the constraint or not (MyISAM).
    for kind, schedule in SCHEDULES.items():
        found[schedule.name] = {(PERIODIC_TASK.name, f"{kind}_id")}
    for target, table, column in fetch(connection, _SQL[connection.vendor]):
        found.setdefault(str(target), set()).add((str(table).replace('"', ""), str(column)))
    return {target: tuple(Reference(*place) for place in sorted(places)) for target, places in found.items()}


def refuse_if_used(connection: BaseDatabaseWrapper, names: Mapping[int, str], used_by: Sequence[Reference]) -> None:
    """Raise StoreError, naming the rows, where another application's table refers to a task row that is to be deleted."""
    for reference in used_by:
        used = _used(connection, reference, names)
        if used:
            shown = ", ".join(sorted(names[row_id] for row_id in used)[:10])
            more = f" and {len(used) - 10} more" if len(used) > 10 else ""  # noqa: PLR2004
            raise StoreError(
                f"cannot delete {shown}{more}: the table {reference.table} ({reference.column}) of another application"
                " refers to it. `sync: {on_remove: disable}` keeps such a row and switches it off"
            )


def _used(connection: BaseDatabaseWrapper, reference: Reference, ids: Iterable[int]) -> set[int]:
    table, column = reference.sql(connection)
    used: set[int] = set()
    for chunk in id_lists(ids):
        sql = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN ({chunk})"  # noqa: S608  names from the catalogue
        used.update(int(str(row[0])) for row in fetch(connection, sql))
    return used
