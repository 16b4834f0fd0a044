"""Words about runs and times, shared by several formats. They contain no unescaped text of a file or row."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from beatsync.plan.load import Minutes
from beatsync.plan.upcoming import LastRun, Run, zone_of
from beatsync.report.escape import one_line
from beatsync.report.summary import utc_text
from beatsync.specfile.shapes import mask_text
from beatsync.values import Clocked, Crontab, Interval, Schedule, schedule_fields

_QUARTER = 15
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@lru_cache(maxsize=65_536)
def schedule_in_words(schedule: Schedule) -> str:
    """Return what a schedule says, as a phrase: `At 02:30 (Europe/Berlin)`, `Every 5m`, `Once`."""
    if isinstance(schedule, Clocked):
        return "Once"
    if isinstance(schedule, Crontab):
        from beatsync.specfile import words  # only `next` needs it

        text = words.in_english(schedule.expression) or schedule.expression
        return one_line(f"{text} ({schedule.timezone})")
    _, text = next(schedule_fields(schedule))
    return one_line(f"Every {text}" if isinstance(schedule, Interval) else text.capitalize())


def last_run_words(last: LastRun, due: datetime | None) -> str:
    """Return when a schedule last ran, with which row if that has another name, and when it is due next."""
    row = f" (row {mask_text(last.row)})" if last.row != last.name else ""
    following = f"due next at {utc_text(due)}" if due is not None else "not due in the next year"
    return f"{row} at {utc_text(last.at)}, {following}"


def duration_in_words(duration: timedelta) -> str:
    """Return a duration in its two largest units, rounded down: `1 d 3 h`, `12 min`, `0 s`."""
    rest, parts = int(duration.total_seconds()), []
    for seconds, unit in _UNITS:
        number, rest = divmod(rest, seconds)
        if number:
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def time_in_zone(at: datetime, zone: str, *, seconds: bool = True) -> str:
    """Return a time as the clocks of a zone show it, with the weekday and the offset: `Mon 2027-01-04 02:30:00 +01:00`."""
    local = at.astimezone(ZoneInfo(zone))
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return f"{local:%a %Y-%m-%d} {clock} {local.isoformat()[-6:]}"


def local_of(run: Run, default_zone: str) -> tuple[datetime, str]:
    """Return the local time of a run and its zone; `default_zone` is that of schedules that have none."""
    zone = zone_of(run.schedule, default_zone)
    return run.at.astimezone(ZoneInfo(zone)), zone


def hours_of(minutes: Minutes, zone: str) -> dict[tuple[date, int], float]:
    """Return the runs of each hour of each day that the clocks of a zone show in a window, in order.

    An hour that the clocks show twice has the runs of both.
    """
    hours: dict[tuple[date, int], float] = {}
    counts, clock = minutes.counts, ZoneInfo(zone)
    # The clocks of no zone change within a quarter of an hour.
    for first in range(0, len(counts), _QUARTER):
        local = (minutes.start + timedelta(minutes=first)).astimezone(clock)
        part = counts[first : first + _QUARTER]
        key = local.date(), local.hour
        hours[key] = hours.get(key, 0.0) + sum(part) + minutes.even * len(part)
    return hours
