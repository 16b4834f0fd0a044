"""A serializer field of Django REST framework for when something runs; needs `djangorestframework`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from beatsync.dynamic.chosen import Rules, ScheduleValue, value_of
from beatsync.dynamic.messages import problem

__all__ = ["ScheduleField", "ScheduleValue"]

_INPUT = frozenset({"crontab", "timezone"})
_OUTPUT = frozenset({"words", "next_runs"})
"""Keys that a representation adds. They are ignored when it is sent back."""


class ScheduleField(serializers.Field):  # type: ignore[misc]  # the framework has no types
    """A field whose internal value is a `ScheduleValue`.

    It reads a crontab as text, or an object with `crontab` and `timezone` (default: Django's current zone), and represents the schedule
    with its meaning in words and its next runs. `minimum_interval` and `timezones` are those of the form field. Raises ValueError
    for an option that is invalid.
    """

    def __init__(
        self, *, minimum_interval: timedelta | None = None, timezones: Iterable[str] | None = None, **kwargs: Any
    ) -> None:
        self.rules = Rules.of(minimum_interval, timezones)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> ScheduleValue:
        """Return the value of what a client sent. Raises the framework's ValidationError; with a dict by key if an object was sent."""
        if isinstance(data, str):
            try:
                return self.rules.check(data, self.rules.default_timezone())
            except ValidationError as error:
                raise serializers.ValidationError(_details(error.error_list)) from error
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(_details([problem("schedule-type")]))
        errors = {str(key): _details([problem("key-unknown")]) for key in data if key not in _INPUT | _OUTPUT}
        try:
            value = self._checked(data)
        except ValidationError as error:
            for each in error.error_list:
                key = "timezone" if str(each.code).startswith("timezone") else "crontab"
                errors.setdefault(key, []).extend(_details([each]))
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def _checked(self, data: Mapping[str, Any]) -> ScheduleValue:
        zone = str(data.get("timezone") or self.rules.default_timezone())
        text = data.get("crontab")
        if isinstance(text, str):
            return self.rules.check(text, zone)
        missing = problem("crontab-type") if "crontab" in data else problem("crontab-required")
        raise ValidationError([missing, *self.rules.zone_problems(zone)])

    def to_representation(self, value: Any) -> dict[str, Any]:
        """Return the crontab, its time zone, its meaning in the active language, and the next three runs in ISO 8601."""
        chosen = value_of(value, self.rules.default_timezone())
        return {**chosen.fields, "words": chosen.words, "next_runs": [run.isoformat() for run in chosen.next_runs()]}


def _details(errors: Iterable[ValidationError]) -> list[ErrorDetail]:
    return [ErrorDetail(message, code=error.code or "invalid") for error in errors for message in error.messages]
