"""What a crontab means, as a sentence as people say it, in English or in another language.

cron-descriptor cannot be used: it says "every 2 days of the week, Monday through Friday", in some
releases "or" between days that must both match (docs/facts.md, 48), and has English names in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from beatsync.specfile import cronfield
from beatsync.specfile.crontab import is_normal

_MAX_TIMES = 6
"""Up to so many times of a day, or members of a step, are listed."""
_MINUTES, _HOURS = 60, 24
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Language(Protocol):
    """What a sentence needs from a language. The messages are in the catalogs of `beatsync/locale`."""

    def pgettext(self, context: str, message: str, /) -> str:
        """Return a translation."""

    def npgettext(self, context: str, singular: str, plural: str, number: int, /) -> str:
        """Return the translation for a number."""

    def weekday(self, number: int, /) -> str:
        """Return the name of a day of the week; 0 is Sunday."""

    def month(self, number: int, /) -> str:
        """Return the name of a month, from 1."""


class English:
    """The language of the messages, in which command line and logs are written, whatever the process's locale."""

    def pgettext(self, context: str, message: str, /) -> str:  # noqa: ARG002
        """Return the message."""
        return message

    def npgettext(self, context: str, singular: str, plural: str, number: int, /) -> str:  # noqa: ARG002
        """Return the singular for 1."""
        return singular if number == 1 else plural

    def weekday(self, number: int, /) -> str:
        """Return the name of a day of the week; 0 is Sunday."""
        return _WEEKDAYS[number]

    def month(self, number: int, /) -> str:
        """Return the name of a month, from 1."""
        return _MONTHS[number - 1]


def in_words(expression: str, language: Language) -> str | None:
    """Return when the crontab `Crontab.expression` runs, hours from 0 to 23; None if it is not in normal form."""
    texts = expression.split(" ")
    # A row that is not in normal form may hold anything: no words are better than wrong ones.
    return _Sentence(language).of(*texts) if is_normal(texts) else None


@lru_cache(maxsize=65536)
def in_english(expression: str) -> str | None:
    """Return `in_words` in English."""
    return in_words(expression, English())


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


