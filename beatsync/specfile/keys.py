"""The keys of a spec file that are not fields of `PeriodicTask`: kinds of schedules, zone, `sync`, environments, sections.

The published JSON Schema, which holds the documentation, is tested against these rules and the field table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from beatsync.specfile import crontab, interval, solar, times
from beatsync.specfile.fields import BY_NAME, FIELD_TABLE, JSON_FIELDS, Convert
from beatsync.specfile.problems import SpecError
from beatsync.specfile.rules import Rule, rule
from beatsync.values import FIELDS, Clocked, Crontab, OnRemove, Schedule

NAME_RULE: Final = BY_NAME["name"].rule
_ZONE: Final[dict[str, Any]] = {"example": "Europe/Berlin", "min_length": 1, "max_length": times.MAX_ZONE_LENGTH}
_SOLAR: Final = {"event": "sunrise", "latitude": 52.52, "longitude": 13.405}
_EVERY: Final = {"office": "1m", "otherwise": "15m"}
_CRONTAB: Final = dict(zip(crontab.FIELD_NAMES, ("0", "2", "1", "1", "mon-fri"), strict=True))


def _crontab_field(example: str) -> Rule:
    return rule("string integer array", example, items=rule("string integer"), min_items=1)


def _degrees(name: str, example: float) -> Rule:
    limit = solar.LIMITS[name]
    return rule("number", example, minimum=-limit, maximum=limit)


_INTERVAL_KEYS: Final = {
    "every": rule("integer", 10, minimum=1, maximum=interval.MAX_EVERY),
    "period": rule("", "seconds", choices=tuple(interval.PERIODS)),
}
_CRONTAB_KEYS: Final = {name: _crontab_field(example) for name, example in _CRONTAB.items()}
_CRONTAB_KEYS["timezone"] = rule("string", **_ZONE)
_SOLAR_KEYS: Final = {
    "event": rule("", "sunrise", choices=solar.EVENTS),
    "latitude": _degrees("latitude", 52.52),
    "longitude": _degrees("longitude", 13.405),
}
_KIND_RULES: Final = {
    "interval": rule("string object null", "30s", required=("every", "period"), keys=_INTERVAL_KEYS),
    "crontab": rule("string object null", "30 2 * * mon-fri", min_items=1, keys=_CRONTAB_KEYS),
    "solar": rule("object null", _SOLAR, required=tuple(_SOLAR), keys=_SOLAR_KEYS),
    "clocked": rule("string null", "2027-01-05T03:00:00+01:00"),
    "every": rule("object null", _EVERY, min_items=1, names=rule("string"), values=rule("string", "15m", min_length=1)),
}
_SENSITIVE_PATH: Final = rule("string", pattern=re.compile(rf"^({'|'.join(JSON_FIELDS)})(\..+)?$(?!\n)"))
_SYNC_KEYS: Final = {
    "on_remove": rule("", "disable", choices=tuple(choice.value for choice in OnRemove)),
    "ignore": rule("array", ["queue"], items=rule("", choices=FIELDS[1:]), unique=True),
    "adopt": rule("boolean", example=True),
    "protect": rule("boolean", example=True),
    "renamed_from": rule("string", "nightly-bills", min_length=1, max_length=200),
    "hash": rule("string", "nightly-bills", min_length=1, max_length=200),
    "sensitive": rule("array", ["kwargs.card_number"], items=_SENSITIVE_PATH, unique=True),
}
_FIELD_RULES: Final = {
    "task": BY_NAME["task"].rule,
    **_KIND_RULES,
    "timezone": rule("string null", **_ZONE),
    **{field.name: field.rule for field in FIELD_TABLE if field.name not in {"name", "task"}},
    "sync": rule("object", {"on_remove": "disable"}, keys=_SYNC_KEYS),
}
_ENVIRONMENTS: Final = rule(
    "object",
    {"staging": {"enabled": False}},
    names=rule("string", min_length=1, max_length=100),
    values=rule("object null", {"enabled": False}, keys=_FIELD_RULES),
)
_ONLY: Final = rule("array", ["production"], items=rule("string", min_length=1), min_items=1, unique=True)
_HEARTBEAT: Final = {"task": "ops.tasks.heartbeat", "interval": "30s"}
_SCHEDULE: Final = rule("object", _HEARTBEAT, keys={**_FIELD_RULES, "environments": _ENVIRONMENTS, "only": _ONLY})
_WINDOW_NAME: Final = rule(
    "string", min_length=1, max_length=100, pattern=re.compile(r"^(?!(?:otherwise|never)$)\S(.*\S)?$(?!\n)")
)
_CALENDAR_NAMES: Final = rule(
    "string array", "holidays", min_length=1, items=rule("string", "holidays", min_length=1), min_items=1
)
WINDOW_RULE: Final = rule(
    "object",
    {"days": "mon-fri", "from": "08:30", "to": "18:15"},
    keys={
        "days": _crontab_field("mon-fri"),
        "from": rule("string", "08:30", min_length=1),
        "to": rule("string", "18:15", min_length=1),
        **dict.fromkeys(("except", "only", "add"), _CALENDAR_NAMES),
    },
)
CALENDAR_RULE: Final = rule(
    "object",
    {"country": "DE", "subdivision": "BY"},
    keys={
        "dates": rule("array", ["2027-12-24"], items=rule("string", "2027-12-24", min_length=1)),
        "file": rule("string", "company.ics", min_length=1),
        "country": rule("string", "DE", min_length=1),
        "subdivision": rule("string", "BY", min_length=1),
    },
)
_DEFINITIONS: Final = {
    "windows": rule("object null", {"office": WINDOW_RULE.example}, names=_WINDOW_NAME, values=WINDOW_RULE),
    "calendars": rule("object null", {"holidays": CALENDAR_RULE.example}, names=_WINDOW_NAME, values=CALENDAR_RULE),
}
_DOCUMENT_KEYS: Final = {
    "version": rule("", 1, choices=(1,)),
    **_DEFINITIONS,
    "shared": rule("object null", {"windows": {"office": WINDOW_RULE.example}}, keys=_DEFINITIONS),
    "defaults": rule("object null", {"queue": "billing"}, keys={**_FIELD_RULES, "environments": _ENVIRONMENTS}),
    "schedules": rule("object null", {"heartbeat": _HEARTBEAT}, names=NAME_RULE, values=_SCHEDULE),
}
DOCUMENT_RULE: Final = rule(
    "object null", {"schedules": {"heartbeat": _HEARTBEAT}}, extensions=True, keys=_DOCUMENT_KEYS
)
"""What a document of a spec file may be, and everything in it."""


_SET_SYNC: Final = {name: _SYNC_KEYS[name] for name in ("on_remove", "ignore", "sensitive", "hash")}
_ARGUMENTS: Final = {key: each for key, each in _FIELD_RULES.items() if key != "every"}
ARGUMENTS_RULE: Final = rule(
    "object",
    names=NAME_RULE,
    values=rule("object", _HEARTBEAT, keys={**_ARGUMENTS, "sync": rule("object", {}, keys=_SET_SYNC)}),
)
"""What an application may declare for its own schedules, by name: the keys of a file without windows and what is about files and their review."""


def _interval(value: Any, _zone: str) -> Schedule:
    return interval.from_text(value) if isinstance(value, str) else interval.from_mapping(**value)


def _crontab(value: Any, zone: str) -> Crontab:
    if isinstance(value, str):
        return crontab.from_expression(value, zone)
    if "timezone" in value:
        try:
            zone = times.zone(value["timezone"]).key
        except SpecError as error:
            raise error.at("timezone") from None
    return crontab.from_fields([value.get(name, "*") for name in crontab.FIELD_NAMES], zone)


KIND_CONVERSIONS: Final[Mapping[str, Convert]] = {
    "interval": _interval,
    "crontab": _crontab,
    "solar": lambda value, _zone: solar.from_mapping(**value),
    "clocked": lambda value, zone: Clocked(times.from_text(value, zone)),
}
"""For each kind, a value that its rule allows → a schedule. Raises SpecError."""
