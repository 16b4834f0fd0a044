"""The windows and calendars that a document can use: its own, and those that files of the source share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from beatsync.specfile import cronfield
from beatsync.specfile.every.calendars import Calendar, CalendarFiles, from_mapping
from beatsync.specfile.every.clauses import DAY, NEVER, OTHERWISE, Clause, Window, frequency, never_fires
from beatsync.specfile.every.gaps import gaps
from beatsync.specfile.every.inputs import Inputs
from beatsync.specfile.every.rows import compile_rows
from beatsync.specfile.problems import SpecError, raise_all, suggestion
from beatsync.values import Crontab, Location, SharedDefinition

MAX_ROWS = 100
_MINUTES = 60
_DATE_KEYS = ("except", "only", "add")
_TIME_HINT = 'write hours and minutes in quotes, as in "08:30"'


class CompiledRow(NamedTuple):
    """One row of a schedule with `every`: its crontab, and the clauses that it carries out."""

    crontab: Crontab
    clauses: str


class UnusableError(Exception):
    """A window or calendar that has an error, which is reported where it is defined."""


@dataclass(slots=True)
class Definitions:
    """Windows and calendars by name; None for one that has an error. A document's own one replaces a shared one."""

    year: int
    windows: dict[str, Window | None] = field(default_factory=dict)
    calendars: dict[str, Calendar | None] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Location] = field(default_factory=dict)
    """Where shared ones are defined, by kind and name."""
    dated: set[str] = field(default_factory=set)
    """Windows that use a calendar."""
    _rows: dict[tuple[object, ...], tuple[CompiledRow, ...]] = field(default_factory=dict)
    """What was compiled: many schedules of a document have the same `every`."""

    def add_calendar(self, name: str, raw: Mapping[str, Any], files: CalendarFiles) -> None:
        """Add a calendar. Raises SpecError; the name then stands for an unusable one."""
        self.calendars[name] = None
        self.calendars[name] = from_mapping(raw, self.year, files)

    def add_window(self, name: str, raw: Mapping[str, Any]) -> None:
        """Add a window. Raises SpecError or UnusableError; the name then stands for an unusable one."""
        self.windows[name] = None
        values, errors, unusable = dict[str, Any](), [], None
        for key, read in {"from": _from, "to": _to, "days": _days, **dict.fromkeys(_DATE_KEYS, self._dates)}.items():
            try:
                values[key] = read(raw, key)
            except SpecError as error:
                errors.append(error)
            except UnusableError as error:
                unusable = error
        raise_all(errors)
        if unusable is not None:
            raise unusable
        if values["from"] == values["to"]:
            raise SpecError(
                "window-empty", "the window ends when it begins", "leave both out for the whole day", field="to"
            )
        nothing = frozenset[date]()
        self.windows[name] = Window(
            values["days"],
            values["from"],
            values["to"],
            values["except"] or nothing,
            values["only"],
            values["add"] or nothing,
        )
        self.dated.discard(name)
        if not raw.keys().isdisjoint(_DATE_KEYS):
            self.dated.add(name)

    def _dates(self, raw: Mapping[str, Any], key: str) -> frozenset[date] | None:
        if key not in raw:
            return None
        dates, errors = set[date](), []
        for name in [raw[key]] if isinstance(raw[key], str) else raw[key]:
            try:
                dates |= self._calendar(name, key).dates
            except SpecError as error:
                errors.append(error)
        raise_all(errors)
        return frozenset(dates)

    def _calendar(self, name: str, key: str) -> Calendar:
        if name not in self.calendars:
            hint = suggestion(
                name, self.calendars, "define it under `calendars`, or under `shared` for the whole source"
            )
            raise SpecError("calendar-unknown", f"there is no calendar {name!r}", hint, field=key)
        calendar: Calendar = self._usable(self.calendars, "calendar", name, key)
        return calendar

    def _usable(self, kind: Mapping[str, Any], what: str, name: str, key: str) -> Any:
        definition = kind[name]
        if definition is None:
            place = self.places.get((what, name))
            if place is None:
                raise UnusableError
            message = f"the {what} {name!r} has an error, at {place}"
            raise SpecError("definition-invalid", message, "correct it there", field=key, on_key=key == name)
        return definition

    def compile(self, every: Mapping[str, str], zone: str) -> tuple[CompiledRow, ...]:
        """Return the rows of an `every` that its rule allows. Raises SpecError, with all further errors, and UnusableError."""
        key = (zone, *every.items())
        if key not in self._rows:
            self._rows[key] = self._compile(every, zone)
        return self._rows[key]

    def _compile(self, every: Mapping[str, str], zone: str) -> tuple[CompiledRow, ...]:
        clauses, errors = [], []
        for name, text in every.items():
            try:
                window = None if name == OTHERWISE else self._window(name)
                clauses.append(Clause(name, _frequency(name, text), window))
            except SpecError as error:
                errors.append(error)
        raise_all(errors)
        # Its position in the file does not matter.
        clauses.sort(key=lambda clause: clause.window is None)
        return _compiled(tuple(clauses), self.year, zone)

    def _window(self, name: str) -> Window:
        if name not in self.windows:
            message = f"there is no window {name!r}"
            hint = suggestion(
                name, [*self.windows, OTHERWISE], "define it under `windows`, or under `shared` for the whole source"
            )
            raise SpecError("window-unknown", message, hint, field=name, on_key=True)
        window: Window = self._usable(self.windows, "window", name, name)
        return window


