"""Accepts drift: the values of a row are written into the file that declares its schedule, where it says something else.

The edited file is parsed again: the schedule must have the row's values then, and the others must be unchanged.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping
from typing import Any

from beatsync.specfile.edits import normal_line_ends, with_line_ends
from beatsync.specfile.every.inputs import Inputs
from beatsync.specfile.fields import BY_NAME
from beatsync.specfile.mappings import Document, EditError, Keys
from beatsync.specfile.nodes import documents
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.specfile.rules import KINDS
from beatsync.specfile.write import field_value, schedule_text
from beatsync.values import PLAIN_FIELDS, SCHEDULE_FIELDS, Crontab, Declared, Severity, SourceFile, TaskSpec

__all__ = ["EditError", "Parsing", "accept"]

Parsing = tuple[ParseOptions, Inputs | None]


def accept(file: SourceFile, name: str, row: TaskSpec, fields: Collection[str], parsing: Parsing) -> SourceFile:
    """Return the file with the values of `row` in these fields (of `FIELDS`) of the schedule `name`.

    `parsing` holds the options and the inputs of `parse_file`. A value is written where the file has it: at the environment of the options, or at the schedule, which also overrides `defaults`.
    Raises EditError, with the reason, if that is impossible.
    """
    before = parse_file(file, *parsing)
    declared = _declared(before, name)
    wanted = declared.spec._replace(**{field: getattr(row, field) for field in PLAIN_FIELDS if field in fields})
    if not set(SCHEDULE_FIELDS).isdisjoint(fields):
        wanted = wanted._replace(schedule=row.schedule)
    editor = _Editor(file, name, parsing)
    editor.accept_schedule(wanted)
    # What is removed first cannot exclude what is added: `expires` and `expire_seconds`.
    for field in sorted(PLAIN_FIELDS, key=lambda field: getattr(wanted, field) is not None):
        editor.accept_field(field, wanted)
    result = editor.file
    after = parse_file(result, *parsing)
    _check(before, after, name, wanted)
    return result


def _declared(parsed: ParsedFile, name: str) -> Declared:
    declared = next((each for each in parsed.schedules if each.spec.name == name), None)
    if declared is None or any(each.severity is Severity.ERROR for each in parsed.diagnostics):
        raise EditError("the file is invalid, or does not declare it in this environment")
    if declared.group is not None:
        raise EditError("it has `every`, and so several rows")
    return declared


def _check(before: ParsedFile, after: ParsedFile, name: str, wanted: TaskSpec) -> None:
    """Raise EditError unless exactly one schedule changed, to what was wanted."""
    if any(each.severity is Severity.ERROR for each in after.diagnostics):
        raise EditError("a file cannot say this")
    previous, present = before.values(), after.values()
    if present.pop(name, None) != (wanted, previous.pop(name)[1]):
        raise EditError("the file cannot be edited so that it declares the values of the row")
    if present != previous:
        raise EditError("other schedules share the value")


class _Editor:
    """Edits one schedule of a file."""

    def __init__(self, file: SourceFile, name: str, parsing: Parsing) -> None:
        self._original, self._name, self._parsing, self._options = file, name, parsing, parsing[0]
        self._mark = BOM_UTF8 if file.data.startswith(BOM_UTF8) else b""
        text, self._line_end = normal_line_ends(file.data.removeprefix(self._mark).decode())
        self._has_end = text.endswith("\n")
        text = text if self._has_end else f"{text}\n"
        numbers = [number for number, root in enumerate(documents(text)) if _names(root, name)]
        if len(numbers) != 1:
            raise EditError("its name is not written in the file: it comes from an alias")
        self._document = Document(text, numbers[0])

    @property
    def file(self) -> SourceFile:
        """Return the file as it is edited so far."""
        text = self._document.text if self._has_end else self._document.text.removesuffix("\n")
        return SourceFile(self._original.path, self._mark + with_line_ends(text, self._line_end).encode())

    def _spec(self) -> TaskSpec:
        return _declared(parse_file(self.file, *self._parsing), self._name).spec

    def _layers(self) -> list[Keys]:
        """Return the paths of the schedule's own mappings, that of the environment first."""
        path: Keys = ("schedules", self._name)
        environment = self._options.environment
        if environment is None or self._document.find((*path, "environments", environment)) is None:
            return [path]
        return [(*path, "environments", environment), path]

    def _path(self, key: str) -> Keys:
        """Return where a key is or will be written: where it is now, or at the schedule; in its environment if only that has a default."""
        layers = self._layers()
        present = next(((*layer, key) for layer in layers if self._document.find((*layer, key))), None)
        if present is not None:
            return present
        environment = self._options.environment
        if environment is not None and self._has_default(environment, key):
            return (*layers[-1], "environments", environment, key)
        return (*layers[-1], key)

    def _has_default(self, environment: str, key: str) -> bool:
        """Return whether `defaults` has a value for this environment, which no other environment shares."""
        try:
            return self._document.find(("defaults", "environments", environment, key)) is not None
        except EditError:
            return False

    def _set(self, path: Keys, value: Any, before: Any = None) -> None:
        """Write a value at a path, whose mappings are added if they are missing. Raises EditError."""
        while self._document.find(path[:-1]) is None:
            path, value, before = path[:-1], {path[-1]: value}, None
        self._document.set(path, value, before)

    def accept_schedule(self, wanted: TaskSpec) -> None:
        """Write the schedule of a spec if the file has another one."""
        schedule = wanted.schedule
        if schedule is None:
            raise EditError("the row has no schedule that can be read")
        if self._spec().schedule == schedule:
            return
        zone = schedule.timezone if isinstance(schedule, Crontab) else self._options.timezone
        value = schedule_text(schedule, zone)
        paths = [path for kind in KINDS if self._document.find(path := self._path(kind))]
        # The kind of the environment, where it has one.
        present = max(paths, key=len, default=None)
        if present is None or present[-1] == schedule.kind:
            self._set(present or self._path(schedule.kind), value)
        else:
            self._document.rename(present, schedule.kind, value)
        if isinstance(schedule, Crontab) and self._spec().schedule != schedule:
            self._set(self._path("timezone"), schedule.timezone)

    def accept_field(self, field: str, wanted: TaskSpec) -> None:
        """Write a field of a spec if the file has another value. A value that is the default is removed, if that is enough."""
        value, present = getattr(wanted, field), getattr(self._spec(), field)
        if value == present:
            return
        path, text = self._path(field), self._document.text
        default = BY_NAME[field].default
        if value == default and field != "enabled" and self._document.find(path) is not None:
            self._document.remove(path)
            if getattr(self._spec(), field) == value:
                return
            self._document.text = text
        zone = wanted.schedule.timezone if isinstance(wanted.schedule, Crontab) else self._options.timezone
        try:
            written = field_value(field, value, zone)
        except ValueError:
            raise EditError(f"its {field} are not JSON") from None
        self._set(path, written, _json(field, present))


def _names(root: Any, name: str) -> bool:
    section = root.get("schedules")
    return section is not None and section[1].get(name) is not None


def _json(field: str, text: Any) -> Mapping[str, Any] | None:
    """Return the present value of a field if it is a mapping, whose keys are edited one by one."""
    value = json.loads(text) if BY_NAME[field].is_json else None
    return value if isinstance(value, dict) else None
