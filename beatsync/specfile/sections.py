"""The sections `windows`, `calendars` and `shared` of a document → definitions, with the problem of each at its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from beatsync.specfile.checks import check_value
from beatsync.specfile.every.calendars import CalendarFiles
from beatsync.specfile.every.definitions import Definitions, UnusableError, shared_definitions
from beatsync.specfile.every.inputs import Inputs
from beatsync.specfile.keys import CALENDAR_RULE, WINDOW_RULE
from beatsync.specfile.problems import Mark, Path, Problem, SpecError
from beatsync.specfile.reader import Reading, read
from beatsync.values import CalendarEnd, SharedDefinition, SourceFile

_RULES = {"windows": WINDOW_RULE, "calendars": CALENDAR_RULE}
_KINDS = {"windows": "window", "calendars": "calendar"}
_NOWHERE = (1, 1)


class _Entry(NamedTuple):
    """One window or calendar of a document."""

    section: str
    """`windows` or `calendars`."""
    name: str
    raw: Any
    path: Path

    @property
    def is_valid(self) -> bool:
        """Return whether its structure is valid."""
        return not any(check_value(_RULES[self.section], self.path, self.raw))


def has_definitions(data: bytes) -> bool:
    """Return whether a file may define windows or calendars, so that the positions of their names are needed."""
    return b"windows" in data or b"calendars" in data


def is_definition(path: Path) -> bool:
    """Return whether the reader records a position: of names of windows and calendars, and what is above them."""
    return len(path) <= 1 or path[1] in _RULES or path[1] == "shared"


def shared_of(file: SourceFile, reading: Reading | None = None) -> tuple[SharedDefinition, ...]:
    """Return what a file shares with the whole source. It is read again unless its reading, with positions, is given."""
    if b"shared" not in file.data or not has_definitions(file.data):
        return ()
    reading = reading or read(file.data, is_definition)
    return tuple(
        SharedDefinition(
            _KINDS[entry.section],
            entry.name,
            file.path,
            *_mark(reading, entry.path),
            json.dumps(entry.raw, sort_keys=True) if entry.is_valid else None,
        )
        for number, document in enumerate(reading.documents)
        for entry in _entries(document, (number,), is_shared=True)
    )


class Sections:
    """The definitions that one document can use, and the problems and ends of those in the document itself."""

    def __init__(self, file: SourceFile, reading: Reading, inputs: Inputs) -> None:
        self.problems: list[Problem] = []
        self.ends: list[CalendarEnd] = []
        self._file = file
        self._reading = reading
        self._inputs = inputs
        self._files = CalendarFiles(inputs.calendar_files(), file.path.rpartition("/")[0])

    def definitions(self, document: Any, number: int) -> Definitions:
        """Return what a document can use, and check all that it defines."""
        definitions = shared_definitions(self._inputs)
        # A shared window uses shared calendars only.
        for entry in _entries(document, (number,), is_shared=True):
            self._add(shared_definitions(self._inputs), entry)
        for entry in _entries(document, (number,), is_shared=False):
            self._add(definitions, entry)
            # The place of a shared one of this name no longer counts.
            if (_KINDS[entry.section], entry.name) in definitions.places:
                places = dict(definitions.places)
                del places[_KINDS[entry.section], entry.name]
                definitions.places = places
        return definitions

    def _add(self, definitions: Definitions, entry: _Entry) -> None:
        if not entry.is_valid:
            getattr(definitions, entry.section)[entry.name] = None
            return
        try:
            if entry.section == "windows":
                definitions.add_window(entry.name, entry.raw)
            else:
                definitions.add_calendar(entry.name, entry.raw, self._files)
                self._record_end(definitions, entry)
        except SpecError as error:
            for each in (error, *error.others):
                path = (*entry.path, each.field) if each.field and each.field in entry.raw else entry.path
                self.problems.append(Problem(path, each.code, each.message, each.hint, on_key=path == entry.path))
        except UnusableError:
            return

    def _record_end(self, definitions: Definitions, entry: _Entry) -> None:
        calendar = definitions.calendars[entry.name]
        if calendar is not None and calendar.ends is not None:
            self.ends.append(CalendarEnd(entry.name, *_mark(self._reading, entry.path), calendar.ends))


def _entries(document: Any, path: Path, *, is_shared: bool) -> Iterator[_Entry]:
    """Yield the definitions of a document: calendars first, because windows use them."""
    if is_shared:
        document, path = document.get("shared") if isinstance(document, Mapping) else None, (*path, "shared")
    for section in ("calendars", "windows"):
        entries = document.get(section) if isinstance(document, Mapping) else None
        for name, raw in entries.items() if isinstance(entries, Mapping) else ():
            yield _Entry(section, name, raw, (*path, section, name))


def _mark(reading: Reading, path: Path) -> Mark:
    return reading.keys.get(path, _NOWHERE)
