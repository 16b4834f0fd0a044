"""An inventory entry → the schedule that it was written for: a set of an application has no file to read it from again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from beatsync.plan.inventory import applied_fields
from beatsync.plan.observed import Owned
from beatsync.specfile import crontab, interval
from beatsync.specfile.fields import FIELD_TABLE, ColumnType
from beatsync.specfile.problems import SpecError
from beatsync.values import Clocked, Declared, FieldValue, Location, Schedule, Solar, TaskSpec


def declared_of(entry: Owned) -> Declared | None:
    """Return the schedule whose values an entry records; None if the entry is damaged."""
    fields = applied_fields(entry.applied)
    if fields is None or entry.damage:
        return None
    is_declared = fields["enabled"] is not None
    try:
        spec = _spec({**fields, "enabled": fields["enabled"] is not False})
    except (SpecError, ValueError, TypeError, InvalidOperation):
        return None
    return Declared(spec, Location(entry.path), entry.policy, is_declared, entry.group)


def _spec(fields: Mapping[str, FieldValue]) -> TaskSpec:
    """Return the task whose `TaskSpec.fields()` these are."""
    values: dict[str, Any] = {field.name: fields[field.name] for field in FIELD_TABLE}
    for field in FIELD_TABLE:
        if field.column_type is ColumnType.DATETIME and values[field.name] is not None:
            values[field.name] = datetime.fromisoformat(values[field.name])
    return TaskSpec(
        schedule=_schedule({name: str(text) for name, text in fields.items() if text is not None}), **values
    )


def _schedule(texts: Mapping[str, str]) -> Schedule:
    """Return the schedule that `schedule_fields` wrote. Raises ValueError if there is none."""
    if "interval" in texts:
        return interval.from_text(texts["interval"])
    if "crontab" in texts:
        return crontab.from_expression(texts["crontab"], texts["timezone"])
    if "clocked" in texts:
        return Clocked(datetime.fromisoformat(texts["clocked"]))
    event, _, place = texts.get("solar", "").partition(" at ")
    latitude, _, longitude = place.partition(", ")
    return Solar(event, Decimal(latitude), Decimal(longitude))
