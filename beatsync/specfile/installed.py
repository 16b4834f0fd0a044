"""What the installed celery does with crontabs: it is asked, because its versions differ."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache
from types import SimpleNamespace
from typing import Any, Final
from zoneinfo import ZoneInfo

from beatsync.values import Crontab

CELERY_APP: Final = SimpleNamespace(
    conf=SimpleNamespace(enable_utc=True, beat_cron_starting_deadline=None), timezone=timezone.utc, now=None
)
"""What celery's schedules read of an application, so that no default application is created as a side effect."""
_SKIPPED = Crontab("30", "2", "*", "*", "*", "Europe/Berlin")
_GAP_END = datetime(2027, 3, 28, 1, tzinfo=timezone.utc)
"""When the clocks of Berlin show 03:00, right after 02:00."""


def celery_crontab(schedule: Crontab, now: datetime) -> Any:
    """Return celery's own schedule, in its time zone, whose clock stands at `now`. Raises ValueError if celery refuses a field."""
    from celery.schedules import crontab

    zone = ZoneInfo(schedule.timezone)
    fields = {name: text for name, text in schedule._asdict().items() if name != "timezone"}
    entry = crontab(**fields, nowfun=lambda: now.astimezone(zone), app=CELERY_APP)
    entry.tz = zone
    return entry


@cache
def runs_skipped_times_at_gap_end() -> bool:
    """Return whether a time that the clocks skip runs at the end of the gap, and not later by the length of the gap (docs/facts.md, 22)."""
    last = datetime(2027, 3, 27, 2, 30, tzinfo=ZoneInfo(_SKIPPED.timezone))
    return bool(celery_crontab(_SKIPPED, _GAP_END).is_due(last).is_due)
