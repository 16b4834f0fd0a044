"""A celery application's `beat_schedule`, which `add_periodic_task` adds to, → schedules to write.

Follows what django-celery-beat's `ModelEntry.from_entry` makes of an entry, where that is what the entry says (docs/facts.md, 49).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from beatsync.convert.remarks import Conversion, Remark
from beatsync.convert.rows import CLEANUP, WRITTEN_BY_BEAT
from beatsync.specfile import crontab, interval, jsontext, solar
from beatsync.specfile.fields import BY_NAME, JSON_FIELDS, ColumnType
from beatsync.specfile.interval import PERIODS
from beatsync.specfile.problems import SpecError
from beatsync.specfile.write import Entry
from beatsync.values import Clocked, Schedule, TaskSpec

_OPTIONS = ("queue", "exchange", "routing_key", "priority", "headers", "expire_seconds", "expires")
"""The options that have a column. django-celery-beat itself drops `expires`."""
_FIELDS = ("description", "enabled", "one_off", "start_time", "expires")
"""The keys of an entry, besides celery's own, that django-celery-beat writes to the column of the same name."""
_CELERY_KEYS = frozenset({"task", "schedule", "args", "kwargs", "options", "relative"})
_RELATIVE = "loses relative, which no row can have: its interval counts from its last run"
_NOWFUN = "loses the nowfun of its schedule, which no row can have: beat uses the clock of its machine"
_ENTITIES = frozenset({"queue", "exchange"})
"""Options that may be objects of kombu, which have a name."""


class _UnreadableError(ValueError):
    """An entry that no file can declare; the message is the reason."""


def convert_entries(beat_schedule: Mapping[Any, Any], app: Any, now: datetime) -> Conversion:
    """Return the entries of a finalized application as schedules."""
    conversion = Conversion()
    for name, content in beat_schedule.items():
        if name == CLEANUP:
            conversion.left_out.append(Remark(name, WRITTEN_BY_BEAT))
            continue
        reader = _Reader(str(name), app)
        try:
            entry = reader.entry(content)
        except _UnreadableError as error:
            conversion.refused.append(Remark(str(name), str(error)))
            continue
        schedule = entry.spec.schedule
        if isinstance(schedule, Clocked) and schedule.clocked_time <= now:
            conversion.left_out.append(
                Remark(entry.spec.name, f"its time {schedule.clocked_time.isoformat()} has passed")
            )
        elif conversion.add(entry):
            conversion.notes += [Remark(entry.spec.name, note) for note in reader.notes]
    conversion.sort()
    return conversion


