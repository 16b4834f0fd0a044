"""The tables that BeatSync reads and writes, by name, so that no model need be loaded to know them.

A test holds these against the models; no column of django-celery-beat's changed from 2.5 to 2.9 (FACTS 25).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a column holds, as far as the three dialects must be told."""

    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    MOMENT = "moment"
    DEGREES = "degrees"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns in order; `id` is not among them where the database makes it."""

    name: str
    columns: Mapping[str, Kind]
    key: str = "id"

    def kind(self, column: str) -> Kind:
        """Return what `column` holds; the key is an integer in every table here."""
        return Kind.INTEGER if column == self.key else self.columns[column]


PERIODIC_TASK: Final = Table(
    "django_celery_beat_periodictask",
    {
        "name": Kind.TEXT,
        "task": Kind.TEXT,
        "interval_id": Kind.INTEGER,
        "crontab_id": Kind.INTEGER,
        "solar_id": Kind.INTEGER,
        "clocked_id": Kind.INTEGER,
        "args": Kind.TEXT,
        "kwargs": Kind.TEXT,
        "headers": Kind.TEXT,
        "queue": Kind.TEXT,
        "exchange": Kind.TEXT,
        "routing_key": Kind.TEXT,
        "priority": Kind.INTEGER,
        "expires": Kind.MOMENT,
        "expire_seconds": Kind.INTEGER,
        "one_off": Kind.FLAG,
        "start_time": Kind.MOMENT,
        "enabled": Kind.FLAG,
        "description": Kind.TEXT,
        "last_run_at": Kind.MOMENT,
        "total_run_count": Kind.INTEGER,
        "date_changed": Kind.MOMENT,
    },
)
INTERVAL: Final = Table("django_celery_beat_intervalschedule", {"every": Kind.INTEGER, "period": Kind.TEXT})
CRONTAB: Final = Table(
    "django_celery_beat_crontabschedule",
    {
        "minute": Kind.TEXT,
        "hour": Kind.TEXT,
        "day_of_month": Kind.TEXT,
        "month_of_year": Kind.TEXT,
        "day_of_week": Kind.TEXT,
        "timezone": Kind.TEXT,
    },
)
SOLAR: Final = Table(
    "django_celery_beat_solarschedule",
    {"event": Kind.TEXT, "latitude": Kind.DEGREES, "longitude": Kind.DEGREES},
)
CLOCKED: Final = Table("django_celery_beat_clockedschedule", {"clocked_time": Kind.MOMENT})
SCHEDULES: Final[Mapping[str, Table]] = {"interval": INTERVAL, "crontab": CRONTAB, "solar": SOLAR, "clocked": CLOCKED}
"""The four tables by `Schedule.kind`, in the order in which beat looks at them."""
NOTICE: Final = Table("django_celery_beat_periodictasks", {"last_update": Kind.MOMENT}, key="ident")

SOURCE: Final = Table(
    "beatsync_source",
    {
        "name": Kind.TEXT,
        "origin": Kind.TEXT,
        "revision_digest": Kind.TEXT,
        "revision_git": Kind.TEXT,
        "revision_mount": Kind.TEXT,
        "environment": Kind.TEXT,
        "synced_at": Kind.MOMENT,
        "outcome": Kind.TEXT,
        "message": Kind.TEXT,
        "holder": Kind.TEXT,
        "held_at": Kind.MOMENT,
        "suspended_at": Kind.MOMENT,
        "suspended_until": Kind.MOMENT,
        "suspended_by": Kind.TEXT,
        "suspended_for": Kind.TEXT,
    },
)
LEASE: Final = Table(
    "beatsync_lease", {"source": Kind.TEXT, "holder": Kind.TEXT, "token": Kind.TEXT, "expires_at": Kind.SECONDS}
)
INVENTORY: Final = Table(
    "beatsync_inventoryentry",
    {
        "source_id": Kind.INTEGER,
        "name": Kind.TEXT,
        "row_id": Kind.INTEGER,
        "applied": Kind.TEXT,
        "on_remove": Kind.TEXT,
        "ignore": Kind.TEXT,
        "sensitive": Kind.TEXT,
        "protect": Kind.FLAG,
        "path": Kind.TEXT,
        "retired": Kind.FLAG,
        "frozen": Kind.FLAG,
        "said": Kind.TEXT,
        "as_left": Kind.TEXT,
    },
)
TOMBSTONE: Final = Table(
    "beatsync_tombstone",
    {"source_id": Kind.INTEGER, "name": Kind.TEXT, "row_id": Kind.INTEGER, "deleted_at": Kind.MOMENT},
)
HISTORY: Final = Table(
    "beatsync_syncrecord",
    {
        "source_id": Kind.INTEGER,
        "started_at": Kind.MOMENT,
        "finished_at": Kind.MOMENT,
        "revision_digest": Kind.TEXT,
        "revision_git": Kind.TEXT,
        "revision_mount": Kind.TEXT,
        "environment": Kind.TEXT,
        "outcome": Kind.TEXT,
        "summary": Kind.TEXT,
        "changes": Kind.TEXT,
        "message": Kind.TEXT,
        "actor": Kind.TEXT,
    },
)

BEAT_TABLES: Final = (PERIODIC_TASK, *SCHEDULES.values(), NOTICE)
OWN_TABLES: Final = (SOURCE, LEASE, INVENTORY, TOMBSTONE, HISTORY)
