"""What a crontab means, as a sentence in the active language of Django."""

from __future__ import annotations

from django.utils import translation
from django.utils.dates import MONTHS, WEEKDAYS

from beatsync.specfile import words
from beatsync.values import Crontab


class _ActiveLanguage:
    """The active language of Django, which has the names of days and months too."""

    pgettext = staticmethod(translation.pgettext)
    npgettext = staticmethod(translation.npgettext)

    def weekday(self, number: int, /) -> str:
        return str(WEEKDAYS[(number - 1) % len(WEEKDAYS)])  # Django's Monday is 0, cron's is 1

    def month(self, number: int, /) -> str:
        return str(MONTHS[number])


def in_words(schedule: Crontab) -> str:
    """Return when a crontab runs, without its time zone; its expression if that is not in normal form."""
    return words.in_words(schedule.expression, _ActiveLanguage()) or schedule.expression
