"""Generated `every` schedules, and a naive interpretation of them: one minute after the other, without a compiler."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

from celery.schedules import crontab_parser
from hypothesis import strategies as st

from beatsync.specfile.every.inputs import inputs_of
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.values import Crontab, SourceFile

YEAR = 2027
NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "America/Nuuk",
    "Asia/Beirut", "Antarctica/Troll", "Europe/Dublin", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Chatham", "America/Havana",
)  # fmt: skip
"""Clocks that change at midnight, before it, by half an hour, by two hours, often, and never."""
SIZES = {"minute": (60, 0), "hour": (24, 0), "day_of_month": (31, 1), "month_of_year": (12, 1), "day_of_week": (7, 0)}


@dataclass
class EverySpec:
    """One schedule as a file writes it."""

    every: dict[str, str]
    windows: dict[str, dict[str, Any]]
    calendars: dict[str, list[date]] = field(default_factory=dict)
    zone: str = "UTC"
    _limits: dict[str, tuple[int, int]] = field(default_factory=dict)
    _known: dict[tuple[str, date], bool] = field(default_factory=dict)

    def parse(self) -> ParsedFile:
        """Return what a file with this schedule declares; JSON is YAML."""
        listed = {name: {"dates": [day.isoformat() for day in days]} for name, days in self.calendars.items()}
        schedules = {"one": {"task": "t", "every": self.every}}
        document = {"windows": self.windows, "calendars": listed, "schedules": schedules}
        file = SourceFile("a.yaml", json.dumps(document).encode())
        return parse_file(file, ParseOptions(timezone=self.zone), inputs_of(YEAR, ()))

    def dates(self, names: list[str]) -> list[date]:
        return [day for name in names for day in self.calendars[name]]

    def is_valid(self) -> bool:
        """Return False if the parser refuses it for a reason that has its own tests."""
        codes = {each.code for each in self.parse().diagnostics}
        assert codes <= {"every-never", "every-rows"}
        return not codes

    def rows(self) -> list[Crontab]:
        """Return the crontabs of the rows."""
        parsed = self.parse()
        assert not parsed.diagnostics
        assert {each.spec.name for each in parsed.schedules} == set(parsed.facts.schedules[0].row_names)
        return [each.spec.schedule for each in parsed.schedules if isinstance(each.spec.schedule, Crontab)]

    def fires(self, day: date, minute: int) -> str | None:
        """Return the first matching window if its frequency fires at a minute of a day; None if it does not."""
        for name, text in self.every.items():
            if name != "otherwise" and self._matches(name, day, minute):
                return name if is_slot(text, minute) else None
        return "otherwise" if is_slot(self.every.get("otherwise", "never"), minute) else None

    def _matches(self, name: str, day: date, minute: int) -> bool:
        start, end = self._limits.get(name) or self._limits.setdefault(name, self._minutes(name))
        if start < end:
            return start <= minute < end and self._qualifies(name, day)
        if minute >= start:
            return self._qualifies(name, day)
        return minute < end and self._qualifies(name, day - timedelta(days=1))

    def _minutes(self, name: str) -> tuple[int, int]:
        raw = self.windows[name]
        return minutes(raw.get("from", "00:00")), minutes(raw.get("to", "24:00"))

    def _qualifies(self, name: str, day: date) -> bool:
        known = self._known.get((name, day))
        if known is None:
            known = self._known[name, day] = self._is_day(self.windows[name], day)
        return known

    def _is_day(self, raw: dict[str, Any], day: date) -> bool:
        if day in self.dates(raw.get("add", [])):
            return True
        is_day = f"{day:%a}".lower() in raw.get("days", NAMES) and day not in self.dates(raw.get("except", []))
        return is_day and ("only" not in raw or day in self.dates(raw["only"]))


@cache
def minutes(text: str) -> int:
    hours, rest = map(int, text.split(":"))
    return 60 * hours + rest


@cache
def is_slot(text: str, minute: int) -> bool:
    if text == "never":
        return False
    size = int(text[:-1]) * {"m": 1, "h": 60, "d": 1440}[text[-1]]
    return minute % size == 0


def matches(row: Crontab) -> dict[str, set[int]]:
    """Return the numbers of each field of a row, as celery reads them."""
    return {name: set(crontab_parser(*SIZES[name]).parse(text)) for name, text in zip(SIZES, row[:5], strict=True)}


CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 0, 0, 30, 15, 5, 59, 10]))
FREQUENCIES = st.sampled_from(["1m", "5m", "15m", "10m", "20m", "30m", "1h", "2h", "3h", "12h", "1d", "24h", "never"])
DATES = st.builds(lambda days: date(YEAR - 1, 12, 28) + timedelta(days=days), st.integers(0, 740))
CALENDARS = ("holidays", "fair", "swaps")


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    start, end = draw(CLOCKS), draw(CLOCKS | st.just("24:00"))
    raw: dict[str, Any] = {"from": start, "to": end if end != start else "24:00"}
    if draw(st.booleans()):
        raw["days"] = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True) | st.just(list(NAMES[1:6])))
    for key in ("except", "except", "only", "add"):
        if key not in raw and draw(st.integers(0, 4)) == 0:
            raw[key] = draw(st.lists(st.sampled_from(CALENDARS), min_size=1, max_size=2, unique=True))
    return raw


@st.composite
def any_specs(draw: st.DrawFn) -> EverySpec:
    """Draw schedules of one to three windows."""
    names = draw(st.sampled_from([("office",), ("peak", "office"), ("night", "peak", "office")]))
    every = {name: draw(FREQUENCIES) for name in names}
    if draw(st.integers(0, 3)):
        every["otherwise"] = draw(FREQUENCIES)
    calendars = {name: draw(st.lists(DATES, max_size=12, unique=True)) for name in CALENDARS}
    return EverySpec(every, {name: draw(windows()) for name in names}, calendars, draw(st.sampled_from(ZONES)))


def specs() -> st.SearchStrategy[EverySpec]:
    """Return schedules that compile."""
    return any_specs().filter(EverySpec.is_valid)
