"""The field table: everything that BeatSync knows about each field of a task.

Checks, normal form, digests, columns and output derive from this table. The published JSON Schema, which holds the documentation,
is tested against it. To add a field, add an attribute to `TaskSpec`, a row here and a key to the schema. Source of names and
columns: django-celery-beat's `PeriodicTask`; no column of it changed from 2.5 to 2.9 (docs/facts.md, 25).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from beatsync.specfile import interval, jsontext, times
from beatsync.specfile.invisible import is_invisible
from beatsync.specfile.problems import SpecError
from beatsync.specfile.rules import Rule, rule
from beatsync.specfile.scalars import Ambiguous
from beatsync.specfile.templates import is_template, unrendered
from beatsync.values import TaskSpec

_TIME_EXAMPLE = "2027-01-05T03:00:00+01:00"
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})


class ColumnType(Enum):
    """The type of a database column, as far as the dialects differ."""

    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DECIMAL = "decimal"
    """Degrees, with six decimal places."""
    FLOAT = "float"


Convert = Callable[[Any, str], Any]
"""A value that its rule allows, and the zone of local times → the value in `TaskSpec`. Raises SpecError."""


def one_line(value: str, _zone: str = "") -> str:
    """Return a text that fits into the header of a message: one line, no control and no invisible characters.

    Raises SpecError: `text-character`, `text-invisible`, `template-unrendered`.
    """
    if is_template(value):
        raise unrendered(value)
    if value.isascii() and value.isprintable() and value == value.strip():
        return value
    for index, character in enumerate(value):
        if unicodedata.category(character) in _CONTROL:
            raise SpecError("text-character", f"the character U+{ord(character):04X} is not allowed here")
        if is_invisible(value, index):
            message = f"the invisible character {_described(character)} is at position {index + 1}"
            raise SpecError("text-invisible", message, "remove it; it may have been copied from a web page")
    for character, where in ((value[:1], "begins"), (value[-1:], "ends")):
        if character.isspace():
            message = f"the text {where} with the white space {_described(character)}"
            raise SpecError("text-invisible", message, "remove it")
    return value


def _described(character: str) -> str:
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'unnamed')})"


def storable(value: str, _zone: str) -> str:
    """Return a text of any length and number of lines that every database can store."""
    if not value.isascii() or "\0" in value:
        for character in value:
            if character == "\0" or unicodedata.category(character) == "Cs":
                message = f"the character U+{ord(character):04X} cannot be stored in every database"
                raise SpecError("text-character", message)
    return value


def seconds(value: str | float, _zone: str) -> int:
    """Return a number of seconds, or a duration such as `30m` in seconds."""
    return interval.seconds_from_text(value) if isinstance(value, str) else int(value)


def expiry(value: str, zone: str) -> datetime:
    """Return the time at which a schedule expires. Raises SpecError, which proposes `expire_seconds` for a duration."""
    try:
        return times.from_text(value, zone)
    except SpecError as error:
        amount = value.strip()
        if error.code == "time-syntax" and (amount.isdecimal() or interval.is_duration(amount)):
            error.hint = f"for a duration, use the key expire_seconds: {amount}"
        raise


def boolean(value: Any, _zone: str) -> bool:
    """Return a boolean; `yes`, `no`, `on` and `off` are accepted only here."""
    return bool(value.truth if isinstance(value, Ambiguous) else value)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: an attribute of `TaskSpec`, a key in a spec file and a column of `PeriodicTask`, all of this name."""

    name: str
    column_type: ColumnType
    rule: Rule
    """What a spec file may write. The rule of `name` is that of a schedule's key."""
    convert: Convert = one_line
    empty_is_null: bool = False
    """Whether the model's `save()` writes an empty text as NULL."""
    is_json: bool = False
    """Whether the column holds JSON text. Secrets in it are masked by key wherever it is shown."""
    restarts: bool = False
    """Whether a change moves `date_changed`, from which beat counts a row that never ran (docs/facts.md, 4)."""
    rearms: bool = False
    """Whether a change in the file enables a completed row again."""

    @property
    def default(self) -> object:
        """Return the value of a field that a spec leaves out; it equals the model's default. `name` and `task` have none."""
        return TaskSpec._field_defaults.get(self.name)


def _text(name: str, example: str) -> Field:
    text_rule = rule("string null", example, max_length=200)
    # In these columns the model's `save()` writes NULL for an empty text.
    return Field(name, ColumnType.TEXT, text_rule, lambda value, _zone: one_line(value) or None, empty_is_null=True)


def _json(name: str, types: str, example: Any, **limits: Any) -> Field:
    json_rule = rule(types, example, **limits)
    return Field(name, ColumnType.TEXT, json_rule, lambda value, _zone: jsontext.canonical(value), is_json=True)


def _boolean(name: str, *, example: bool, **columns: bool) -> Field:
    return Field(name, ColumnType.BOOLEAN, rule("boolean null", example), boolean, **columns)


def _time(name: str, convert: Convert = times.from_text, **columns: bool) -> Field:
    return Field(name, ColumnType.DATETIME, rule("string null", _TIME_EXAMPLE), convert, **columns)


_NAME = rule("string", min_length=1, max_length=200, pattern=re.compile(r"^(?!celery\.)\S(.*\S)?$(?!\n)"))
_TASK = rule(
    "string", "billing.tasks.generate_invoices", min_length=1, max_length=200, pattern=re.compile(r"^\S+$(?!\n)")
)
_PRIORITY = rule("integer null", 5, minimum=0, maximum=255)
_EXPIRE_SECONDS = rule("integer string null", "30m", minimum=1, maximum=interval.MAX_EVERY)
FIELD_TABLE: Final = (
    Field("name", ColumnType.TEXT, _NAME),
    Field("task", ColumnType.TEXT, _TASK),
    _json("args", "array null", [1, "two"]),
    _json("kwargs", "object null", {"dry_run": False}),
    _json("headers", "object null", {"tenant": "acme"}, reserved=frozenset({"periodic_task_name"})),
    _text("queue", "billing"),
    _text("exchange", "tasks"),
    _text("routing_key", "billing.invoices"),
    Field("priority", ColumnType.INTEGER, _PRIORITY, lambda value, _zone: int(value)),
    _time("expires", expiry, rearms=True),
    Field("expire_seconds", ColumnType.INTEGER, _EXPIRE_SECONDS, seconds),
    _boolean("one_off", example=True, rearms=True),
    _time("start_time", restarts=True, rearms=True),
    # A spec that leaves `enabled` out has no default: the row is created enabled and then belongs to its operators.
    _boolean("enabled", example=False, restarts=True),
    Field("description", ColumnType.TEXT, rule("string null", "Sends last night's invoices."), storable),
)
"""The fields of a task apart from its schedule, in the order of `TaskSpec`."""

JSON_FIELDS: Final = tuple(field.name for field in FIELD_TABLE if field.is_json)
"""The fields that hold JSON: `args`, `kwargs` and `headers`."""
BY_NAME: Final[Mapping[str, Field]] = MappingProxyType({field.name: field for field in FIELD_TABLE})
