"""What a crontab means, as a sentence in the active language of Django.

The sentences of cron-descriptor, which plans show, do not serve here: its names of days and months are English in every language,
and the releases that django-celery-beat allows have no Traditional Chinese.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import npgettext, pgettext

from beatsync.specfile import cronfield
from beatsync.specfile.crontab import is_normal
from beatsync.values import Crontab

_MAX_TIMES = 6
"""Up to so many times of a day, or members of a step, are listed."""
_MINUTES, _HOURS = 60, 24


def in_words(schedule: Crontab) -> str:
    """Return when a crontab runs, without its time zone; its expression if that is not in normal form."""
    if not is_normal(schedule[:-1]):
        return schedule.expression
    days = _days(schedule.day_of_month, schedule.day_of_week)
    minutes, hours = _sorted("minute", schedule.minute), _sorted("hour", schedule.hour)
    if len(minutes) * len(hours) <= _MAX_TIMES:
        clocks = [_clock(hour, minute) for hour in hours for minute in minutes]
        sentence = pgettext("schedule", "at %(times)s") % {"times": _joined(clocks)}
        days = days or pgettext("schedule", "every day")
    else:
        sentence = _several_times(schedule, minutes, hours)
    if days:
        sentence = pgettext("schedule", "%(times)s, %(days)s") % {"times": sentence, "days": days}
    if schedule.month_of_year != "*":
        numbers = _sorted("month_of_year", schedule.month_of_year)
        months = _series("month_of_year", schedule.month_of_year, lambda number: str(MONTHS[number]))
        months = npgettext("schedule", "in %(months)s", "in the months %(months)s", len(numbers)) % {"months": months}
        sentence = pgettext("schedule", "%(when)s, %(months)s") % {"when": sentence, "months": months}
    return str(capfirst(sentence))


def _several_times(schedule: Crontab, minutes: Sequence[int], hours: Sequence[int]) -> str:
    """Return more times of a day than can be listed."""
    every = _every_minutes(minutes)
    if len(hours) == _HOURS:
        return every or _every_hour(schedule.minute, minutes)
    if minutes == [0] and (step := _step(hours, _HOURS)):
        return npgettext("schedule", "every %(count)d hour", "every %(count)d hours", step) % {"count": step}
    if len(hours) == 1 and _is_run(minutes):
        every = pgettext("schedule", "every minute")
    elif len(minutes) == 1:
        every = pgettext("schedule", "every hour")
    if every and _is_run(hours):
        span = {"first": _clock(hours[0], minutes[0]), "last": _clock(hours[-1], minutes[-1])}
        return pgettext("schedule", "%(every)s from %(first)s to %(last)s") % {"every": every, **span}
    shown = {"hours": _series("hour", schedule.hour)}
    return pgettext("schedule", "%(minutes)s %(hours)s") % {
        "minutes": _at_minutes(schedule.minute, minutes),
        "hours": npgettext("schedule", "of hour %(hours)s", "of hours %(hours)s", len(hours)) % shown,
    }


def _every_minutes(minutes: Sequence[int]) -> str:
    """Return "every 5 minutes"; "" if the minutes are not at equal distances within the hour."""
    step = _step(minutes, _MINUTES)
    if not 0 < step < _MINUTES:
        return ""
    if step == 1:
        return pgettext("schedule", "every minute")
    return npgettext("schedule", "every %(count)d minute", "every %(count)d minutes", step) % {"count": step}


def _every_hour(text: str, minutes: Sequence[int]) -> str:
    if minutes == [0]:
        return pgettext("schedule", "every hour")
    return pgettext("schedule", "every hour %(minutes)s") % {"minutes": _at_minutes(text, minutes)}


def _at_minutes(text: str, minutes: Sequence[int]) -> str:
    shown = {"minutes": _series("minute", text)}
    return npgettext("schedule", "at minute %(minutes)s", "at minutes %(minutes)s", len(minutes)) % shown


def _days(day_of_month: str, day_of_week: str) -> str:
    """Return on which days; "" if every day."""
    if day_of_month == "*":
        return _weekly(day_of_week) if day_of_week != "*" else ""
    days = {"days": _series("day_of_month", day_of_month)}
    count = len(_sorted("day_of_month", day_of_month))
    dates = npgettext("schedule", "on day %(days)s of the month", "on days %(days)s of the month", count) % days
    if day_of_week == "*":
        return dates
    # celery runs only on days that match both (docs/facts.md, 12).
    weekdays = _series("day_of_week", day_of_week, _weekday, _either)
    return pgettext("schedule", "%(dates)s if that is %(weekdays)s") % {"dates": dates, "weekdays": weekdays}


def _weekly(text: str) -> str:
    weekdays = _series("day_of_week", text, _weekday)
    is_range = _is_run(_sorted("day_of_week", text)) and "-" in text
    return weekdays if is_range else pgettext("schedule", "every %(weekdays)s") % {"weekdays": weekdays}


def _weekday(number: int) -> str:
    return str(WEEKDAYS[(number - 1) % len(WEEKDAYS)])  # Django's Monday is 0, cron's is 1


def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"


def _sorted(name: str, text: str) -> list[int]:
    return sorted(cronfield.members(name, text))


def _is_run(numbers: Sequence[int]) -> bool:
    return numbers[-1] - numbers[0] == len(numbers) - 1


def _step(numbers: Sequence[int], size: int) -> int:
    """Return the distance between the numbers if they go evenly round the clock, from 0 on; else 0."""
    step, rest = divmod(size, len(numbers))
    return step if not rest and list(numbers) == list(range(0, size, step)) else 0


def _comma() -> str:
    # Translators: separates the items of a list, except for the last two.
    return pgettext("schedule", ", ")


def _joined(items: Sequence[str]) -> str:
    if len(items) == 1:
        return items[0]
    return pgettext("schedule", "%(items)s and %(last)s") % {
        "items": _comma().join(items[:-1]),
        "last": items[-1],
    }


def _either(items: Sequence[str]) -> str:
    if len(items) == 1:
        return items[0]
    return pgettext("schedule", "%(items)s or %(last)s") % {
        "items": _comma().join(items[:-1]),
        "last": items[-1],
    }


def _series(
    name: str,
    text: str,
    show: Callable[[int], str] = str,
    join: Callable[[Sequence[str]], str] = _joined,
) -> str:
    """Return the members of a field in normal form: "1, 5 to 8 and 20"."""
    items: list[str] = []
    for part in text.split(","):
        numbers = _sorted(name, part)
        shown = [show(number) for number in numbers]
        if len(numbers) > 1 and _is_run(numbers):
            items.append(pgettext("schedule", "%(first)s to %(last)s") % {"first": shown[0], "last": shown[-1]})
        elif len(numbers) > _MAX_TIMES:
            items.append(_comma().join(shown[:2]) + f" … {shown[-1]}")
        else:
            items += shown
    return join(items)
