"""One digest for each inventory entry of a source, computed by the server over the entry, its task row and its schedule row."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

from contextlib import closing

from beatsync.fingerprint import RowFingerprints
from beatsync.specfile.fields import ColumnType
from beatsync.store.dialects import Column, Dialect
from beatsync.store.rows import SCHEDULE_JOINS
from beatsync.store.tables import BEAT_COLUMNS, INVENTORY, PAUSE, PERIODIC_TASK, SCHEDULES, SOURCE, TOMBSTONE


def digest_sql(db: Dialect) -> str:
    """Return the SQL of the digest, for a query of entries `e` and their tasks `t` with SCHEDULE_JOINS; NULL if the row is missing.

    It covers every column that BeatSync knows, except for those that beat writes while it runs a task.
    """
    names = [name for name in PERIODIC_TASK.columns if name not in BEAT_COLUMNS]
    columns = db.columns("t", PERIODIC_TASK, names)
    for kind, table in SCHEDULES.items():
        columns += db.columns(f"of_{kind}", table)
    columns += db.columns("e", INVENTORY)
    return f"CASE WHEN t.id IS NULL THEN NULL ELSE {db.digest(columns)} END"


def read(db: Dialect, source: str) -> RowFingerprints:
    """Return the digests of a source, by a fixed number of queries."""
    owned = f"FROM {INVENTORY.name} e JOIN {SOURCE.name} o ON o.id = e.source_id"
    tasks = f"LEFT JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id {SCHEDULE_JOINS}"
    rest = f"{owned} {tasks} WHERE o.name = %s"
    name = db.readable(Column("e.name", ColumnType.TEXT))
    with closing(db.stream([name, digest_sql(db)], rest, [source])) as records:
        digests: dict[str, str | None] = dict(records)
    shared = f"SELECT row_id FROM {INVENTORY.name} GROUP BY row_id HAVING COUNT(*) > 1"
    # A pause of a row that was disabled already changes no column, and every run reports it.
    paused = f"SELECT p.name FROM {PAUSE.name} p JOIN {SOURCE.name} o ON o.id = p.source_id WHERE o.name = %s"
    for (name,) in db.fetch(
        f"SELECT e.name {owned} JOIN ({shared}) d ON d.row_id = e.row_id WHERE o.name = %s UNION {paused}",
        [source, source],
    ):
        if name in digests:
            digests[name] = None
    digests.update(dict.fromkeys(digests.keys() & _duplicate_names(db)))
    return RowFingerprints(digests, _resurrected(db, source))


def _duplicate_names(db: Dialect) -> set[str]:
    """Return the names that several task rows have, and others that the database takes for one of them; none with a unique index."""
    name = db.readable(Column("t.name", ColumnType.TEXT))
    repeated = f"SELECT name FROM {PERIODIC_TASK.name} GROUP BY name HAVING COUNT(*) > 1"
    return {
        text
        for (text,) in db.fetch(f"SELECT {name} FROM {PERIODIC_TASK.name} t JOIN ({repeated}) d ON d.name = t.name")
    }


def _resurrected(db: Dialect, source: str) -> frozenset[int]:
    """Return the keys of unowned rows that have the key and the name of a tombstone of this source."""
    rows = db.fetch(
        f"SELECT t.id, t.name, b.name FROM {TOMBSTONE.name} b JOIN {SOURCE.name} o ON o.id = b.source_id"
        f" JOIN {PERIODIC_TASK.name} t ON t.id = b.row_id"
        f" WHERE o.name = %s AND NOT EXISTS (SELECT 1 FROM {INVENTORY.name} e WHERE e.row_id = t.id)",
        [source],
    )
    return frozenset(row_id for row_id, name, deleted_name in rows if name == deleted_name)
