"""A Django form field in which a user chooses when something runs: presets and crontabs, with a time zone.

class ReportForm(forms.Form):
    when = ScheduleField(presets=["daily", "weekly"], minimum_interval=timedelta(hours=1))

schedules("user-reports").put(name, task="shop.report", **form.cleaned_data["when"].fields)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from beatsync.dynamic.chosen import Rules, ScheduleValue, value_of
from beatsync.dynamic.messages import problem, problems_of
from beatsync.dynamic.presets import FREE, PRESETS, Controls, expression
from beatsync.dynamic.widgets import ScheduleWidget
from beatsync.specfile.problems import SpecError

__all__ = ["ScheduleField", "ScheduleValue", "ScheduleWidget"]


class ScheduleBoundField(forms.BoundField):
    """Names the help text and the errors as descriptions of the first control too, if Django gives them ids (from 5.2 on)."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        """Return the attributes of the widget."""
        attributes: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        if described := getattr(self, "aria_describedby", None):
            attributes.setdefault("aria-describedby", described)
        return attributes


class ScheduleField(forms.Field):
    """A field whose cleaned value is a `ScheduleValue`, or None if it is empty and not required.

    `presets`: those offered, in this order, of `hourly`, `daily`, `weekdays`, `weekly`, `monthly` (None: all). `allow_free`: whether a
    crontab may be entered as text. `minimum_interval`: the shortest time between two runs, in whole minutes. `timezones`: those
    offered (None: all). An initial value is a dict of a spec's fields, a crontab as text, a `CrontabSchedule` or an earlier value.
    Raises ValueError for an option that is invalid.
    """

    def __init__(
        self,
        *,
        presets: Iterable[str] | None = None,
        allow_free: bool = True,
        minimum_interval: timedelta | None = None,
        timezones: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        names = [name for name in PRESETS if name != FREE] if presets is None else list(presets)
        if unknown := sorted(set(names) - set(PRESETS) | ({FREE} & set(names))):
            available = ", ".join(name for name in PRESETS if name != FREE)
            raise ValueError(f"there is no preset {', '.join(map(repr, unknown))}; the presets are {available}")
        if not names and not allow_free:
            raise ValueError("offer at least one preset, or allow_free=True")
        self.offered = (*names, FREE) if allow_free else tuple(names)
        self.rules = Rules.of(minimum_interval, timezones)
        kwargs.setdefault("widget", ScheduleWidget(self.offered, self.rules))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> ScheduleValue | None:
        """Return the value of the controls, or of an initial value. Raises ValidationError with every problem."""
        if value in self.empty_values:
            return None
        controls = Controls.of(value)
        if controls is None:
            return self._initial_value(value)
        if not controls.preset:
            return None
        if controls.preset not in self.offered:
            raise problem("preset-unknown")
        zone = controls.timezone or self.rules.default_timezone()
        try:
            text = expression(controls)
        except ValidationError as error:
            raise ValidationError([*error.error_list, *self.rules.zone_problems(zone)]) from error
        return self.rules.check(text, zone)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether the controls mean another schedule than the initial value."""
        if self.disabled:
            return False
        try:
            return self.to_python(data) != (None if initial in self.empty_values else self._initial_value(initial))
        except ValidationError:
            return True

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        """Return the field as a part of a form."""
        return ScheduleBoundField(form, self, field_name)

    def _initial_value(self, value: Any) -> ScheduleValue:
        try:
            return value_of(value, self.rules.default_timezone())
        except SpecError as error:
            raise ValidationError(list(problems_of(error))) from error
