"""Calendars: a list of dates, an `.ics` file of the source, or the public holidays of a country → dates."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from beatsync.specfile.every.clauses import COMPILED_YEARS
from beatsync.specfile.every.ics import EventDates, read_events
from beatsync.specfile.problems import SpecError, raise_all, suggestion

INSTALL = 'pip install "beatsync[calendars]"'
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KINDS = ("dates", "file", "country")


class Calendar(NamedTuple):
    """The dates of a calendar that the compiled years can use."""

    dates: frozenset[date]
    ends: date | None = None
    """Its last date; None if it goes on."""


class CalendarFiles(NamedTuple):
    """The `.ics` files of the source by path, and the folder of the file that names one."""

    files: Mapping[str, bytes]
    folder: str = ""


def first_and_last(year: int) -> tuple[date, date]:
    """Return the first and the last date that matters for the years from `year`: windows that pass midnight need the day before."""
    return date(year - 1, 12, 31), date(year + COMPILED_YEARS, 1, 1)


def from_mapping(raw: Mapping[str, Any], year: int, files: CalendarFiles) -> Calendar:
    """Return the calendar of a mapping that its rule allows.

    Raises SpecError: `calendar-kind`, `calendar-date`, `calendar-file`, `calendar-rule`, `calendar-country`, `calendar-unavailable`.
    """
    kinds = [kind for kind in _KINDS if kind in raw]
    if len(kinds) != 1 or ("subdivision" in raw and kinds != ["country"]):
        message = "a calendar has exactly one of dates, file and country (with subdivision)"
        raise SpecError("calendar-kind", message, "for example {country: DE, subdivision: BY}")
    first, last = first_and_last(year)
    try:
        events = _events(kinds[0], raw, year, files)
    except ImportError as error:
        message = f"this calendar needs the package {error.name}, which is not installed"
        raise SpecError("calendar-unavailable", message, INSTALL, field=kinds[0]) from None
    except SpecError as error:
        raise error.at(error.field or kinds[0]) from None
    return Calendar(frozenset(day for day in events.dates if first <= day <= last), events.ends)


def _events(kind: str, raw: Mapping[str, Any], year: int, files: CalendarFiles) -> EventDates:
    if kind == "dates":
        return _listed(raw["dates"])
    if kind == "file":
        return _from_file(raw["file"], *first_and_last(year), files)
    return EventDates(_holidays(raw["country"], raw.get("subdivision"), year), None)


def _listed(texts: list[str]) -> EventDates:
    days, errors = [], []
    for text in texts:
        try:
            # Newer Pythons read more than this one form.
            days.append(date.fromisoformat(text if _DATE.fullmatch(text) else ""))
        except ValueError:
            errors.append(
                SpecError("calendar-date", f"{text!r} is not a date", "write it as 2027-12-24", field="dates")
            )
    raise_all(errors)
    return EventDates(frozenset(days), max(days, default=date.min))


def _from_file(name: str, first: date, last: date, files: CalendarFiles) -> EventDates:
    path = posixpath.normpath(posixpath.join(files.folder, name))
    if path.startswith(("/", "../")) or not path.lower().endswith(".ics"):
        message = f"{name!r} is not the path of an .ics file inside the source"
        raise SpecError("calendar-file", message, "write the path relative to this file, such as company.ics")
    data = files.files.get(path)
    if data is None:
        hint = suggestion(path, files.files, "put the file into the source's directory")
        raise SpecError("calendar-file", f"there is no file {path} in the source", hint)
    return _events_of_file(data, first, last)


@lru_cache(maxsize=64)
def _events_of_file(data: bytes, first: date, last: date) -> EventDates:
    return read_events(data, first, last)


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    import holidays

    countries = holidays.list_supported_countries()
    if country not in countries:
        hint = suggestion(country.upper(), countries, "write an ISO 3166 code such as DE", cutoff=0.99)
        raise SpecError("calendar-country", f"no holidays are known of the country {country!r}", hint)
    subdivisions = countries[country]
    if subdivision is not None and subdivision not in subdivisions:
        names = ", ".join(subdivisions) or "it has none"
        message = f"no holidays are known of the subdivision {subdivision!r} of {country}"
        raise SpecError("calendar-country", message, f"the subdivisions are: {names}", field="subdivision")
    years = range(year - 1, year + COMPILED_YEARS + 1)
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=years))
