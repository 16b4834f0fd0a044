"""The all-day events of an iCalendar file → dates. Nothing is fetched, and what cannot be expanded is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from beatsync.specfile.problems import SpecError, cut

MAX_BYTES = 1024 * 1024
_MAX_DAYS = 366
"""Days of one event."""
_FIRST_YEAR = 1900
_FREQUENCIES = {"YEARLY": 20, "MONTHLY": 50, "WEEKLY": 100, "DAILY": 366}
"""What to expand an event costs at least, compared with a day: a rule that no date fulfils is searched to the last year."""
_MAX_COST = 100_000
"""Of one file; a second has about 3,000 where no date fulfils the rules."""
_WHOLE_DAY = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
"""What iCalendar ignores in the rules of all-day events."""
_EXPANDED = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "WKST"}
)
_SINGLE = ("DTSTART", "DTEND", "DURATION", "RRULE")
_READ = frozenset({*_SINGLE, "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", None})
"""The properties that matter; None is a line without the name of one."""
_CYCLE = 400
"""Years after which dates fall on the same days of the week."""
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
        calendars = Calendar.from_ical(data, multiple=True)
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise SpecError("calendar-file", f"this is not an iCalendar file: {cut(str(error))}") from None
    if not calendars:
        raise SpecError("calendar-file", "this is not an iCalendar file: it has no VCALENDAR that ends")
    expanded = list(_all_expanded(events, first, last))
    ends = [each.ends for each in expanded if each.ends is not None]
    dates = frozenset[date]().union(*(each.dates for each in expanded))
    is_finite = len(ends) == len(expanded)
    return EventDates(
        frozenset(day for day in dates if first <= day <= last), max(ends, default=date.min) if is_finite else None
    )


def _all_expanded(events: Iterable[Any], first: date, last: date) -> Iterator[EventDates]:
    cost = 0
    for event in events:
        dates = _expanded(event, last)
        cost += max(len(dates.dates), _FREQUENCIES.get(_frequency(event.get("RRULE")), 0))
        if cost > _MAX_COST:
            message = "its recurring events are too many to be expanded"
            raise SpecError("calendar-rule", message, f"keep the events of {first.year + 1} and the years after it")
        yield dates


def _expanded(event: Any, last: date) -> EventDates:
    """Return the days of one event up to about `last`; none if it has a time of day, or was cancelled."""
    _check_readable(event)
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date) or isinstance(start, datetime) or event.get("STATUS") == "CANCELLED":
        return EventDates(frozenset(), date.min)
    length = _length(event, start)
    starts, end = _starts(event, start, last)
    days = frozenset(each + timedelta(days=more) for each in starts for more in range(length))
    return EventDates(days, None if end is None else end + timedelta(days=length - 1))


def _check_readable(event: Any) -> None:
    """Raise SpecError for an event of which icalendar has left out, or could not read, a part that matters."""
    for name, problem in event.errors:
        if name in _READ:
            message = (
                f"{f'the {name}' if name else 'a line'} of the event {_name(event)} cannot be read: {cut(problem)}"
            )
            raise SpecError("calendar-rule", message)
    for name in _SINGLE:
        if isinstance(event.get(name), list):
            raise SpecError("calendar-rule", f"the event {_name(event)} has more than one {name}")


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

    parts = rule.keys() - _WHOLE_DAY - {"UNTIL"}
    is_allowed = parts <= _EXPANDED and min(rule.get("INTERVAL", [1])) > 0
    if _frequency(rule) not in _FREQUENCIES or not is_allowed or start.year < _FIRST_YEAR:
        message = f"the rule of the event {_name(event)} cannot be expanded"
        raise SpecError(
            "calendar-rule",
            message,
            f"use a FREQ of {', '.join(_FREQUENCIES)} with an INTERVAL of at least 1, from {_FIRST_YEAR} on",
        )
    limited = {key: rule[key] for key in parts}
    until = next((each for each in rule.get("UNTIL", ())), last)
    end = min(until.date() if isinstance(until, datetime) else until, last)
    if end < start:
        return []
    # The search for a date that fulfils the rule ends with the last year, so it begins near it.
    later = (date.max.year - last.year) // _CYCLE * _CYCLE
    try:
        text = type(rule)(limited).to_ical().decode()
        limits = [datetime.combine(each.replace(year=each.year + later), _MIDNIGHT) for each in (start, end)]
        occurrences = rrulestr(text, dtstart=limits[0]).between(*limits, inc=True)
        return [each.date().replace(year=each.year - later) for each in occurrences]
    except (ValueError, TypeError, AttributeError) as error:
        message = f"the rule of the event {_name(event)} cannot be expanded: {cut(str(error))}"
        raise SpecError("calendar-rule", message) from None


def _frequency(rule: Any) -> str:
    """Return FREQ of a rule; empty if it has none."""
    return str(next(iter(rule.get("FREQ", ())), "")) if isinstance(rule, dict) else ""


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
