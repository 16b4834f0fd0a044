"""Crontab schedules: five fields → `values.Crontab` in normal form, for spec files and for rows.

A crontab that can never fire is refused here, by the calendar: only celery 5.7 and later refuses it itself; with older versions
beat ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Union

from beatsync.specfile import cronfield, times
from beatsync.specfile.problems import SpecError, raise_all
from beatsync.values import Crontab

FIELD_NAMES = tuple(cronfield.FIELDS)
"""The five fields in the order of crontab(5)."""
FieldText = Union[str, int, Sequence[Union[str, int]]]
"""A field as a spec file may write it: `"*/5"`, `3` or `[1, 3]`."""

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_DAYS_IN_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # in the longest year


@lru_cache(maxsize=65536)
def from_expression(text: str, timezone: str) -> Crontab:
    """Return a five-field expression, or a name such as `@daily`, in normal form.

    Raises SpecError: those of `cronfield.spell`, `crontab-fields`, `crontab-nickname`, `crontab-never`, `timezone-unknown`.
    """
    stripped = text.strip()
    parts = (_nickname(stripped) if stripped.startswith("@") else stripped).split()
    if len(parts) != len(FIELD_NAMES):
        raise _wrong_count(parts)
    return _from_texts(parts, timezone)


def from_fields(values: Sequence[FieldText], timezone: str) -> Crontab:
    """Return the five fields in normal form; a field may also be a number or a list of numbers.

    Raises SpecError: those of `cronfield.spell`, `crontab-type`, `crontab-never`, `timezone-unknown`.
    """
    return _from_texts([_text(name, value) for name, value in zip(FIELD_NAMES, values, strict=True)], timezone)


@lru_cache(maxsize=65536)
def observed(minute: str, hour: str, day_of_month: str, month_of_year: str, day_of_week: str, timezone: str) -> Crontab:
    """Return a database row's crontab: in normal form if celery runs it as crontab(5) says, else unchanged. Never raises."""
    raw = (minute, hour, day_of_month, month_of_year, day_of_week)
    spelled = [cronfield.observed(name, text) for name, text in zip(FIELD_NAMES, raw, strict=True)]
    readable = [text for text in spelled if text is not None]
    return Crontab._make([*(readable if len(readable) == len(raw) else raw), timezone])


@lru_cache(maxsize=65536)
def misread(crontab: Crontab) -> str | None:
    """Return the first field that the installed celery reads differently from crontab(5); None if there is none."""
    for name, text in zip(FIELD_NAMES, crontab, strict=False):  # the zone comes last and is not a field
        if cronfield.celery_reads(name, text) != cronfield.members(name, text):
            return name
    return None


def is_normal(texts: Sequence[str]) -> bool:
    """Return whether the texts are the five fields of a crontab in normal form."""
    return len(texts) == len(FIELD_NAMES) and all(
        cronfield.observed(name, text) == text for name, text in zip(FIELD_NAMES, texts, strict=True)
    )


def _from_texts(texts: Sequence[str], timezone: str) -> Crontab:
    spelled, errors = [], []
    for name, text in zip(FIELD_NAMES, texts, strict=True):
        try:
            spelled.append(cronfield.spell(name, text))
        except SpecError as error:
            errors.append(error)
    raise_all(errors)
    crontab = Crontab._make([*spelled, times.zone(timezone).key])
    if crontab.day_of_month != "*":
        days = cronfield.members("day_of_month", crontab.day_of_month)
        months = cronfield.members("month_of_year", crontab.month_of_year)
        # Every date that exists falls on every weekday within 28 years, or 40 around 2100, so the weekday cannot prevent it.
        if min(days) > max(_DAYS_IN_MONTH[month] for month in months):
            message = f"it never fires: there is no day {crontab.day_of_month} in month {crontab.month_of_year}"
            raise SpecError("crontab-never", message, field="day_of_month")
    return crontab


def _text(name: str, value: FieldText) -> str:
    items = value if isinstance(value, (list, tuple)) else [value]
    if not items or not {type(item) for item in items} <= {str, int}:
        message = f"{name}: {value!r} is not a text, a number or a list of numbers"
        raise SpecError("crontab-type", message, 'as in "*/5"', field=name)
    return ",".join(map(str, items))


def _nickname(text: str) -> str:
    expression = NICKNAMES.get(text.lower())
    if expression is not None:
        return expression
    first, *rest = text.lower().split()
    if first == "@every":
        hint = f"use the key interval: {' '.join(rest)}" if rest else "use the key interval"
        raise SpecError("crontab-nickname", "@every is not a crontab", hint)
    if first == "@reboot":
        raise SpecError("crontab-nickname", "@reboot has no time, and celery has no event for the start of beat")
    raise SpecError("crontab-nickname", f"there is no {text[:80]!r}", f"the names are {', '.join(NICKNAMES)}")


def _wrong_count(parts: list[str]) -> SpecError:
    hint = "write five fields: minute hour day_of_month month_of_year day_of_week"
    if parts and parts[0].startswith(("TZ=", "CRON_TZ=")):
        hint = "the zone goes into the key timezone"
    elif any(part.startswith(",") or part.endswith(",") for part in parts):
        hint = "write lists without spaces: 0,30"
    elif len(parts) > len(FIELD_NAMES):
        hint = "celery has no field for seconds or for years; five fields remain"
    return SpecError("crontab-fields", f"a crontab has five fields, and {len(parts)} were found", hint)
