"""Schedules → the text of a `beat_schedule` in Python, of which django-celery-beat makes the same rows (docs/facts.md, 49)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, Final

from beatsync.convert.remarks import Conversion, Remark
from beatsync.specfile.crontab import FIELD_NAMES
from beatsync.specfile.fields import BY_NAME, JSON_FIELDS
from beatsync.specfile.write import Entry, quoted
from beatsync.values import Clocked, Crontab, Interval, Solar, TaskSpec

_OPTIONS: Final = ("queue", "exchange", "routing_key", "priority", "headers", "expire_seconds")
_FIELDS: Final = ("expires", "one_off", "start_time", "description")
_IMPORTS: Final = {
    "datetime(": "from datetime import datetime",
    "timedelta(": "from datetime import timedelta",
    "timezone.utc": "from datetime import timezone",
    "crontab(": "from celery.schedules import crontab",
    "solar(": "from celery.schedules import solar",
    "clocked(": "from django_celery_beat.clockedschedule import clocked",
}
"""What a schedule or a time is made of, and its import."""


def beat_schedule_text(conversion: Conversion, zone: str) -> str:
    """Return Python with the schedules of a conversion; `zone` is that of the application.

    A schedule that a `beat_schedule` cannot express is moved to the refused ones.
    """
    lines: list[str] = []
    code: list[str] = []
    for entry in list(conversion.entries):
        if reason := _fault(entry.spec, zone):
            conversion.entries.remove(entry)
            conversion.refused.append(Remark(entry.spec.name, reason))
            continue
        lines.append(f"    {_literal(entry.spec.name)}: {{")
        for key, value in _items(entry):
            lines.append(f"        {_literal(key)}: {value},")
            code += [] if key in {"args", "kwargs", "description", "options"} else [value]
        lines.append("    },")
    conversion.sort()
    used = [line for call, line in _IMPORTS.items() if any(call in value for value in code)]
    body = ["beat_schedule = {", *lines, "}"] if lines else ["beat_schedule = {}"]
    return "\n".join([*used, *([""] if used else []), *body])


def _fault(spec: TaskSpec, zone: str) -> str | None:
    """Return why django-celery-beat would make another row of an entry; None if it would not."""
    schedule = spec.schedule
    if isinstance(schedule, Crontab) and schedule.timezone != zone:
        return f"its crontab is in {schedule.timezone}, and those of a beat_schedule are in the zone of the application, {zone}"
    if isinstance(schedule, Interval) and schedule.period == "microseconds":
        return "its interval is a fraction of a second, and django-celery-beat makes whole seconds of it"
    return None


def _items(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the keys of an entry, each with Python's text of its value."""
    spec = entry.spec
    yield "task", _literal(spec.task)
    yield "schedule", _schedule(spec)
    for key in ("args", "kwargs"):
        if getattr(spec, key) != BY_NAME[key].default:
            yield key, _literal(json.loads(getattr(spec, key)))
    options = {name: getattr(spec, name) for name in _OPTIONS if getattr(spec, name) != BY_NAME[name].default}
    if options:
        yield "options", _literal({k: json.loads(v) if k in JSON_FIELDS else v for k, v in options.items()})
    # These keys are django-celery-beat's: other schedulers refuse them.
    for name in _FIELDS:
        if getattr(spec, name) != BY_NAME[name].default:
            yield name, _literal(getattr(spec, name))
    if not spec.enabled:
        yield "enabled", "False"


def _schedule(spec: TaskSpec) -> str:
    schedule = spec.schedule
    if isinstance(schedule, Interval):
        return f"timedelta({schedule.period}={schedule.every})"
    if isinstance(schedule, Crontab):
        fields = zip(FIELD_NAMES, schedule, strict=False)
        # `minute` is always there: a crontab without it runs in every minute.
        return f"crontab({', '.join(f'{k}={_literal(v)}' for k, v in fields if v != '*' or k == 'minute')})"
    if isinstance(schedule, Solar):
        return (
            f"solar({_literal(schedule.event)}, {schedule.latitude.normalize():f}, {schedule.longitude.normalize():f})"
        )
    assert isinstance(schedule, Clocked)  # noqa: S101  `Conversion.add` refuses a row without a schedule
    return f"clocked({_literal(schedule.clocked_time)})"


def _literal(value: Any) -> str:
    """Return a JSON value or a time as Python."""
    if isinstance(value, str):
        return quoted(value)  # the escapes of YAML are also Python's
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, datetime):
        numbers = ", ".join(map(str, value.astimezone(timezone.utc).timetuple()[:6]))
        micro = f", {value.microsecond}" if value.microsecond else ""
        return f"datetime({numbers}{micro}, tzinfo=timezone.utc)"
    return repr(value)