class _Sentence:
    """Builds sentences in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def of(self, minute: str, hour: str, day_of_month: str, month_of_year: str, day_of_week: str) -> str:
        """Return the sentence for five fields in normal form."""
        days = self._days(day_of_month, day_of_week)
        minutes, hours = _sorted("minute", minute), _sorted("hour", hour)
        if len(minutes) * len(hours) <= _MAX_TIMES:
            clocks = [_clock(at_hour, at_minute) for at_hour in hours for at_minute in minutes]
            sentence = self._language.pgettext("schedule", "at %(times)s") % {"times": self._joined(clocks)}
            days = days or self._language.pgettext("schedule", "every day")
        else:
            sentence = self._several_times(minute, hour, minutes, hours)
        if days:
            sentence = self._language.pgettext("schedule", "%(times)s, %(days)s") % {"times": sentence, "days": days}
        if month_of_year != "*":
            months = self._series("month_of_year", month_of_year, self._language.month)
            count = len(_sorted("month_of_year", month_of_year))
            months = self._language.npgettext("schedule", "in %(months)s", "in the months %(months)s", count) % {
                "months": months
            }
            sentence = self._language.pgettext("schedule", "%(when)s, %(months)s") % {
                "when": sentence,
                "months": months,
            }
        return sentence[:1].upper() + sentence[1:]

    def _several_times(self, minute: str, hour: str, minutes: Sequence[int], hours: Sequence[int]) -> str:
        """Return more times of a day than can be listed."""
        every = self._every_minutes(minutes)
        if len(hours) == _HOURS:
            return every or self._every_hour(minute, minutes)
        if minutes == [0] and (step := _step(hours, _HOURS)):
            return self._language.npgettext("schedule", "every %(count)d hour", "every %(count)d hours", step) % {
                "count": step
            }
        if len(hours) == 1 and _is_run(minutes):
            every = self._language.pgettext("schedule", "every minute")
        elif len(minutes) == 1:
            every = self._language.pgettext("schedule", "every hour")
        if every and _is_run(hours):
            span = {"first": _clock(hours[0], minutes[0]), "last": _clock(hours[-1], minutes[-1])}
            return self._language.pgettext("schedule", "%(every)s from %(first)s to %(last)s") % {
                "every": every,
                **span,
            }
        shown = {"hours": self._series("hour", hour)}
        return self._language.pgettext("schedule", "%(minutes)s %(hours)s") % {
            "minutes": self._at_minutes(minute, minutes),
            "hours": self._language.npgettext("schedule", "of hour %(hours)s", "of hours %(hours)s", len(hours))
            % shown,
        }

    def _every_minutes(self, minutes: Sequence[int]) -> str:
        """Return "every 5 minutes"; "" if the minutes are not at equal distances within the hour."""
        step = _step(minutes, _MINUTES)
        if not 0 < step < _MINUTES:
            return ""
        if step == 1:
            return self._language.pgettext("schedule", "every minute")
        return self._language.npgettext("schedule", "every %(count)d minute", "every %(count)d minutes", step) % {
            "count": step
        }

    def _every_hour(self, text: str, minutes: Sequence[int]) -> str:
        if minutes == [0]:
            return self._language.pgettext("schedule", "every hour")
        return self._language.pgettext("schedule", "every hour %(minutes)s") % {
            "minutes": self._at_minutes(text, minutes)
        }

    def _at_minutes(self, text: str, minutes: Sequence[int]) -> str:
        shown = {"minutes": self._series("minute", text)}
        return (
            self._language.npgettext("schedule", "at minute %(minutes)s", "at minutes %(minutes)s", len(minutes))
            % shown
        )

    def _days(self, day_of_month: str, day_of_week: str) -> str:
        """Return on which days; "" if every day."""
        if day_of_month == "*":
            return self._weekly(day_of_week) if day_of_week != "*" else ""
        days = {"days": self._series("day_of_month", day_of_month)}
        count = len(_sorted("day_of_month", day_of_month))
        dates = (
            self._language.npgettext("schedule", "on day %(days)s of the month", "on days %(days)s of the month", count)
            % days
        )
        if day_of_week == "*":
            return dates
        # celery runs only on days that match both (docs/facts.md, 12).
        weekdays = self._series("day_of_week", day_of_week, self._language.weekday, self._either)
        return self._language.pgettext("schedule", "%(dates)s if that is %(weekdays)s") % {
            "dates": dates,
            "weekdays": weekdays,
        }

    def _weekly(self, text: str) -> str:
        weekdays = self._series("day_of_week", text, self._language.weekday)
        is_range = _is_run(_sorted("day_of_week", text)) and "-" in text
        return (
            weekdays if is_range else self._language.pgettext("schedule", "every %(weekdays)s") % {"weekdays": weekdays}
        )

    def _comma(self) -> str:
        # Translators: separates the items of a list, except for the last two.
        return self._language.pgettext("schedule", ", ")

    def _joined(self, items: Sequence[str]) -> str:
        if len(items) == 1:
            return items[0]
        return self._language.pgettext("schedule", "%(items)s and %(last)s") % {
            "items": self._comma().join(items[:-1]),
            "last": items[-1],
        }

    def _either(self, items: Sequence[str]) -> str:
        if len(items) == 1:
            return items[0]
        return self._language.pgettext("schedule", "%(items)s or %(last)s") % {
            "items": self._comma().join(items[:-1]),
            "last": items[-1],
        }

    def _series(
        self,
        name: str,
        text: str,
        show: Callable[[int], str] = str,
        join: Callable[[Sequence[str]], str] | None = None,
    ) -> str:
        """Return the members of a field in normal form: "1, 5 to 8 and 20"."""
        items: list[str] = []
        for part in text.split(","):
            numbers = _sorted(name, part)
            shown = [show(number) for number in numbers]
            if len(numbers) > 1 and _is_run(numbers):
                items.append(
                    self._language.pgettext("schedule", "%(first)s to %(last)s")
                    % {"first": shown[0], "last": shown[-1]}
                )
            elif len(numbers) > _MAX_TIMES:
                items.append(self._comma().join(shown[:2]) + f" … {shown[-1]}")
            else:
                items += shown
        return (join or self._joined)(items)
