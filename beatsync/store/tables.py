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

    def has(self, column: str) -> bool:
        """Return whether BeatSync knows `column`."""
        return column == self.key or column in self.columns


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

_REVISION = ("revision_digest", "revision_git", "revision_mount", "environment")
_SOURCE_TEXTS = (
    "name",
    "origin",
    *_REVISION,
    "outcome",
    "message",
    "holder",
    "suspended_by",
    "suspended_for",
    "checksum",
    "kind",
    "timezone",
)
_SOURCE_TIMES = ("synced_at", "held_at", "suspended_at", "suspended_until")
SOURCE: Final = Table(
    "beatsync_source", {**dict.fromkeys(_SOURCE_TEXTS, TEXT), **dict.fromkeys(_SOURCE_TIMES, DATETIME)}
)
PLAN_KEY: Final = Table("beatsync_checksumkey", {"value": TEXT})
LEASE: Final = Table("beatsync_lease", {"source": TEXT, "holder": TEXT, "token": TEXT, "expires_at": FLOAT})
INVENTORY: Final = Table(
    "beatsync_inventoryentry",
    {
        "source_id": INTEGER,
        "name": TEXT,
        "row_id": INTEGER,
        **dict.fromkeys(("applied", "on_remove", "ignore", "sensitive"), TEXT),
        "protect": BOOLEAN,
        "path": TEXT,
        **dict.fromkeys(("retired", "frozen"), BOOLEAN),
        **dict.fromkeys(("schedule", "operator_fields"), TEXT),
    },
)
FILE_RECORD: Final = Table(
    "beatsync_filerecord",
    {"source_id": INTEGER, **dict.fromkeys(("path", "path_digest", "fingerprint", "facts", "row_digests"), TEXT)},
)
TOMBSTONE: Final = Table(
    "beatsync_tombstone", {"source_id": INTEGER, "name": TEXT, "row_id": INTEGER, "deleted_at": DATETIME}
)
PAUSE: Final = Table(
    "beatsync_pause",
    {
        "source_id": INTEGER,
        **dict.fromkeys(("name", "paused_by", "reason"), TEXT),
        **dict.fromkeys(("paused_at", "paused_until"), DATETIME),
        "was_enabled": BOOLEAN,
    },
)
PENDING: Final = Table(
    "beatsync_pendingwrite", {"source_id": INTEGER, "names": TEXT, "written_at": DATETIME, "notified": BOOLEAN}
)
ONE_OFF: Final = Table(
    "beatsync_oneoff", {"source_id": INTEGER, "name": TEXT, "remove_at": DATETIME, "keep_seconds": INTEGER}
)
HISTORY: Final = Table(
    "beatsync_syncrecord",
    {
        "source_id": INTEGER,
        **dict.fromkeys(("started_at", "finished_at"), DATETIME),
        **dict.fromkeys((*_REVISION, "outcome", "summary", "changes", "message", "actor", "run_url"), TEXT),
        "repeats": INTEGER,
    },
)

BEAT_TABLES: Final = (PERIODIC_TASK, *SCHEDULES.values(), NOTICE)
OWN_TABLES: Final = (SOURCE, PLAN_KEY, LEASE, INVENTORY, FILE_RECORD, TOMBSTONE, PENDING, ONE_OFF, PAUSE, HISTORY)