@dataclass(slots=True)
class _Reader:
    """Reads one entry, and notes what of it is dropped. Raises _UnreadableError."""

    name: str
    app: Any
    notes: list[str] = field(default_factory=list)

    def entry(self, content: Any) -> Entry:
        if not isinstance(content, Mapping) or content.get("task") is None or "schedule" not in content:
            raise _UnreadableError("it is not a dict with a task and a schedule")
        values: dict[str, Any] = {"schedule": self._schedule(content["schedule"])}
        values |= {key: _json(key, content.get(key)) for key in ("args", "kwargs")}
        values |= {key: content[key] for key in _FIELDS if content.get(key) is not None}
        values |= self._options(content.get("options") or {})
        if isinstance(values["schedule"], Clocked):
            values["one_off"] = True
        for key in {"start_time", "expires"} & values.keys():
            values[key] = self._time(key, values[key])
        if values.keys() >= {"expires", "expire_seconds"}:
            raise _UnreadableError("it has both expires and expire_seconds, and a row can have only one of them")
        self._note_dropped_keys(content)
        enabled = bool(values.pop("enabled", True))
        spec = TaskSpec(self.name, str(content["task"]), enabled=enabled, **values)
        return Entry(spec, enabled=None if enabled else False)

    def _note_dropped_keys(self, content: Mapping[str, Any]) -> None:
        if content.get("relative"):
            self.notes.append(_RELATIVE)
        for key in sorted(content.keys() - _CELERY_KEYS - set(_FIELDS)):
            if key in BY_NAME:
                self.notes.append(f"loses its key {key}, which django-celery-beat reads from its options only")
            else:
                self.notes.append(f"loses its key {key}, for which there is no column")

    def _schedule(self, value: Any) -> Schedule:
        from celery.schedules import maybe_schedule

        try:
            schedule = maybe_schedule(value, app=self.app)
        except (AttributeError, OverflowError) as error:
            raise _UnreadableError(f"its schedule {value!r} is none") from error
        convert = next((convert for cls, convert in _schedule_classes() if type(schedule) is cls), None)
        if convert is None:
            cls = type(schedule)
            raise _UnreadableError(
                f"its schedule is of the class {cls.__module__}.{cls.__qualname__}, which no row can hold"
            )
        if getattr(schedule, "relative", False):
            self.notes.append(_RELATIVE)
        if getattr(schedule, "nowfun", None) is not None:
            self.notes.append(_NOWFUN)
        try:
            converted: Schedule = convert(schedule)
        except (SpecError, InvalidOperation) as error:
            raise _UnreadableError(str(error)) from error
        return converted

    def _options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that have a column."""
        present = {key: value for key, value in options.items() if value is not None}
        for key in sorted(present.keys() - set(_OPTIONS)):
            self.notes.append(f"loses the option {key}, for which there is no column; django-celery-beat drops it too")
        values: dict[str, Any] = {}
        for key in _OPTIONS:
            value = present.get(key)
            if value is None:
                continue
            if key in JSON_FIELDS:
                values[key] = _json(key, value)
            elif key == "expires":
                values |= self._expires(value)
            else:
                values[key] = self._scalar(key, value)
        return values

    def _scalar(self, key: str, value: Any) -> Any:
        if key in _ENTITIES and hasattr(value, "name"):
            value = value.name
        if BY_NAME[key].column_type is not ColumnType.INTEGER:
            return str(value) or None
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if not isinstance(value, (int, float)) or value != int(value):
            raise _UnreadableError(f"its option {key} is {value!r}, which is no whole number")
        return int(value)

    def _expires(self, value: Any) -> dict[str, Any]:
        """Return the option `expires`: a time is one for the row, and a number of seconds is one for each message."""
        if isinstance(value, (datetime, str)):
            return {"expires": value}
        return {"expire_seconds": self._scalar("expire_seconds", value)}

    def _time(self, key: str, value: Any) -> datetime:
        """Return a time in UTC; one without a zone is in that of the application."""
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError as error:
                raise _UnreadableError(f"its {key} {value!r} is not an ISO 8601 time") from error
        if not isinstance(value, datetime):
            raise _UnreadableError(f"its {key} is {value!r}, which is no time")
        if value.tzinfo is None:
            self.notes.append(
                f"has no zone in its {key}; it is read in {self.app.timezone}, the zone of the application"
            )
            value = value.replace(tzinfo=self.app.timezone)
        utc: datetime = value.astimezone(timezone.utc)
        return utc


def _schedule_classes() -> Iterator[tuple[type, Any]]:
    """Yield each class of schedules that a row can hold, and its conversion. Subclasses may decide for themselves when they are due."""
    from celery import schedules

    yield schedules.crontab, _crontab
    yield schedules.schedule, _interval
    yield schedules.solar, lambda value: solar.observed(value.event, Decimal(str(value.lat)), Decimal(str(value.lon)))
    # Without django-celery-beat there is no clocked schedule, and it is not imported here, because it imports Django.
    module = sys.modules.get("django_celery_beat.clockedschedule")
    if module is not None:
        yield module.clocked, lambda value: Clocked(value.clocked_time.astimezone(timezone.utc))


def _crontab(value: Any) -> Schedule:
    """Return a crontab by the numbers that celery itself read from it, in whichever form they were written."""
    numbers = (sorted(getattr(value, name)) for name in crontab.FIELD_NAMES)
    return crontab.from_fields([",".join(map(str, field)) for field in numbers], str(value.tz))


def _interval(value: Any) -> Schedule:
    return interval.observed(value.run_every // timedelta(microseconds=1), next(reversed(PERIODS)))


def _json(key: str, value: Any) -> str:
    """Return `args`, `kwargs` or `headers` as JSON text, as django-celery-beat writes them."""
    from kombu.utils.json import dumps

    default = str(BY_NAME[key].default)
    if not value:
        return default
    try:
        return jsontext.normalise(dumps(value), default)  # type: ignore[no-untyped-call]
    except (TypeError, ValueError) as error:
        raise _UnreadableError(f"its {key} cannot be stored as JSON: {error}") from error