@lru_cache(maxsize=4096)
def _compiled(clauses: tuple[Clause, ...], year: int, zone: str) -> tuple[CompiledRow, ...]:
    if not any(clause.period for clause in clauses):
        raise SpecError(
            "every-never", "it never fires: no clause has a frequency", "remove it, or set `enabled: false`"
        )
    errors = [
        SpecError(
            "every-never",
            f"`{clause.name}` never fires: no run falls into its window, or the windows before it take its time",
            f"order the clauses from narrow to wide, or write {clause.name}: {NEVER}",
            field=clause.name,
        )
        for clause in never_fires(clauses)
    ]
    raise_all(errors)
    rows = compile_rows(clauses, year, gaps(zone, year))
    if not rows:
        message = f"no date of its calendars lies in {year} or {year + 1}, so it would never fire"
        raise SpecError("every-never", message, "add dates to the calendars, or remove the schedule")
    if len(rows) > MAX_ROWS:
        message = f"it needs {len(rows)} crontab rows, and a schedule may have {MAX_ROWS}"
        raise SpecError("every-rows", message, "let windows begin and end at full hours, or use fewer clauses or dates")
    return tuple(CompiledRow(Crontab._make([*row.fields, zone]), row.clauses) for row in rows)


def _frequency(name: str, text: str) -> int:
    try:
        return frequency(text)
    except SpecError as error:
        raise error.at(name) from None


def _days(raw: Mapping[str, Any], key: str) -> frozenset[int]:
    value = raw.get(key, "*")
    texts = value if isinstance(value, list) else [value]
    try:
        return cronfield.members("day_of_week", ",".join(map(str, texts)))
    except SpecError as error:
        raise error.at(key) from None


def _from(raw: Mapping[str, Any], key: str) -> int:
    return _clock(raw, key, 0)


def _to(raw: Mapping[str, Any], key: str) -> int:
    return _clock(raw, key, DAY)


def _clock(raw: Mapping[str, Any], key: str, default: int) -> int:
    """Return the minutes since midnight of `from` or `to`."""
    if key not in raw:
        return default
    text = raw[key]
    hours, colon, minutes = text.partition(":")
    if not colon or not (hours + minutes).isdecimal() or not (hours + minutes).isascii() or len(text) != len("08:30"):
        raise SpecError("window-time", f"{text!r} is not a time of day", _TIME_HINT, field=key)
    value = _MINUTES * int(hours) + int(minutes)
    if int(minutes) >= _MINUTES or value > DAY or (value == DAY and key == "from"):
        message = f"{text!r} is not a time of day from 00:00 to {'24:00' if key == 'to' else '23:59'}"
        raise SpecError("window-time", message, _TIME_HINT, field=key)
    return value


@lru_cache(maxsize=4)
def _of_source(inputs: Inputs) -> Definitions:
    """Return what the files of a source share. Errors are reported where a file is parsed that defines one."""
    places = {(each.kind, each.name): Location(each.path, each.line, each.column) for each in reversed(inputs.shared)}
    definitions = Definitions(inputs.year, places=places)
    files = inputs.calendar_files()
    for each in _first_of_each_name(inputs.shared, "calendar"):
        definitions.calendars[each.name] = None
        if each.text is not None:
            with suppress(SpecError):
                definitions.add_calendar(each.name, json.loads(each.text), CalendarFiles(files, each.folder))
    for each in _first_of_each_name(inputs.shared, "window"):
        definitions.windows[each.name] = None
        if each.text is not None:
            with suppress(SpecError, UnusableError):
                definitions.add_window(each.name, json.loads(each.text))
    return definitions


def shared_definitions(inputs: Inputs) -> Definitions:
    """Return a copy of what the files of a source share, to which a document adds its own."""
    source = _of_source(inputs)
    return Definitions(source.year, dict(source.windows), dict(source.calendars), source.places, set(source.dated))


def _first_of_each_name(shared: Iterable[SharedDefinition], kind: str) -> Iterable[SharedDefinition]:
    return {each.name: each for each in reversed(list(shared)) if each.kind == kind}.values()
