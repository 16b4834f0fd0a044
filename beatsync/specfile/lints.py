"""Lints of one schedule: what is allowed and yet probably not intended. Each runs for every schedule in every environment.

A lint yields warnings, each with `Interpretation.warning`, or a `Problem` that is an error. To add one, append it to `LINTS`.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Mapping

from beatsync.specfile import solar, spread
from beatsync.specfile.interpret import Interpretation
from beatsync.specfile.placeholders import PLACEHOLDER_START, placeholders
from beatsync.specfile.problems import Problem
from beatsync.specfile.templates import is_template
from beatsync.values import Crontab, Solar

_EMPTY = 2
"""Length of `[]` and `{}`."""
Lint = Callable[[Interpretation], Iterator[Problem]]


def crontab_days(interpretation: Interpretation) -> Iterator[Problem]:
    """Warn about a crontab that limits both kinds of days: crontab(5) runs on either, celery on both."""
    crontab = interpretation.spec.schedule
    if not isinstance(crontab, Crontab):
        return
    # crontab(5) itself ANDs where one of the two starts with a star.
    if not crontab.day_of_month.startswith("*") and not crontab.day_of_week.startswith("*"):
        message = (
            f"celery runs this only on days that match both day_of_month {crontab.day_of_month} and day_of_week "
            f"{crontab.day_of_week}; crontab(5) would run it on days that match either"
        )
        yield interpretation.warning("crontab", "crontab-and", message)


def crontab_without_minute(interpretation: Interpretation) -> Iterator[Problem]:
    """Warn about a crontab mapping without `minute`, which runs in every minute."""
    value = interpretation.merged.fields.get("crontab")
    if isinstance(value, Mapping) and "minute" not in value and interpretation.spec.schedule is not None:
        message = "`minute` is missing, so it runs in every minute of the hours that match"
        yield interpretation.warning("crontab", "crontab-minute", message, "write minute: 0")


def unrendered_arguments(schedule: Interpretation) -> Iterator[Problem]:
    """Warn about arguments with the placeholder of a template. A task may render one itself."""
    spec = schedule.spec
    for key, text in (("args", spec.args), ("kwargs", spec.kwargs), ("headers", spec.headers)):
        if len(text) > _EMPTY and is_template(text):
            message = f"{key} contain the placeholder of a template, and the task gets it as text"
            yield schedule.warning(key, "template-unrendered", message, "render the file first, if the task does not")


def solar_without_event(schedule: Interpretation) -> Iterator[Problem]:
    """Report a solar event that does not occur on some days; it is an error if the installed celery would end beat then."""
    value = schedule.spec.schedule
    if not isinstance(value, Solar) or not (months := solar.months_without(value.event, value.latitude)):
        return
    when = "every month" if len(months) == len(calendar.month_name) - 1 else ", ".join(months)
    message = f"at latitude {value.latitude.normalize():f} there are days without {value.event} in {when}"
    if solar.ends_beat():
        message += "; the installed celery ends beat on the first of them"
        hint = "update celery to 5.7 or newer, or choose another event or a crontab"
        yield Problem(schedule.merged.path("solar"), "solar-no-event", message, hint)
    else:
        hint = "where it must run every day, use solar_noon or a crontab; celery before 5.7 ends beat on the first such day"
        yield schedule.warning("solar", "solar-no-event", f"{message}; it does not run on them", hint)


def renamed_hash(schedule: Interpretation) -> Iterator[Problem]:
    """Warn about a renamed schedule with `H`: its hash follows the new name."""
    old_name, merged = schedule.policy.renamed_from, schedule.merged
    if old_name is None or "hash" in merged.sync or not spread.uses_hash(merged.fields.get("crontab")):
        return
    message = "`H` follows the name, so the new name moves the times of this schedule"
    yield schedule.warning("crontab", "hash-renamed", message, f"to keep them, write hash: {old_name} under sync")


def unfilled_placeholder(schedule: Interpretation) -> Iterator[Problem]:
    """Report a placeholder of `export` or `import` that is not replaced yet."""
    # The walk, which knows the places, takes fifty times as long.
    if not any(value.__class__ is str and PLACEHOLDER_START in value for value in schedule.spec):
        return
    merged = schedule.merged
    for key, value in merged.fields.items():
        for path, placeholder in placeholders(value, merged.path(key)):
            message = f"{placeholder} is a placeholder, and not the value"
            yield Problem(path, "value-placeholder", message, "replace it with the value")


LINTS: list[Lint] = [
    crontab_days, crontab_without_minute, unrendered_arguments, solar_without_event, renamed_hash, unfilled_placeholder,
]  # fmt: skip
"""Every lint of one schedule; those across files are `combine.CROSS_LINTS`."""
