"""Arguments are the fields of the spec format: Python's and celery's values mean what a file would say, and each problem is listed."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import schedules as celery_schedules
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy
from django_celery_beat.tzcrontab import TzAwareCrontab

from beatsync.dynamic import schedules
from beatsync.dynamic.declare import declare
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.values import SourceFile, TaskSpec
from tests.conftest import Backend
from tests.dynamic.declaring import HOURLY, TASK, reports, stored

BERLIN = ZoneInfo("Europe/Berlin")


def in_file(text: str) -> TaskSpec:
    """Return what a schedule in a file means."""
    body = f"schedules:\n  a: {{task: {TASK}, {text}}}\n"
    parsed = parse_file(SourceFile("a.yaml", body.encode()), ParseOptions(timezone="Europe/Berlin"))
    assert not parsed.diagnostics
    return parsed.schedules[0].spec


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"interval": timedelta(minutes=90)}, "interval: 90m"),
        ({"interval": timedelta(milliseconds=2500)}, "interval: 2500ms"),
        ({"interval": celery_schedules.schedule(timedelta(days=1))}, "interval: 1d"),
        ({"interval": {"every": 5, "period": "minutes"}}, "interval: 5m"),
        ({"crontab": "30 2 * * mon-fri"}, 'crontab: "30 2 * * mon-fri"'),
        ({"crontab": {"minute": range(0, 60, 20), "hour": {7, 5}}}, 'crontab: "0,20,40 5,7 * * *"'),
        ({"crontab": celery_schedules.crontab(minute=0, hour="*/3")}, 'crontab: "0 */3 * * *"'),
        (
            {"crontab": TzAwareCrontab("0", "8", tz=ZoneInfo("Asia/Taipei"))},
            'crontab: "0 8 * * *", timezone: Asia/Taipei',
        ),
        ({"crontab": "0 8 * * *", "timezone": ZoneInfo("Asia/Taipei")}, 'crontab: "0 8 * * *", timezone: Asia/Taipei'),
        (
            {"solar": {"event": "sunrise", "latitude": Decimal("52.52"), "longitude": 13.405}},
            "solar: {event: sunrise, latitude: 52.52, longitude: 13.405}",
        ),
        ({"clocked": datetime(2027, 1, 5, 3, tzinfo=BERLIN)}, "clocked: 2027-01-05T03:00:00+01:00"),
        ({"clocked": datetime(2027, 1, 5, 3)}, "clocked: 2027-01-05T03:00:00"),  # noqa: DTZ001  local time
        ({"interval": "1h", "expires": date(2027, 1, 5)}, "interval: 1h, expires: 2027-01-05"),
        ({"interval": "1h", "expire_seconds": timedelta(minutes=5)}, "interval: 1h, expire_seconds: 5m"),
        ({"interval": "1h", "args": (1, "a"), "kwargs": {"b": [2]}}, "interval: 1h, args: [1, a], kwargs: {b: [2]}"),
        ({"crontab": "0 8 * * *", "timezone": timezone.utc}, 'crontab: "0 8 * * *", timezone: UTC'),
        (
            {"interval": "1h", "args": [gettext_lazy("a")], "kwargs": {"b": gettext_lazy("c")}},
            "interval: 1h, args: [a], kwargs: {b: c}",
        ),
        ({"interval": "1h", "queue": None, "enabled": False}, "interval: 1h, enabled: false"),
    ],
)
def test_a_python_value_means_what_a_file_says(arguments: dict[str, Any], text: str) -> None:
    (declared,) = declare("a", {"task": TASK, **arguments}, "Europe/Berlin").declared
    assert declared.spec == in_file(text)


def test_a_solar_schedule_of_celery() -> None:
    pytest.importorskip("ephem")
    solar = celery_schedules.solar("sunset", -37.81, 144.96)
    (declared,) = declare("a", {"task": TASK, "solar": solar}, "UTC").declared
    assert declared.spec.schedule == in_file("solar: {event: sunset, latitude: -37.81, longitude: 144.96}").schedule


def test_every_problem_is_in_one_error_by_its_argument(backend: Backend) -> None:
    arguments: dict[str, Any] = {
        "intervall": "5m", "crontab": "0 25 * * 9", "timezone": "Europe/Berln", "expires": "30m", "priority": 300,
        "args": {"a": 1}, "kwargs": {"when": date(2027, 1, 1)}, "queue": object(), "sync": {"protect": True},
        "every": {"otherwise": "5m"},
    }  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        reports(backend).put("celery.mine", **arguments)
    codes = {field: {error.code for error in errors} for field, errors in caught.value.error_dict.items()}
    assert codes == {
        "name": {"name-reserved"}, "task": {"missing-key"}, "intervall": {"unknown-key"}, "crontab": {"crontab-range"},
        "timezone": {"timezone-unknown"}, "expires": {"time-syntax"}, "priority": {"out-of-range"}, "args": {"wrong-type"},
        "kwargs": {"json-type"}, "queue": {"wrong-type"}, "sync": {"unknown-key"}, "every": {"unknown-key"},
    }  # fmt: skip
    assert "pass a value of a type that JSON has" in caught.value.error_dict["kwargs"][0].message
    assert not any(stored(backend).values())


def test_problems_of_many_schedules_name_the_schedule(backend: Backend) -> None:
    with pytest.raises(ValidationError) as caught:
        reports(backend).put_many({"a": {"task": TASK}, "b": HOURLY, "c": {"task": "x y", "interval": "1h"}})
    assert set(caught.value.error_dict) == {f"a.{NON_FIELD_ERRORS}", "c.task"}
    assert not any(stored(backend).values())


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"at": datetime(2020, 1, 1, tzinfo=timezone.utc)}, "at"),
        ({"after": timedelta(0)}, "after"),
        ({"after": "soon"}, "after"),
        ({"at": "tomorrow"}, "at"),
        ({}, "at"),
        ({"at": "2099-01-01", "after": "1h"}, "at"),
        ({"after": "1h", "keep_for": timedelta(-1)}, "keep_for"),
        ({"after": "1h", "keep_for": timedelta.max}, "keep_for"),
        ({"after": "1h", "keep_for": "7d"}, "keep_for"),
        ({"after": timedelta.max}, "after"),
        ({"after": 60}, "after"),
        ({"at": "2099-01-01", "clocked": "2099-01-02"}, "at"),
        ({"at": "2099-01-01", "crontab": "0 8 * * *"}, "at"),
        ({"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "at"),
        ({"after": "1h", "args": iter([1])}, "args"),
        ({"after": "1h", "kwargs": {1, 2}}, "kwargs"),
        ({"after": "1h", "expires": timedelta(hours=2)}, "expires"),
        ({"after": "1h", "expires": datetime(2020, 1, 1, tzinfo=timezone.utc)}, "expires"),
    ],
)
def test_a_one_off_that_cannot_be(arguments: dict[str, Any], field: str, backend: Backend) -> None:
    with pytest.raises(ValidationError) as caught:
        reports(backend).once("a", task=TASK, **arguments)
    assert list(caught.value.error_dict) == [field]
    assert "skip" not in str(caught.value)  # that is what a sync of files does
    assert not any(stored(backend).values())


def test_every_problem_of_a_one_off_is_in_one_error(backend: Backend) -> None:
    with pytest.raises(ValidationError) as caught:
        reports(backend).once("a", task="", after=60, keep_for=7, queue=5)  # type: ignore[arg-type]
    assert set(caught.value.error_dict) == {"task", "after", "keep_for", "queue"}


def test_the_last_time_of_all_is_kept_until_then(backend: Backend) -> None:
    assert reports(backend).once("a", task=TASK, at="9999-12-31T12:00:00Z")
    assert reports(backend).get("a")


def test_keys_that_exclude_each_other() -> None:
    problems = declare(
        "a", {**HOURLY, "crontab": "0 8 * * *", "expires": "2099-01-01", "expire_seconds": 5}, "UTC"
    ).problems
    assert [problem.code for problem in problems] == ["kind-twice", "exclusive-keys"]


def test_values_that_contain_themselves_or_never_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    many: list[Any] = []
    for _ in range(60):
        many = [many, many]
    for arguments in (
        {"args": endless}, {"args": many}, {"kwargs": {"a": endless}}, {"crontab": {"minute": endless}},
        {"crontab": {"minute": range(10**12)}},
    ):  # fmt: skip
        problems = declare("a", {"task": TASK, "interval": "1h", **arguments}, "UTC").problems
        assert "json-depth" in {problem.code for problem in problems}


def test_what_is_no_name_or_no_mapping(backend: Backend) -> None:
    with pytest.raises(ValidationError) as caught:
        reports(backend).put_many({"a": 5, 7: HOURLY})  # type: ignore[dict-item]
    assert set(caught.value.error_dict) == {f"a.{NON_FIELD_ERRORS}", "7.name"}
    for text in ("", "\0", "\ud800", "x" * 201):
        assert reports(backend).get(text) is None
        assert not reports(backend).remove(text)
    with pytest.raises(TypeError, match="a int is no name"):
        reports(backend).remove(7)  # type: ignore[arg-type]


def test_a_message_shows_no_secret() -> None:
    problems = declare("a", {**HOURLY, "kwargs": {"password": {1, 2}}, "queue": "password=hunter2\n"}, "UTC").problems
    assert problems
    assert "hunter2" not in str(problems)


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\nb"])
def test_the_name_of_a_set(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 100 printable characters"):
        schedules(name)
