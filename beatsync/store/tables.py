"""The tables that BeatSync reads and writes, by name, so that no model has to be loaded.

The columns of `PeriodicTask` derive from the field table. A test compares all of them with the models; no column of
django-celery-beat's changed from 2.5 to 2.9 (docs/facts.md, 25).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from beatsync.specfile.fields import FIELD_TABLE, ColumnType

INTEGER, TEXT, BOOLEAN = ColumnType.INTEGER, ColumnType.TEXT, ColumnType.BOOLEAN
DATETIME, DECIMAL, FLOAT = ColumnType.DATETIME, ColumnType.DECIMAL, ColumnType.FLOAT


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns in order, without the primary key that the database generates."""

    name: str
    columns: Mapping[str, ColumnType]
    key: str = "id"

    def type_of(self, column: str) -> ColumnType:
        """Return the type of `column`; the key is an integer in every table here."""
        return INTEGER if column == self.key else self.columns[column]


SCHEDULES: Final[Mapping[str, Table]] = {
    "interval": Table("django_celery_beat_intervalschedule", {"every": INTEGER, "period": TEXT}),
    "crontab": Table(
        "django_celery_beat_crontabschedule",
        dict.fromkeys(("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone"), TEXT),
    ),
    "solar": Table("django_celery_beat_solarschedule", {"event": TEXT, "latitude": DECIMAL, "longitude": DECIMAL}),
    "clocked": Table("django_celery_beat_clockedschedule", {"clocked_time": DATETIME}),
}
"""The four schedule tables by `Schedule.kind`, in the order in which beat looks at them."""
SCHEDULE_COLUMNS: Final[Mapping[str, str]] = {kind: f"{kind}_id" for kind in SCHEDULES}
"""The columns of `PeriodicTask` that refer to them, by `Schedule.kind`."""
BEAT_COLUMNS: Final = {"last_run_at": DATETIME, "total_run_count": INTEGER, "date_changed": DATETIME}
"""The columns of `PeriodicTask` that beat writes."""
PERIODIC_TASK: Final = Table(
    "django_celery_beat_periodictask",
    {
        **{field.name: field.column_type for field in FIELD_TABLE},
        **dict.fromkeys(SCHEDULE_COLUMNS.values(), INTEGER),
        **BEAT_COLUMNS,
    },
)
NOTICE: Final = Table("django_celery_beat_periodictasks", {"last_update": DATETIME}, key="ident")

SOURCE: Final = Table(
    "beatsync_source",
    {
        "name": TEXT,
        "origin": TEXT,
        "revision_digest": TEXT,
        "revision_git": TEXT,
        "revision_mount": TEXT,
        "environment": TEXT,
        "synced_at": DATETIME,
        "outcome": TEXT,
        "message": TEXT,
        "holder": TEXT,
        "held_at": DATETIME,
        "suspended_at": DATETIME,
        "suspended_until": DATETIME,
        "suspended_by": TEXT,
        "suspended_for": TEXT,
    },
)
LEASE: Final = Table("beatsync_lease", {"source": TEXT, "holder": TEXT, "token": TEXT, "expires_at": FLOAT})
INVENTORY: Final = Table(
    "beatsync_inventoryentry",
    {
        "source_id": INTEGER,
        "name": TEXT,
        "row_id": INTEGER,
        "applied": TEXT,
        "on_remove": TEXT,
        "ignore": TEXT,
        "sensitive": TEXT,
        "protect": BOOLEAN,
        "path": TEXT,
        "retired": BOOLEAN,
        "frozen": BOOLEAN,
    },
)
FILE_RECORD: Final = Table(
    "beatsync_filerecord",
    {
        "source_id": INTEGER,
        "path": TEXT,
        "path_digest": TEXT,
        "fingerprint": TEXT,
        "facts": TEXT,
        "row_digests": TEXT,
    },
)
TOMBSTONE: Final = Table(
    "beatsync_tombstone", {"source_id": INTEGER, "name": TEXT, "row_id": INTEGER, "deleted_at": DATETIME}
)
HISTORY: Final = Table(
    "beatsync_syncrecord",
    {
        "source_id": INTEGER,
        "started_at": DATETIME,
        "finished_at": DATETIME,
        "revision_digest": TEXT,
        "revision_git": TEXT,
        "revision_mount": TEXT,
        "environment": TEXT,
        "outcome": TEXT,
        "summary": TEXT,
        "changes": TEXT,
        "message": TEXT,
        "actor": TEXT,
    },
)

BEAT_TABLES: Final = (PERIODIC_TASK, *SCHEDULES.values(), NOTICE)
OWN_TABLES: Final = (SOURCE, LEASE, INVENTORY, FILE_RECORD, TOMBSTONE, HISTORY)
