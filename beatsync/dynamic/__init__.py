"""Schedules that a Django application declares at run time, with the checks and guarantees of spec files.

    from beatsync.dynamic import schedules

    reports = schedules("user-reports")
    reports.put("report-7", task="reports.send", crontab="0 8 * * mon-fri", timezone="Europe/Berlin", args=[7])

This package must not know files or SQL: it turns arguments into the values of the spec format, and errors into Django's.
"""

from beatsync.dynamic.api import Schedules, schedules
from beatsync.dynamic.errors import ChangeRefused, OwnershipConflict
from beatsync.dynamic.state import Scheduled
from beatsync.store import RetryableError, StoreError

__all__ = [
    "ChangeRefused",
    "OwnershipConflict",
    "RetryableError",
    "Scheduled",
    "Schedules",
    "StoreError",
    "schedules",
]
