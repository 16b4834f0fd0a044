"""Common schedules that a form offers by name, and the controls with which a user fills them in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import pgettext_lazy

from beatsync.dynamic.messages import problem
from beatsync.specfile.cronfield import FIELDS, members
from beatsync.specfile.crontab import is_normal
from beatsync.values import Crontab

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

FREE: Final = "crontab"
"""The choice of a crontab as text."""
_WORKDAYS: Final = "1-5"
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DAY = re.compile(r"0*([1-9]|[12][0-9]|3[01])", re.ASCII)


class Controls(NamedTuple):
    """What a user entered, or what a form shows: the text of each control."""

    preset: str = ""
    time: str = ""
    weekdays: Sequence[str] = ()
    day: str = ""
    crontab: str = ""
    timezone: str = ""

    @classmethod
    def of(cls, value: object) -> Controls | None:
        """Return what Django's `MultiWidget` read from a request; None if it is another kind of value."""
        if not isinstance(value, (list, cls)) or len(value) != len(cls._fields):
            return None
        return cls._make(item or "" for item in value)


class Preset(NamedTuple):
    """A schedule that is offered by name."""

    label: _StrPromise
    uses: tuple[str, ...]
    """The controls that it reads, by their names in `Controls`."""
    is_of: Callable[[Crontab], bool]
    """Whether a crontab is one of this preset."""


def _is_daily_at_a_time(schedule: Crontab) -> bool:
    return schedule.minute.isdigit() and schedule.hour.isdigit() and schedule.month_of_year == "*"


def _has_days(schedule: Crontab, day_of_month: str, day_of_week: str) -> bool:
    days = (schedule.day_of_month, schedule.day_of_week)
    return _is_daily_at_a_time(schedule) and days == (day_of_month, day_of_week)


PRESETS: Final[dict[str, Preset]] = {
    "hourly": Preset(pgettext_lazy("schedule", "every hour"), (), lambda schedule: schedule.expression == "0 * * * *"),
    "daily": Preset(pgettext_lazy("schedule", "every day"), ("time",), lambda schedule: _has_days(schedule, "*", "*")),
    "weekdays": Preset(
        pgettext_lazy("schedule", "Monday to Friday"), ("time",), lambda schedule: _has_days(schedule, "*", _WORKDAYS)
    ),
    "weekly": Preset(
        pgettext_lazy("schedule", "weekly"),
        ("time", "weekdays"),
        lambda schedule: schedule.day_of_week != "*" and _has_days(schedule, "*", schedule.day_of_week),
    ),
    "monthly": Preset(
        pgettext_lazy("schedule", "monthly"),
        ("time", "day"),
        lambda schedule: schedule.day_of_month.isdigit() and _has_days(schedule, schedule.day_of_month, "*"),
    ),
    FREE: Preset(pgettext_lazy("schedule", "as a crontab"), ("crontab",), lambda _schedule: True),
}
"""By name, and the more specific first where several fit."""


def expression(controls: Controls) -> str:
    """Return the crontab, unchecked if it is free text. Raises ValidationError with a list of every problem."""
    problems: list[ValidationError] = []

    def read(check: Callable[[Any], str], text: object) -> str:
        try:
            return check(text)
        except ValidationError as error:
            problems.append(error)
            return ""

    uses = PRESETS[controls.preset].uses
    if controls.preset == FREE:
        text = read(_crontab, controls.crontab)
    else:
        clock = read(_clock, controls.time) if "time" in uses else "0 *"
        day = read(_day, controls.day) if "day" in uses else "*"
        weekdays = read(_weekdays, controls.weekdays) if "weekdays" in uses else "*"
        text = f"{clock} {day} * {_WORKDAYS if controls.preset == 'weekdays' else weekdays}"
    if problems:
        raise ValidationError(problems)
    return text


def controls_of(schedule: Crontab, offered: Sequence[str]) -> Controls:
    """Return the controls that show a crontab; without a preset if none of those offered fits."""
    # The row of another writer may hold anything: only its text shows that unchanged.
    candidates = PRESETS if is_normal(schedule[:-1]) else (FREE,)
    name = next((name for name in candidates if name in offered and PRESETS[name].is_of(schedule)), "")
    controls = Controls(name, timezone=schedule.timezone)
    uses = PRESETS[name].uses if name else ()
    if "time" in uses:
        controls = controls._replace(time=f"{int(schedule.hour):02}:{int(schedule.minute):02}")
    if "weekdays" in uses:
        controls = controls._replace(
            weekdays=[str(day) for day in sorted(members("day_of_week", schedule.day_of_week))]
        )
    if "day" in uses:
        controls = controls._replace(day=schedule.day_of_month)
    return controls._replace(crontab=schedule.expression) if FREE in uses else controls


def _crontab(text: str) -> str:
    if not text.strip():
        raise problem("crontab-required")
    return text


def _clock(text: str) -> str:
    if not text.strip():
        raise problem("time-required")
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise problem("clock-syntax")
    return f"{int(match[2])} {int(match[1])}"


def _day(text: str) -> str:
    if not text.strip():
        raise problem("day-required")
    match = _DAY.fullmatch(text.strip())
    if match is None:
        raise problem("day-range")
    return match[1]


def _weekdays(days: Sequence[str]) -> str:
    if not days:
        raise problem("weekdays-required")
    if not set(days) <= {str(number) for number in range(FIELDS["day_of_week"].size)}:
        raise problem("weekdays-unknown")
    return ",".join(days)
