"""The controls of a schedule as HTML that works without a script.

Every control has a label, and a description that says which choices use it. The HTML is built here and not in a template, so that it
does not depend on the project's form renderer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import BaseRenderer
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from beatsync.dynamic.chosen import Rules, ScheduleValue, value_of
from beatsync.dynamic.messages import MAX_CRONTAB
from beatsync.dynamic.presets import FREE, PRESETS, Controls, controls_of, expression
from beatsync.specfile import times
from beatsync.specfile.problems import SpecError

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_LABELS: dict[str, _StrPromise] = {
    "preset": pgettext_lazy("schedule", "Runs"),
    "time": pgettext_lazy("schedule", "Time"),
    "weekdays": pgettext_lazy("schedule", "Days of the week"),
    "day": pgettext_lazy("schedule", "Day of the month"),
    "crontab": pgettext_lazy("schedule", "Crontab"),
    "timezone": pgettext_lazy("schedule", "Time zone"),
}
_NOTES: dict[str, _StrPromise] = {
    "day": gettext_lazy("Months without this day are skipped."),
    "crontab": gettext_lazy(
        "Five fields: minute, hour, day of the month, month, day of the week. Example: 30 6 * * 1-5"
    ),
}
_MONDAY_FIRST = (1, 2, 3, 4, 5, 6, 0)


class ScheduleWidget(forms.MultiWidget):
    """The controls of the presets that are offered, and what the schedule shown means."""

    use_fieldset = True

    def __init__(self, offered: Sequence[str], rules: Rules, attrs: dict[str, Any] | None = None) -> None:
        self.offered, self.rules = tuple(offered), rules
        super().__init__(
            {
                "preset": forms.Select(),
                "time": forms.TimeInput(attrs={"type": "time"}),
                "weekdays": forms.CheckboxSelectMultiple(),
                "day": forms.NumberInput(attrs={"min": 1, "max": 31, "step": 1}),
                "crontab": forms.TextInput(
                    attrs={"maxlength": MAX_CRONTAB, "autocomplete": "off", "spellcheck": "false"}
                ),
                "timezone": forms.Select(),
            },
            attrs,
        )

    def decompress(self, value: Any) -> Controls:
        """Return the controls that show an initial value; a text that is no crontab is shown unchanged."""
        default = Controls(timezone=self.rules.default_timezone())
        if value in (None, ""):
            return default
        try:
            return controls_of(value_of(value, default.timezone).schedule, self.offered)
        except SpecError:
            fields = {"crontab": value} if isinstance(value, str) else value
            texts = {name: str(fields[name]) for name in ("crontab", "timezone") if fields.get(name)}
            return default._replace(preset=FREE if FREE in self.offered else "", **texts)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:  # noqa: ARG002  Django's signature
        """Return whether the form was sent without these controls."""
        return f"{name}_preset" not in data

    def use_required_attribute(self, initial: Any) -> bool:  # noqa: ARG002  Django's signature
        """Return False: which controls have to be filled in depends on the choice."""
        return False

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """Return the controls, and below them what the schedule means and when it runs next."""
        entered = Controls.of(value)
        shown = entered or self.decompress(value)
        shown = shown._replace(timezone=shown.timezone or self.rules.default_timezone())
        attributes = {**self.attrs, **(attrs or {})}
        base = attributes.pop("id", None) or f"id_{name}"
        self._offer(shown)
        used = {"preset", "timezone"}.union(*(PRESETS[preset].uses for preset in self.offered))
        rows = format_html_join(
            "",
            "{}",
            (
                (self._control(key, name, getattr(shown, key), {**attributes, "id": f"{base}_{key}"}, renderer),)
                for key in _LABELS
                if key in used
            ),
        )
        explanation = _explanation(self._value(entered or value))
        return format_html('<div id="{}" class="beatsync-schedule">{}{}</div>', base, rows, explanation)

    def _offer(self, shown: Controls) -> None:
        """Set the choices, in the active language."""
        preset, weekdays, zone = (cast("forms.Select", self._widget(key)) for key in ("preset", "weekdays", "timezone"))
        blank = [] if self.is_required and shown.preset in self.offered else [("", "---------")]
        preset.choices = blank + [(name, _capitalised(PRESETS[name].label)) for name in self.offered]
        weekdays.choices = [(str(number), _capitalised(WEEKDAYS[(number - 1) % 7])) for number in _MONDAY_FIRST]
        zones = list(self.rules.timezones or sorted(times.zone_names()))
        if shown.timezone not in zones:
            # Otherwise a browser would select another zone, and saving the form would move the schedule.
            zones.insert(0, shown.timezone)
        zone.choices = [(zone_name, zone_name.replace("_", " ")) for zone_name in zones]

    def _widget(self, key: str) -> forms.Widget:
        return self.widgets[Controls._fields.index(key)]

    def _control(self, key: str, name: str, value: Any, attrs: dict[str, Any], renderer: Any) -> SafeString:
        described = attrs.pop("aria-describedby", "") if key == "preset" else ""
        attrs.pop("aria-describedby", None)
        hint = self._hint(key)
        hint_id = f"{attrs['id']}_hint"
        if hint:
            described = f"{described} {hint_id}".strip()
        if described and key != "weekdays":
            attrs["aria-describedby"] = described
        if key == "preset" and self.is_required:
            attrs["aria-required"] = "true"
        html = self._widget(key).render(f"{name}_{key}", value, attrs, renderer)
        help_text = format_html('<span id="{}" class="helptext">{}</span>', hint_id, hint) if hint else ""
        if key == "weekdays":
            reference = format_html(' aria-describedby="{}"', hint_id) if hint else ""
            return format_html(
                "<fieldset{}><legend>{}</legend>{}{}</fieldset>", reference, _LABELS[key], html, help_text
            )
        return format_html('<div><label for="{}">{}</label> {} {}</div>', attrs["id"], _LABELS[key], html, help_text)

    def _hint(self, key: str) -> str:
        """Return which choices use a control, and what to enter."""
        users = [str(PRESETS[name].label) for name in self.offered if key in PRESETS[name].uses]
        texts = [str(_NOTES[key])] if key in _NOTES else []
        if 0 < len(users) < len(self.offered):
            texts.insert(0, _("Only for: %(presets)s.") % {"presets": pgettext("schedule", ", ").join(users)})
        return " ".join(texts)

    def _value(self, source: Any) -> ScheduleValue | None:
        """Return the value of the controls or of an initial value; None if there is none, or it is invalid."""
        try:
            if not isinstance(source, Controls):
                return value_of(source, self.rules.default_timezone()) if source not in (None, "") else None
            if source.preset not in self.offered:
                return None
            return Rules().check(expression(source), source.timezone or self.rules.default_timezone())
        except (SpecError, ValidationError):
            return None


def _capitalised(text: object) -> str:
    return str(capfirst(str(text)))


def _explanation(value: ScheduleValue | None) -> SafeString | str:
    if value is None:
        return ""
    runs = "; ".join(date_format(run, "DATETIME_FORMAT") for run in value.next_runs())
    text = _("Next runs: %(runs)s") % {"runs": runs} if runs else ""
    return format_html('<p class="beatsync-explanation">{}<br>{}</p>', value, text)
