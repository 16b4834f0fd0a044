"""The next runs over 400 days are those of a beat that asks the installed celery, for generated schedules."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import schedules as celery_schedules

from beatsync.plan.nextruns import next_runs
from beatsync.specfile import crontab, solar
from beatsync.specfile.clockchanges import next_change
from beatsync.specfile.installed import CELERY_APP, celery_crontab
from beatsync.values import Crontab, Interval, Schedule, Solar

UTC = timezone.utc
START = datetime(2026, 2, 20, 23, 47, tzinfo=UTC)
DAYS = timedelta(days=400)
MINUTE, NEAR = timedelta(minutes=1), timedelta(hours=4)
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "Atlantic/Azores",
    "Africa/Casablanca", "Africa/Cairo", "Asia/Kathmandu", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll",
)  # fmt: skip
"""Among them changes at midnight, by half an hour and by two hours, and zones without any."""


def generated(seed: int) -> Schedule:
    """Return one schedule; a dense one is rare, because asking celery for each of its runs takes seconds."""
    chance = random.Random(seed)
    kind = chance.random()
    if kind < 0.04:
        return Interval(chance.choice((1, 7, 36)), chance.choice(("hours", "days")))
    if kind < 0.08:
        event = chance.choice(("sunrise", "sunset", "solar_noon"))
        return Solar(event, Decimal(chance.randrange(-60, 60)), Decimal(chance.randrange(-170, 170)))
    fields = [
        chance.choice(("0", "30", "59", "5,35", "*/20", str(chance.randrange(60)))),
        chance.choice(("0", "1", "2", "3", "23", "1-3", "0,12", "*/6", "2,3", str(chance.randrange(24)))),
        chance.choice(("*", "*", "*", "1", "29-31", "*/2", str(chance.randrange(1, 29)))),
        chance.choice(("*", "*", "*", "3", "10,11", "*/3")),
        chance.choice(("*", "*", "0", "1-5", "0,6", "2")),
    ]
    if kind > 0.99:
        fields = [chance.choice(("*/5", "7")), "*", "*", chance.choice(("3", "10")), "*"]
    return crontab.from_expression(" ".join(fields), chance.choice(ZONES))


def celery_entry(schedule: Schedule) -> Any:
    if isinstance(schedule, Crontab):
        return celery_crontab(schedule, START)
    if isinstance(schedule, Solar):
        return solar.celery_schedule(schedule, START)
    assert isinstance(schedule, Interval)
    return celery_schedules.schedule(timedelta(**{schedule.period: schedule.every}), app=CELERY_APP)


def beat_runs(schedule: Schedule) -> Iterator[datetime]:
    """Yield the runs of a beat that waits as long as celery says, and checks once a minute while the clocks change."""
    entry = celery_entry(schedule)
    zone = schedule.timezone if isinstance(schedule, Crontab) else "UTC"
    now = last = START
    while now < START + DAYS:
        entry.nowfun = lambda: now.astimezone(ZoneInfo(zone))  # noqa: B023
        due, seconds = entry.is_due(last.astimezone(ZoneInfo(zone)))
        if due:
            yield now
            last = now
        wait = max(timedelta(seconds=seconds), timedelta(microseconds=1))
        change = datetime.fromtimestamp(next_change(zone, int((now - NEAR).timestamp())), UTC)
        if isinstance(schedule, Crontab):
            wait = min(wait, MINUTE if now >= change - NEAR else change - NEAR - now)
        now += wait


def assert_equal_runs(seeds: range) -> None:
    for seed in seeds:
        schedule = generated(seed)
        expected = list(beat_runs(schedule))
        assert list(next_runs(schedule, START, START + DAYS)) == expected, schedule


@pytest.mark.parametrize("part", range(3))
def test_400_days_are_those_of_the_installed_celery(part: int) -> None:
    assert_equal_runs(range(part * 8, part * 8 + 8))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(40))
def test_400_days_of_many_schedules_are_those_of_the_installed_celery(part: int) -> None:
    assert_equal_runs(range(1000 + part * 55, 1000 + part * 55 + 55))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"])
def test_changes_of_the_clocks_are_those_of_the_zone(zone: str) -> None:
    hours = [START + timedelta(hours=hour) for hour in range(400 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    expected = [later for later, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]
    changes, last = [], int(START.timestamp())
    while (last := next_change(zone, last)) < hours[-1].timestamp():
        changes.append(datetime.fromtimestamp(last, UTC))
    real = [change for change in changes if (change.month, change.day) != (1, 1)]
    assert [change.replace(minute=0) for change in real] == [hour.replace(minute=0) for hour in expected]
