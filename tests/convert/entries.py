"""Entries of a `beat_schedule` in every spelling, for a comparison with django-celery-beat's own `DatabaseScheduler`."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from celery.schedules import crontab, schedule, solar
from django_celery_beat.clockedschedule import clocked
from kombu.entity import Exchange, Queue

UTC = timezone.utc
EXCHANGE: Any = Exchange("tasks")  # type: ignore[no-untyped-call]
QUEUE: Any = Queue("billing", EXCHANGE)  # type: ignore[no-untyped-call]
FUTURE = datetime(2099, 3, 1, 12, 30, tzinfo=UTC)
SCHEDULES: dict[str, Any] = {
    "integer": 30,
    "float": 90.0,
    "large": 86_400,
    "week": 604_800,
    "timedelta": timedelta(minutes=5),
    "timedelta-mixed": timedelta(days=1, hours=2, seconds=3),
    "timedelta-hours": timedelta(hours=6),
    "schedule": schedule(run_every=45),
    "schedule-timedelta": schedule(timedelta(hours=2)),
    "schedule-relative": schedule(3600, relative=True),
    "every-minute": crontab(),
    "nowfun": crontab(minute=5, nowfun=lambda: FUTURE),
    "string": crontab(minute="15", hour="4"),
    "numbers": crontab(minute=0, hour=7),
    "zero": crontab(minute=0, hour=0),
    "positional": crontab("30", "2"),
    "positional-all": crontab("5", "4", "1", "10", "6"),
    "step": crontab(minute="*/15"),
    "step-hours": crontab(minute=0, hour="*/3"),
    "range": crontab(minute=0, hour="8-18"),
    "range-step": crontab(minute=0, hour="8-18/2"),
    "range-wrapped": crontab(minute=0, hour="22-2"),
    "list-text": crontab(minute="0,15,30,45"),
    "list-mixed": crontab(minute="0,10-20,40-50/5"),
    "weekday-number": crontab(minute=0, hour=9, day_of_week=1),
    "weekday-name": crontab(minute=0, hour=9, day_of_week="mon"),
    "weekday-long": crontab(minute=0, hour=9, day_of_week="monday"),
    "weekdays": crontab(minute=0, hour=9, day_of_week="mon-fri"),
    "weekdays-numbers": crontab(minute=0, hour=9, day_of_week="1-5"),
    "weekend": crontab(minute=0, hour=9, day_of_week="sat,sun"),
    "weekend-wrapped": crontab(minute=0, hour=9, day_of_week="sat-sun"),
    "weekend-numbers": crontab(minute=0, hour=9, day_of_week="0,6"),
    "sunday": crontab(minute=0, hour=9, day_of_week=0),
    "every-other-day": crontab(minute=0, hour=9, day_of_week="*/2"),
    "month-day": crontab(minute=0, hour=0, day_of_month=1),
    "month-days": crontab(minute=0, hour=0, day_of_month="1,15"),
    "month-day-step": crontab(minute=0, hour=0, day_of_month="2-30/2"),
    "last-days": crontab(minute=0, hour=0, day_of_month="28-31"),
    "month": crontab(minute=0, hour=0, day_of_month=1, month_of_year=1),
    "quarters": crontab(minute=0, hour=0, day_of_month=1, month_of_year="*/3"),
    "month-range": crontab(minute=0, hour=0, day_of_month=1, month_of_year="3-5"),
    "both-days": crontab(minute=0, hour=0, day_of_month="13", day_of_week="fri"),
    "leading-zeros": crontab(minute="05", hour="04"),
    "minute-list": crontab(minute=[0, 30]),
    "minute-set": crontab(minute={0, 20, 40}),
    "minute-tuple": crontab(minute=(5, 35)),
    "minute-range": crontab(minute=range(0, 60, 10)),
    "hour-list": crontab(minute=0, hour=[8, 12, 16]),
    "weekday-set": crontab(minute=0, hour=0, day_of_week={0, 6}),
    "month-set": crontab(minute=0, hour=0, day_of_month={1, 15}, month_of_year={6}),
    "half-second": 0.5,
    "milliseconds": timedelta(milliseconds=1500),
    "solar": solar("sunset", -37.81753, 144.96715),
    "solar-whole": solar("solar_noon", 0, 0),
    "solar-fine": solar("solar_noon", 52.520007, 13.404954),
}
# These are newer than the oldest celery that BeatSync supports.
with suppress(ValueError):
    SCHEDULES["month-names"] = crontab(minute=0, hour=0, day_of_month=1, month_of_year="jan,jul")
with suppress(AttributeError):
    SCHEDULES["from-string"] = crontab.from_string("30 2 * * 1-5")
CLOCKED = {
    "clocked": {"schedule": clocked(FUTURE), "one_off": True},
    "clocked-offset": {"schedule": clocked(FUTURE.astimezone(timezone(timedelta(hours=5)))), "one_off": True},
    "clocked-without-one-off": {"schedule": clocked(FUTURE)},
}
CONTENTS: dict[str, dict[str, Any]] = {
    "args-list": {"args": [1, "two", None, 3.5, True]},
    "args-tuple": {"args": (16, 16)},
    "args-empty": {"args": ()},
    "args-none": {"args": None},
    "args-nested": {"args": [{"a": [1, {"b": "no"}]}, (1, 2)]},
    "kwargs": {"kwargs": {"dry_run": False, "country": "no", "at": "12:30"}},
    "kwargs-empty": {"kwargs": {}},
    "kwargs-text": {"kwargs": {"name": "Åsa 👋", "path": "a: b #c", "lines": "a\nb\n"}},
    "kwargs-numbers": {"kwargs": {"one": 1, "float": 1.0, "tiny": 1e-7, "huge": 10**30, "negative": -0.5}},
    "options-none": {"options": None},
    "options-empty": {"options": {}},
    "queue": {"options": {"queue": "billing"}},
    "queue-object": {"options": {"queue": QUEUE}},
    "exchange": {"options": {"exchange": "tasks", "routing_key": "billing.invoices"}},
    "exchange-object": {"options": {"exchange": EXCHANGE}},
    "routing-key": {"options": {"routing_key": "a.b"}},
    "priority": {"options": {"priority": 3}},
    "priority-zero": {"options": {"priority": 0}},
    "headers": {"options": {"headers": {"tenant": "acme", "level": 2}}},
    "headers-empty": {"options": {"headers": {}}},
    "expire-seconds": {"options": {"expire_seconds": 1800}},
    "expires-number": {"options": {"expires": 60}},
    "expires-float": {"options": {"expires": 90.0}},
    "expires-timedelta": {"options": {"expires": timedelta(minutes=30)}},
    "expires-datetime": {"options": {"expires": FUTURE}},
    "expires-text": {"options": {"expires": "2099-03-01T12:30:00+00:00"}},
    "expires-field": {"expires": FUTURE},
    "countdown": {"options": {"countdown": 5, "queue": "slow"}},
    "serializer": {"options": {"serializer": "json", "compression": "gzip", "link": None}},
    "all-options": {"options": {"queue": "q", "priority": 9, "headers": {"a": "b"}, "expire_seconds": 45}},
    "relative": {"relative": True},
    "not-relative": {"relative": False},
    "disabled": {"enabled": False},
    "enabled": {"enabled": True},
    "description": {"description": "Sends last night's invoices."},
    "one-off": {"one_off": True},
    "start-time": {"start_time": FUTURE},
    "queue-outside": {"queue": "lost"},
    "unknown-key": {"when": "later"},
    "name: with a colon": {},
    "назва": {},
    "shop.tasks.add(1, 2)": {"args": (1, 2)},
}
ENTRIES: dict[str, dict[str, Any]] = {
    **{name: {"task": f"shop.{name}", "schedule": value} for name, value in SCHEDULES.items()},
    **{name: {"task": f"shop.{name}", **content} for name, content in CLOCKED.items()},
    **{name: {"task": "shop.content", "schedule": 60, **content} for name, content in CONTENTS.items()},
}
DIFFERENCES: dict[str, tuple[set[str], str]] = {
    **dict.fromkeys(
        ["minute-list", "minute-set", "minute-tuple", "minute-range", "hour-list", "weekday-set", "month-set"],
        ({"crontab"}, "it stores str() of the numbers, which celery cannot read, so the row never runs"),
    ),
    **dict.fromkeys(
        ["half-second", "milliseconds"], ({"interval"}, "it stores whole seconds; 0 is due at every check")
    ),
    **dict.fromkeys(
        ["expires-number", "expires-float", "expires-timedelta"], ({"expire_seconds"}, "it drops the option expires")
    ),
    **dict.fromkeys(["expires-datetime", "expires-text"], ({"expires"}, "it drops the option expires")),
}
"""The fields in which our rows differ from those of django-celery-beat, and what it does instead."""
NOT_WRITTEN = {
    "queue-object": "it cannot store the object, whose name is what is meant",
    "exchange-object": "it cannot store the object, whose name is what is meant",
    "clocked-without-one-off": "it refuses a clocked row that is no one-off",
    "unknown-key": "it refuses a key that is no column",
}
"""The entries that django-celery-beat does not write at all."""
