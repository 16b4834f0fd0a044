"""Crontab expressions as other schedulers read them → crontabs as celery reads them."""

from __future__ import annotations

import re

from beatsync.specfile import crontab, times
from beatsync.specfile.problems import SpecError
from beatsync.values import Crontab

_ZONE = re.compile(r"(?:CRON_TZ|TZ)=(\S+)\s+(.*)", re.DOTALL)
_EITHER = "crontab(5) runs it on days that match either day field, and celery on days that match both"


def read_expression(text: str, timezone: str) -> Crontab:
    """Return a crontab with the same runs, in the zone that the expression itself names, else `timezone`. Raises SpecError."""
    text = text.strip()
    if match := _ZONE.fullmatch(text):
        timezone, text = match.groups()
    schedule = crontab.from_expression(text.replace("?", "*"), timezone)
    days = text.split()
    # crontab(5) itself needs both where one of the two starts with a star.
    if not text.startswith("@") and not days[2].startswith(("*", "?")) and not days[4].startswith(("*", "?")):
        raise SpecError("crontab-and", _EITHER, "write two schedules")
    return schedule


def is_zone(text: str) -> bool:
    """Return whether a text is the name of a time zone."""
    try:
        times.zone(text)
    except SpecError:
        return False
    return True
