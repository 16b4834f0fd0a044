"""The field table: everything that BeatSync knows about each field of a task, in one place.

Checks, normal form, digests, columns, output and the published JSON Schema derive from this table or are tested against it. To add
a field, add an attribute to `TaskSpec` and a row here. Source of names and columns: django-celery-beat's `PeriodicTask`; no
column of it changed from 2.5 to 2.9 (docs/facts.md, 25).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from beatsync.values import TaskSpec


class ColumnType(Enum):
    """What a database column holds, as far as the dialects differ."""

    INTEGER = "integer"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DECIMAL = "decimal"
    """Degrees, with six decimal places."""
    FLOAT = "float"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: an attribute of `TaskSpec`, a key in a spec file and a column of `PeriodicTask`, all of this name."""

    name: str
    column_type: ColumnType
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


FIELD_TABLE: Final = (
    Field("name", ColumnType.TEXT),
    Field("task", ColumnType.TEXT),
    Field("args", ColumnType.TEXT, is_json=True),
    Field("kwargs", ColumnType.TEXT, is_json=True),
    Field("headers", ColumnType.TEXT, is_json=True),
    Field("queue", ColumnType.TEXT, empty_is_null=True),
    Field("exchange", ColumnType.TEXT, empty_is_null=True),
    Field("routing_key", ColumnType.TEXT, empty_is_null=True),
    Field("priority", ColumnType.INTEGER),
    Field("expires", ColumnType.DATETIME, rearms=True),
    Field("expire_seconds", ColumnType.INTEGER),
    Field("one_off", ColumnType.BOOLEAN, rearms=True),
    Field("start_time", ColumnType.DATETIME, restarts=True, rearms=True),
    Field("enabled", ColumnType.BOOLEAN, restarts=True),
    Field("description", ColumnType.TEXT),
)
"""The fields of a task apart from its schedule, in the order of `TaskSpec`."""

BY_NAME: Final[Mapping[str, Field]] = MappingProxyType({field.name: field for field in FIELD_TABLE})
