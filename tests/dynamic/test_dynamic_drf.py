"""The serializer field for schedules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone as django_timezone
from django.utils import translation

pytest.importorskip("rest_framework")
from django_celery_beat.models import CrontabSchedule
from rest_framework import serializers

from beatsync.dynamic.serializers import ScheduleField, ScheduleValue
from beatsync.specfile import crontab

BERLIN = "Europe/Berlin"


@pytest.fixture(autouse=True)
def current_zone() -> Iterator[None]:
    with django_timezone.override(BERLIN):
        yield


def serializer_of(data: Any, **options: Any) -> Any:
    """Return a serializer with one field, which is called `when`."""
    return type("ReportSerializer", (serializers.Serializer,), {"when": ScheduleField(**options)})(data={"when": data})


@pytest.mark.parametrize(
    ("data", "zone"),
    [
        ("30 6 * * mon", BERLIN),
        ({"crontab": "30 6 * * mon"}, BERLIN),
        ({"crontab": "30 6 * * mon", "timezone": None}, BERLIN),
        ({"crontab": "30 6 * * mon", "timezone": "Asia/Taipei"}, "Asia/Taipei"),
    ],
)
def test_a_text_or_an_object_becomes_a_value(data: object, zone: str) -> None:
    serializer = serializer_of(data)
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data["when"].fields == {"crontab": "30 6 * * 1", "timezone": zone}


@pytest.mark.parametrize(
    "stored",
    [
        ScheduleValue(crontab.from_expression("30 6 * * 1", BERLIN)),
        {"crontab": "30 6 * * mon", "timezone": BERLIN},
        CrontabSchedule(minute="30", hour="6", day_of_week="1", timezone=BERLIN),
    ],
    ids=lambda stored: type(stored).__name__,
)
def test_a_representation_has_words_and_next_runs_and_can_be_sent_back(stored: object) -> None:
    with translation.override("de"):
        shown = ScheduleField().to_representation(stored)
    assert (shown["crontab"], shown["timezone"]) == ("30 6 * * 1", BERLIN)
    assert shown["words"] == "Um 06:30 Uhr, jeden Montag"
    runs = [datetime.fromisoformat(text) for text in shown["next_runs"]]
    assert [(run.weekday(), run.hour, run.minute) for run in runs] == [(0, 6, 30)] * 3
    assert serializer_of(shown).is_valid()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (5, ["schedule-type"]),
        (["30 6 * * 1"], ["schedule-type"]),
        ("", ["crontab-fields"]),
        ("* * * * *", ["too-frequent"]),
        ({}, {"crontab": ["crontab-required"]}),
        ({"crontab": None, "timezone": "Mars"}, {"crontab": ["crontab-type"], "timezone": ["timezone-unknown"]}),
        ({"crontab": "0 25 * *", "timezone": ["x"]}, {"crontab": ["crontab-fields"], "timezone": ["timezone-unknown"]}),
        ({"crontab": "0 25 32 * *"}, {"crontab": ["crontab-range", "crontab-range"]}),
        ({"crontab": "@daily", "timezone": "UTC"}, {"timezone": ["timezone-not-allowed"]}),
        ({"crontab": "@daily", "cron": "@daily"}, {"cron": ["key-unknown"]}),
    ],
)
def test_every_problem_is_reported_at_its_key(data: object, expected: object) -> None:
    serializer = serializer_of(data, minimum_interval=timedelta(minutes=5), timezones=[BERLIN])
    assert not serializer.is_valid()
    assert serializer.errors["when"]
    details = serializer.errors["when"]
    codes = (
        {key: [detail.code for detail in items] for key, items in details.items()}
        if isinstance(details, dict)
        else [detail.code for detail in details]
    )
    assert codes == expected


def test_messages_are_translated() -> None:
    serializer = serializer_of({"crontab": "@daily", "cron": 1})
    with translation.override("zh-hant"):
        assert not serializer.is_valid()
        assert serializer.errors == {"when": {"cron": ["沒有這個鍵。"]}}
