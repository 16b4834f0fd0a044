"""Messages to users about schedules that they enter, in the active language of Django, by the code of the problem."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import npgettext, pgettext_lazy

from beatsync.specfile.cronfield import FIELDS
from beatsync.specfile.crontab import NICKNAMES
from beatsync.specfile.problems import SpecError

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

FIELD_LABELS: Final[dict[str, _StrPromise]] = {
    "minute": pgettext_lazy("schedule", "minute"),
    "hour": pgettext_lazy("schedule", "hour"),
    "day_of_month": pgettext_lazy("schedule", "day of the month"),
    "month_of_year": pgettext_lazy("schedule", "month"),
    "day_of_week": pgettext_lazy("schedule", "day of the week"),
}
"""The fields of a crontab."""
MESSAGES: Final[dict[str, _StrPromise]] = {
    "crontab-fields": _(
        "A crontab has five fields with spaces between them: minute, hour, day of the month, month and day of the week."
    ),
    "crontab-syntax": _(
        "The field “%(field)s” cannot be read. Use *, a number, a range such as 1-5, a step such as */10, or a list of these with commas."
    ),
    "crontab-range": _("The field “%(field)s” has a number that is not between %(low)d and %(high)d, or a step of 0."),
    "crontab-name": _("The field “%(field)s” has an unknown name. Use numbers or English names such as mon or jan."),
    "crontab-unsupported": _("The field “%(field)s” uses a notation that is not supported, such as L, W, #, ? or H."),
    "crontab-nickname": _("There is no such name. The names are %(names)s."),
    "crontab-never": _("This schedule never runs, because the months have no such day."),
    "crontab-type": _("Enter the crontab as text."),
    "crontab-length": _("A crontab has at most %(length)d characters."),
    "crontab-required": _("Enter a crontab."),
    "time-required": _("Enter a time."),
    "clock-syntax": _("Enter the time as hours and minutes, such as 06:30."),
    "weekdays-required": _("Choose at least one day of the week."),
    "weekdays-unknown": _("Choose days of the week from the list."),
    "day-required": _("Enter a day of the month."),
    "day-range": _("Enter a day of the month from 1 to 31."),
    "preset-unknown": _("Choose from the list how often it runs."),
    "timezone-unknown": _("There is no such time zone. Use a name such as Europe/Berlin."),
    "timezone-not-allowed": _("Choose one of the available time zones."),
    "too-frequent": _("This runs too often. There must be at least %(interval)s between two runs."),
    "schedule-type": _("Enter a crontab, or an object with the keys “crontab” and “timezone”."),
    "key-unknown": _("There is no such key."),
}
"""By code. Where a code is missing, users read the English message."""
MAX_CRONTAB: Final = 500
"""Length of the longest crontab that a user may enter, in characters."""


def problem(code: str, **params: Any) -> ValidationError:
    """Return the error with this code."""
    return ValidationError(MESSAGES[code], code=code, params=params)


def problems_of(error: SpecError) -> Iterator[ValidationError]:
    """Yield the error of a rule of spec files, and each further error of the same value."""
    for each in (error, *error.others):
        params: dict[str, Any] = {"names": ", ".join(NICKNAMES), "detail": each.message, "field": each.field or ""}
        if each.field in FIELDS:
            field = FIELDS[each.field]
            params |= {"field": FIELD_LABELS[each.field], "low": field.low, "high": field.high}
        yield ValidationError(MESSAGES.get(each.code, "%(detail)s"), code=each.code, params=params)


def interval_in_words(interval: timedelta) -> str:
    """Return an interval of whole minutes in its largest whole unit: "2 hours"."""
    minutes = interval // timedelta(minutes=1)
    hours, days = minutes // 60, minutes // (24 * 60)
    if minutes == days * 24 * 60:
        return npgettext("schedule", "%(count)d day", "%(count)d days", days) % {"count": days}
    if minutes == hours * 60:
        return npgettext("schedule", "%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return npgettext("schedule", "%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
