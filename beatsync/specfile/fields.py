"""The field table: everything that BeatSync knows about each field of a task.

Checks, normal form, digests, columns, output and the published JSON Schema derive from this table or are tested against it. To add
a field, add an attribute to `TaskSpec` and a row here. Source of names and columns: django-celery-beat's `PeriodicTask`; no
column of it changed from 2.5 to 2.9 (docs/facts.md, 25).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from beatsync.specfile import interval, jsontext, texts, times
from beatsync.specfile.rules import Rule, rule
from beatsync.specfile.scalars import Ambiguous
from beatsync.values import TaskSpec

_TIME_EXAMPLE = "2027-01-05T03:00:00+01:00"
_LOCAL_TIME = "ISO 8601; without an offset it is read in the schedule's time zone."


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


def one_line(value: str, _zone: str) -> str:
    """Return a text for a column that cannot be NULL."""
    return texts.one_line(value)


def one_line_or_null(value: str, _zone: str) -> str | None:
    """Return a text for a column in which the model's `save()` writes NULL for an empty text."""
    return texts.one_line(value) or None


def storable(value: str, _zone: str) -> str:
    """Return a text of any length and number of lines."""
    return texts.storable(value)


def canonical(value: Any, _zone: str) -> str:
    """Return a list, or a mapping, as canonical JSON text."""
    return jsontext.canonical(value)


def integer(value: float, _zone: str) -> int:
    """Return a whole number; a spec file may write it as 5.0."""
    return int(value)


def seconds(value: str | float, _zone: str) -> int:
    """Return a number of seconds, or a duration such as `30m` in seconds."""
    return interval.seconds_from_text(value) if isinstance(value, str) else int(value)


def boolean(value: Any, _zone: str) -> bool:
    """Return a boolean; `yes`, `no`, `on` and `off` are taken here, and only here."""
    return bool(value.truth if isinstance(value, Ambiguous) else value)


def utc_time(value: str, zone: str) -> datetime:
    """Return a time in UTC."""
    return times.from_text(value, zone)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: an attribute of `TaskSpec`, a key in a spec file and a column of `PeriodicTask`, all of this name."""

    name: str
    column_type: ColumnType
    rule: Rule
    """What a spec file may write, and the documentation. The rule of `name` is that of a schedule's key."""
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


def _rule(types: str, title: str, description: str, example: Any, **limits: Any) -> Rule:
    return rule(types + " null", title, description, example, **limits)


def _text(name: str, title: str, description: str, example: str) -> Field:
    text_rule = _rule("string", title, description, example, max_length=200, default=None)
    return Field(name, ColumnType.TEXT, text_rule, one_line_or_null, empty_is_null=True)


def _json(name: str, title: str, description: str, example: Any, reserved: frozenset[str] = frozenset()) -> Field:
    default: Any = [] if isinstance(example, list) else {}
    json_rule = _rule(
        "array" if isinstance(example, list) else "object",
        title,
        description,
        example,
        default=default,
        reserved=reserved,
    )
    return Field(name, ColumnType.TEXT, json_rule, canonical, is_json=True)


# fmt: off
FIELD_TABLE: Final = (
    Field("name", ColumnType.TEXT, rule(
        "string", "Name", "Name of the schedule, which is PeriodicTask.name.",
        min_length=1, max_length=200, pattern=re.compile(r"^(?!celery\.)\S(.*\S)?$(?!\n)"),
    )),
    Field("task", ColumnType.TEXT, rule(
        "string", "Task", "Name of the celery task, as it is registered.", "billing.tasks.generate_invoices",
        min_length=1, max_length=200, pattern=re.compile(r"^\S+$(?!\n)"),
    )),
    _json("args", "Positional arguments", "A list, passed to the task as JSON.", [1, "two"]),
    _json("kwargs", "Keyword arguments", "A mapping, passed to the task as JSON. Replaces that of `defaults` as a whole.", {"dry_run": False}),
    _json(
        "headers", "Headers",
        "A mapping, sent as headers of the message. Replaces that of `defaults` as a whole. `periodic_task_name` is beat's own.",
        {"tenant": "acme"}, reserved=frozenset({"periodic_task_name"}),
    ),
    _text("queue", "Queue", "Queue that the message is sent to; if left out, the task's own routing applies.", "billing"),
    _text("exchange", "Exchange", "AMQP exchange.", "tasks"),
    _text("routing_key", "Routing key", "AMQP routing key.", "billing.invoices"),
    Field("priority", ColumnType.INTEGER, _rule(
        "integer", "Priority", "Priority of the message, 0 to 255.", 5, minimum=0, maximum=255, default=None,
    ), integer),
    Field("expires", ColumnType.DATETIME, _rule(
        "string", "Expires",
        f"From this time on nothing is sent; django-celery-beat 2.8 and later disables the row then. {_LOCAL_TIME}",
        _TIME_EXAMPLE, default=None,
    ), utc_time, rearms=True),
    Field("expire_seconds", ColumnType.INTEGER, _rule(
        "integer string", "Expires after", "A message that has waited longer is not run: whole seconds, or a duration such as 30m.",
        "30m", minimum=1, maximum=interval.MAX_EVERY, default=None,
    ), seconds),
    Field("one_off", ColumnType.BOOLEAN, _rule(
        "boolean", "One-off", "Runs once, then beat disables the row.", example=True, default=False,
    ), boolean, rearms=True),
    Field("start_time", ColumnType.DATETIME, _rule(
        "string", "Start time", f"Does not run before this time. {_LOCAL_TIME}", _TIME_EXAMPLE, default=None,
    ), utc_time, restarts=True, rearms=True),
    # A spec that leaves `enabled` out has no default: the row is created enabled and then belongs to its operators.
    Field("enabled", ColumnType.BOOLEAN, _rule(
        "boolean", "Enabled", "Written out, it is enforced. Left out, a row is created enabled and then belongs to its operators.",
        example=False,
    ), boolean, restarts=True),
    Field("description", ColumnType.TEXT, _rule(
        "string", "Description", "For people; shown in the Django admin.", "Sends last night's invoices.", default="",
    ), storable),
)
# fmt: on
"""The fields of a task apart from its schedule, in the order of `TaskSpec`."""

BY_NAME: Final[Mapping[str, Field]] = MappingProxyType({field.name: field for field in FIELD_TABLE})
