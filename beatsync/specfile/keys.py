"""The keys of a spec file that are no fields of `PeriodicTask`: kinds of schedules, zone, `sync`, environments, sections.

Rows in the style of the field table. The published JSON Schema is tested against both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from beatsync.specfile import crontab, interval, solar, times
from beatsync.specfile.fields import BY_NAME, FIELD_TABLE, Convert
from beatsync.specfile.problems import SpecError
from beatsync.specfile.rules import KINDS, Rule, rule
from beatsync.values import FIELDS, Clocked, Crontab, Schedule

NAME_RULE: Final = BY_NAME["name"].rule
_ENVIRONMENT: Final = ("string", "Environment", "Name of an environment.")
_ZONE_LIMITS: Final[dict[str, Any]] = {"min_length": 1, "max_length": times.MAX_ZONE_LENGTH}


def _crontab_field(name: str, example: str) -> Rule:
    description = f"The {name} field of the crontab; * if left out."
    part = rule("string integer", "Part", "One of several values.")
    return rule("string integer array", name, description, example, items=part, min_items=1, default="*")


def _degrees(name: str, towards: str, example: float) -> Rule:
    limit = solar.LIMITS[name]
    description = f"Degrees {towards}, rounded to six decimal places."
    return rule("number", name.capitalize(), description, example, minimum=-limit, maximum=limit)


# fmt: off
KIND_RULES: Final[Mapping[str, Rule]] = MappingProxyType({
    "interval": rule(
        "string object null", "Interval",
        "Runs every so often: 30s, 5m, 1h30m, 2d, 250ms, ISO 8601 (PT5M), or the model's own fields.", "30s",
        required=("every", "period"),
        keys={
            "every": rule("integer", "Every", "How many periods.", 10, minimum=1, maximum=interval.MAX_EVERY),
            "period": rule("", "Period", "The unit that is counted.", "seconds", choices=tuple(interval.PERIODS)),
        },
    ),
    "crontab": rule(
        "string object null", "Crontab",
        "Five fields as in crontab(5): minute hour day_of_month month_of_year day_of_week; a name such as @daily; or a mapping "
        "with the model's field names. celery runs it on days that match both day_of_month and day_of_week.", "30 2 * * mon-fri",
        min_items=1,
        keys={
            "minute": _crontab_field("minute", "0"),
            "hour": _crontab_field("hour", "2"),
            "day_of_month": _crontab_field("day_of_month", "1"),
            "month_of_year": _crontab_field("month_of_year", "1"),
            "day_of_week": _crontab_field("day_of_week", "mon-fri"),
            "timezone": rule(
                "string", "Time zone", "IANA name; overrides the schedule's own `timezone`.", "Europe/Berlin", **_ZONE_LIMITS
            ),
        },
    ),
    "solar": rule(
        "object null", "Solar event",
        "Runs at an event of the sun, seen from a place. celery beat needs the package `ephem` for it.",
        {"event": "sunrise", "latitude": 52.52, "longitude": 13.405},
        required=("event", "latitude", "longitude"),
        keys={
            "event": rule("", "Event", "The event of the sun.", "sunrise", choices=solar.EVENTS),
            "latitude": _degrees("latitude", "north", 52.52),
            "longitude": _degrees("longitude", "east", 13.405),
        },
    ),
    "clocked": rule(
        "string null", "Clocked time",
        "Runs once, at this time; implies one_off: true. ISO 8601; without an offset it is read in the schedule's time zone.",
        "2027-01-05T03:00:00+01:00",
    ),
})
_TIMEZONE: Final = rule(
    "string null", "Time zone",
    "IANA name of the zone in which a crontab, and times without an offset, are read. If left out: the project's "
    "CELERY_TIMEZONE, else UTC.", "Europe/Berlin", **_ZONE_LIMITS,
)
_SYNC: Final = rule(
    "object", "How BeatSync treats the row", "Merged key by key with that of `defaults`.", {"on_remove": "disable"},
    keys={
        "on_remove": rule(
            "", "On removal", "What happens to the row when the schedule is removed from the files.", "disable",
            choices=("delete", "disable", "keep"), default="delete",
        ),
        "ignore": rule(
            "array", "Ignored fields",
            "Fields that are written at creation and when the file changes them, and otherwise not touched.", ["queue"],
            items=Rule(choices=tuple(name for name in FIELDS if name != "name")), unique=True, default=[],
        ),
        "protect": rule(
            "boolean", "Protected",
            "The row is never deleted or disabled by a sync. It is remembered: only an explicit false takes it away.",
            example=True, default=False,
        ),
        "renamed_from": rule(
            "string", "Renamed from", "The schedule's old name: the row is renamed and keeps its history of runs.",
            "nightly-bills", min_length=1, max_length=200,
        ),
        "sensitive": rule(
            "array", "Sensitive values",
            "Paths of values that are never shown, in addition to those whose names look like secrets.", ["kwargs.card_number"],
            items=rule("string", "Path", "A dotted path.", pattern=re.compile(r"^(args|kwargs|headers)(\..+)?$(?!\n)")),
            unique=True, default=[],
        ),
    },
)
_FIELD_RULES: Final[dict[str, Rule]] = {
    "task": BY_NAME["task"].rule,
    **KIND_RULES,
    "timezone": _TIMEZONE,
    **{field.name: field.rule for field in FIELD_TABLE if field.name not in {"name", "task"}},
    "sync": _SYNC,
}
_ENVIRONMENTS: Final = rule(
    "object", "Environments", "By environment, what differs there.", {"staging": {"enabled": False}},
    names=rule(*_ENVIRONMENT, min_length=1, max_length=100),
    values=rule(
        "object null", "Environment", "What differs under --env. Another kind of schedule replaces the kind.", {"enabled": False},
        keys=_FIELD_RULES,
    ),
)
_ONLY: Final = rule(
    "array", "Only in", "The environments that have this schedule; without --env it is left out.", ["production"],
    items=rule(*_ENVIRONMENT, min_length=1), min_items=1, unique=True,
)
_HEARTBEAT: Final = {"task": "ops.tasks.heartbeat", "interval": "30s"}
DOCUMENT_RULE: Final = rule(
    "object null", "BeatSync schedules",
    "A spec file of BeatSync: the rows that django-celery-beat's PeriodicTask table shall have.",
    {"schedules": {"heartbeat": _HEARTBEAT}}, extensions=True,
    keys={
        "version": rule("", "Version of the format", "1, also if it is left out.", 1, choices=(1,), default=1),
        "defaults": rule(
            "object null", "Defaults", "Merged under every schedule of this document.", {"queue": "billing"}, keys=_FIELD_RULES
        ),
        "schedules": rule(
            "object null", "Schedules", "By name, which is PeriodicTask.name.", {"heartbeat": _HEARTBEAT},
            names=NAME_RULE,
            values=rule(
                "object", "Schedule",
                "One PeriodicTask row. It has exactly one of interval, crontab, solar and clocked, its own or that of `defaults`.",
                _HEARTBEAT, keys={**_FIELD_RULES, "environments": _ENVIRONMENTS, "only": _ONLY},
            ),
        ),
    },
)
# fmt: on
"""What a document of a spec file may be, and everything in it."""


def _interval(value: Any, _zone: str) -> Schedule:
    if isinstance(value, str):
        return interval.from_text(value)
    return interval.from_mapping(value["every"], value["period"])


def _crontab(value: Any, zone: str) -> Crontab:
    if isinstance(value, str):
        return crontab.from_expression(value, zone)
    if "timezone" in value:
        try:
            zone = times.zone(value["timezone"]).key
        except SpecError as error:
            raise SpecError(error.code, error.message, error.hint, field="timezone") from None
    return crontab.from_fields(timezone=zone, **{name: value.get(name, "*") for name in crontab.FIELD_NAMES})


def _solar(value: Any, _zone: str) -> Schedule:
    return solar.from_mapping(value["event"], value["latitude"], value["longitude"])


def _clocked(value: Any, zone: str) -> Schedule:
    return Clocked(times.from_text(value, zone))


KIND_CONVERSIONS: Final[Mapping[str, Convert]] = MappingProxyType(
    dict(zip(KINDS, (_interval, _crontab, _solar, _clocked), strict=True))
)
"""For each kind, a value that its rule allows → a schedule. Raises SpecError."""
