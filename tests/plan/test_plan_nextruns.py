"""The next runs are those of beat with the installed celery; the shortest gap is that of the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beatsync.plan import firing
from beatsync.plan.nextruns import next_runs, shortest_gap
from beatsync.plan.observed import Row
from beatsync.specfile import crontab
from beatsync.values import Clocked, Crontab, Interval, Solar, TaskSpec

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# The evening before the clocks change: Berlin, New York, and Lord Howe by half an hour.
EVENINGS = [datetime(2026, *day, 22, tzinfo=UTC) for day in ((3, 28), (10, 24), (3, 7), (10, 31), (4, 4), (10, 3))]


def beat_runs(schedule: Crontab, after: datetime, minutes: int) -> list[datetime]:
    """Return the runs of a beat that checks once a minute."""
    runs, last = [], after
    for number in range(1, minutes + 1):
        now = after + number * MINUTE
        row = Row(row_id=1, spec=TaskSpec("a", "t", schedule), last_run_at=last)
        if firing.is_due(row, now):
            runs.append(now)
            last = now
    return runs


@given(
    st.sampled_from(["*/20", "0", "30", "5,35", "59"]),
    st.sampled_from(["*", "0", "2", "1-3", "*/6", "2,3", "23"]),
    st.sampled_from(["*", "0", "0,6"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.sampled_from(EVENINGS),
)
@example("30", "2", "*", "Europe/Berlin", EVENINGS[0])
@example("30", "2", "*", "Europe/Berlin", EVENINGS[1])
@example("30", "*", "*", "Europe/Berlin", EVENINGS[1])
@settings(max_examples=15, deadline=None)
def test_they_are_the_runs_of_beat_over_a_clock_change(
    minute: str, hour: str, weekday: str, zone: str, after: datetime
) -> None:
    schedule = Crontab(minute, hour, "*", "*", weekday, zone)
    expected = beat_runs(schedule, after, 30 * 60)
    runs = list(islice(next_runs(schedule, after), len(expected) + 1))
    assert runs[:-1] == expected
    assert runs[-1] > after + 30 * 60 * MINUTE


def test_an_interval_counts_from_the_last_run() -> None:
    assert list(islice(next_runs(Interval(90, "minutes"), NOON), 2)) == [NOON + 90 * MINUTE, NOON + 180 * MINUTE]


def test_a_clocked_schedule_runs_once() -> None:
    assert list(next_runs(Clocked(NOON), NOON - MINUTE)) == [NOON]
    assert not list(next_runs(Clocked(NOON), NOON))


def test_the_sun_rises_once_a_day() -> None:
    runs = list(islice(next_runs(Solar("sunrise", Decimal("52.52"), Decimal("13.405")), NOON), 400))
    assert {round((later - earlier) / timedelta(hours=1)) for earlier, later in pairwise(runs)} == {24}


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("* * * * *", 1),
        ("*/20 * * * *", 20),
        ("0 * * * *", 60),
        ("0,50 * * * *", 10),
        ("59,1 0,23 * * *", 2),
        ("0 6 * * *", 1440),
        ("0 6,20 * * *", 600),
        ("0 0,22 * * 1", 1320),
        ("0 6 * * 1,2,5", 1440),
        ("0 6 * * 1", 7 * 1440),
        ("0 6 1 * *", 28 * 1440),
        ("0 6 1,31 * *", 1440),
        ("0 6 1,31 * 1", 28 * 1440),
        ("0 6 29 2 *", 1461 * 1440),
    ],
)
def test_the_shortest_gap(expression: str, minutes: int) -> None:
    assert shortest_gap(crontab.from_expression(expression, "Europe/Berlin")) == timedelta(minutes=minutes)


def test_a_crontab_that_runs_once_in_28_years_has_no_gap() -> None:
    assert shortest_gap(crontab.from_expression("0 6 29 2 5", "UTC")) is None
