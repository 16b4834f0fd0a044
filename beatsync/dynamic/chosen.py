"""A schedule that a user chose, as a frozen value; the conversion from what applications hold, and the rules that they set.

The rules of a crontab are those of spec files (`beatsync.specfile`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from beatsync.dynamic.messages import MAX_CRONTAB, interval_in_words, problem, problems_of
from beatsync.dynamic.words import in_words
from beatsync.plan.nextruns import next_runs, shortest_gap
from beatsync.specfile import crontab, times
from beatsync.specfile.keys import KIND_CONVERSIONS
from beatsync.specfile.problems import SpecError
from beatsync.values import Crontab

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ScheduleValue:
    """A crontab with its time zone, as a form or a serializer returns it."""

    schedule: Crontab

    @property
    def fields(self) -> dict[str, str]:
        """Return the fields of a spec, as keyword arguments for `put`: a new dict."""
        return {"crontab": self.schedule.expression, "timezone": self.schedule.timezone}

    @property
    def words(self) -> str:
        """Return what the schedule means, as a sentence in the active language, without the time zone."""
        return in_words(self.schedule)

    def next_runs(self, n: int = 3, after: datetime | None = None) -> list[datetime]:
        """Return the next `n` runs after an aware time (None: now), in the zone of the schedule, as the installed celery has them.

        The list is empty for the crontab of a row that is not in normal form: celery may refuse it, or never run it.
        """
        if not crontab.is_normal(self.schedule[:-1]):
            return []
        zone = ZoneInfo(self.schedule.timezone)
        runs = islice(next_runs(self.schedule, after or timezone.now()), n)
        return [run.astimezone(zone) for run in runs]

    def __str__(self) -> str:
        return _("%(words)s (%(timezone)s)") % {"words": self.words, "timezone": self.schedule.timezone}


@dataclass(frozen=True, slots=True)
class Rules:
    """What an application lets users choose."""

    minimum_interval: timedelta | None = None
    """The shortest time between two runs, in whole minutes; None: no limit."""
    timezones: tuple[str, ...] | None = None
    """The zones that may be chosen; None: all."""

    @classmethod
    def of(cls, minimum_interval: timedelta | None, timezones: Iterable[str] | None) -> Rules:
        """Return the rules. Raises ValueError if a zone is unknown, there is none, or the interval is not in whole minutes."""
        if minimum_interval is not None and (minimum_interval < _MINUTE or minimum_interval % _MINUTE):
            raise ValueError(f"minimum_interval={minimum_interval!r} must be one or more whole minutes")
        if timezones is None:
            return cls(minimum_interval)
        zones = tuple(times.zone(str(name)).key for name in timezones)
        if not zones:
            raise ValueError("timezones must name at least one time zone")
        return cls(minimum_interval, zones)

    def default_timezone(self) -> str:
        """Return Django's current time zone if it may be chosen, else the first zone that may be; UTC if it has no IANA name."""
        current = timezone.get_current_timezone_name()
        if self.timezones is not None:
            return current if current in self.timezones else self.timezones[0]
        return current if current in times.zone_names() else "UTC"

    def zone_problems(self, zone: str) -> list[ValidationError]:
        """Return what is wrong with a time zone."""
        try:
            name = times.zone(zone).key
        except SpecError as error:
            return list(problems_of(error))
        return [problem("timezone-not-allowed")] if self.timezones is not None and name not in self.timezones else []

    def check(self, text: str, zone: str) -> ScheduleValue:
        """Return the value of a crontab and a time zone. Raises ValidationError with a list of every problem."""
        problems = self.zone_problems(zone)
        if len(text) > MAX_CRONTAB:
            raise ValidationError([*problems, problem("crontab-length", length=MAX_CRONTAB)])
        try:
            # With a wrong zone, the crontab is still checked.
            schedule = crontab.from_expression(text, "UTC" if problems else zone)
        except SpecError as error:
            raise ValidationError([*problems, *problems_of(error)]) from error
        minimum = self.minimum_interval
        if minimum is not None and (gap := shortest_gap(schedule)) is not None and gap < minimum:
            problems.append(problem("too-frequent", interval=interval_in_words(minimum)))
        if problems:
            raise ValidationError(problems)
        return ScheduleValue(schedule)


def value_of(source: object, default_timezone: str) -> ScheduleValue:
    """Return the value of what an application holds: fields of a spec, a crontab as text, a `CrontabSchedule`, or an earlier value.

    A row of `CrontabSchedule` that celery does not read as crontab(5) is kept unchanged. Raises SpecError if the text is invalid,
    and TypeError for anything else.
    """
    if isinstance(source, ScheduleValue):
        return source
    if isinstance(source, Crontab):
        return ScheduleValue(source)
    if isinstance(source, str):
        return ScheduleValue(crontab.from_expression(source, default_timezone))
    if isinstance(source, Mapping) and isinstance(source.get("crontab"), (str, Mapping)):
        zone = str(source.get("timezone") or default_timezone)
        schedule: Any = KIND_CONVERSIONS["crontab"](source["crontab"], zone)
        return ScheduleValue(schedule)
    if all(hasattr(source, name) for name in Crontab._fields):
        return ScheduleValue(crontab.observed(*(str(getattr(source, name)) for name in Crontab._fields)))
    raise TypeError(f"{source!r} is no crontab: pass a dict with the key crontab, a text, or a CrontabSchedule")
