"""The all-day events of an iCalendar file → dates. Nothing is fetched, and what cannot be expanded is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from beatsync.specfile.problems import SpecError, cut

MAX_BYTES = 1024 * 1024
_MAX_DAYS = 366
"""Days of one event."""
_FIRST_YEAR = 1900
_FREQUENCIES = frozenset({"YEARLY", "MONTHLY", "WEEKLY", "DAILY"})
_MIDNIGHT = datetime.min.time()


class EventDates(NamedTuple):
    """Dates within the compiled years, and the last date of the file; None if some event recurs without an end."""

    dates: frozenset[date]
    ends: date | None


def read_events(data: bytes, first: date, last: date) -> EventDates:
    """Return the days of the all-day events between two dates; an event with a time of day counts for nothing.

    Raises SpecError: `calendar-file`, `calendar-rule`, and ImportError without the package icalendar.
    """
    from icalendar import Calendar

    if len(data) > MAX_BYTES:
        raise SpecError("calendar-file", f"the file is larger than {MAX_BYTES // 1024} KiB", "split it")
    try:
        events = [event for part in Calendar.from_ical(data, multiple=True) for event in part.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise SpecError("calendar-file", f"this is not an iCalendar file: {cut(str(error))}") from None
    expanded = [_expanded(event, last) for event in events]
    ends = [each.ends for each in expanded if each.ends is not None]
    dates = frozenset[date]().union(*(each.dates for each in expanded))
    is_finite = len(ends) == len(expanded)
    return EventDates(
        frozenset(day for day in dates if first <= day <= last), max(ends, default=date.min) if is_finite else None
    )


def _expanded(event: Any, last: date) -> EventDates:
    """Return the days of one event up to about `last`; none if it has a time of day, or was cancelled."""
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date) or isinstance(start, datetime) or event.get("STATUS") == "CANCELLED":
        return EventDates(frozenset(), date.min)
    length = _length(event, start)
    starts, end = _starts(event, start, last)
    days = frozenset(each + timedelta(days=more) for each in starts for more in range(length))
    return EventDates(days, None if end is None else end + timedelta(days=length - 1))


def _length(event: Any, start: date) -> int:
    """Return the number of days of an event: DTEND is the day behind the last."""
    end, duration = getattr(event.get("DTEND"), "dt", None), getattr(event.get("DURATION"), "dt", None)
    if isinstance(end, date) and not isinstance(end, datetime):
        days = (end - start).days
    else:
        days = duration.days if isinstance(duration, timedelta) else 1
    if days > _MAX_DAYS:
        raise SpecError("calendar-rule", f"the event {_name(event)} has more than {_MAX_DAYS} days")
    return max(1, days)


def _starts(event: Any, start: date, last: date) -> tuple[list[date], date | None]:
    """Return the first days of an event up to `last`, and its last first day; None if it recurs without an end."""
    if event.get("RECURRENCE-ID") is not None:
        message = f"the event {_name(event)} replaces one day of a recurring event, which is not supported"
        raise SpecError("calendar-rule", message, "remove that day with EXDATE, and add an event for it")
    rule = event.get("RRULE")
    if isinstance(rule, list):
        raise SpecError("calendar-rule", f"the event {_name(event)} has more than one RRULE")
    dates = [start, *_listed(event, "RDATE")]
    is_endless = False
    if rule is not None:
        dates += _recurring(event, rule, start, last)
        is_endless = "COUNT" not in rule and "UNTIL" not in rule
    without = set(_listed(event, "EXDATE"))
    remaining = sorted({each for each in dates if each not in without})
    return remaining, None if is_endless else max(remaining, default=date.min)


def _recurring(event: Any, rule: Any, start: date, last: date) -> list[date]:
    from dateutil.rrule import rrulestr

    frequency = str(next(iter(rule.get("FREQ", ())), ""))
    if frequency not in _FREQUENCIES or start.year < _FIRST_YEAR:
        message = f"the rule of the event {_name(event)} cannot be expanded"
        raise SpecError(
            "calendar-rule", message, f"use a FREQ of {', '.join(sorted(_FREQUENCIES))}, from {_FIRST_YEAR} on"
        )
    limited = {key: value for key, value in rule.items() if key != "UNTIL"}
    until = next((each for each in rule.get("UNTIL", ())), last)
    end = min(until.date() if isinstance(until, datetime) else until, last)
    try:
        text = type(rule)(limited).to_ical().decode()
        occurrences = rrulestr(text, dtstart=datetime.combine(start, _MIDNIGHT))
        limits = [datetime.combine(each, _MIDNIGHT) for each in (start, end)]
        return [each.date() for each in occurrences.between(*limits, inc=True)]
    except (ValueError, TypeError, AttributeError) as error:
        message = f"the rule of the event {_name(event)} cannot be expanded: {cut(str(error))}"
        raise SpecError("calendar-rule", message) from None


def _listed(event: Any, key: str) -> Iterator[date]:
    """Yield the dates of RDATE or EXDATE."""
    lists = event.get(key, [])
    for each in lists if isinstance(lists, list) else [lists]:
        for item in each.dts:
            if isinstance(item.dt, tuple):
                raise SpecError("calendar-rule", f"the event {_name(event)} has periods in {key}")
            yield item.dt.date() if isinstance(item.dt, datetime) else item.dt


def _name(event: Any) -> str:
    return repr(cut(str(event.get("SUMMARY", "without a summary"))))
