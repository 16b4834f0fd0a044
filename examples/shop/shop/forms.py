"""The forms of the shop."""

from datetime import timedelta

from django import forms

from beatsync.dynamic.forms import ScheduleField


class ReportForm(forms.Form):
    when = ScheduleField(
        label="When shall we send your report?",
        presets=["daily", "weekdays", "weekly"],
        minimum_interval=timedelta(hours=1),
        timezones=["Europe/Berlin", "Europe/London", "Asia/Taipei"],
    )
