from __future__ import annotations

from datetime import timedelta

import pytest
from django_celery_beat.models import IntervalSchedule
from hypothesis import given
from hypothesis import strategies as st

from beatsync.specfile import interval
from beatsync.specfile.problems import SpecError
from beatsync.values import Interval

DAY = 86_400_000_000


def microseconds(value: Interval) -> int:
    return value.every * interval.PERIODS[value.period]


@pytest.mark.parametrize(
    ("text", "every", "period"),
    [
        ("30s", 30, "seconds"),
        ("60s", 1, "minutes"),
        ("90s", 90, "seconds"),
        ("5m", 5, "minutes"),
        ("60m", 1, "hours"),
        ("1h30m", 90, "minutes"),
        ("1h 30m", 90, "minutes"),
        (" 1d  2h ", 26, "hours"),
        ("48h", 2, "days"),
        ("2d", 2, "days"),
        ("1w", 7, "days"),
        ("250ms", 250_000, "microseconds"),
        ("1000ms", 1, "seconds"),
        ("100us", 100, "microseconds"),
        ("100µs", 100, "microseconds"),
        ("1.5h", 90, "minutes"),
        ("0.5s", 500_000, "microseconds"),
        ("0h5m", 5, "minutes"),
        ("PT5M", 5, "minutes"),
        ("P1DT2H", 26, "hours"),
        ("PT0.5S", 500_000, "microseconds"),
        ("PT0,5S", 500_000, "microseconds"),
        ("P1W", 7, "days"),
        ("P2D", 2, "days"),
        ("PT1H30M", 90, "minutes"),
        ("36525d", 36525, "days"),
        ("2147483647us", 2147483647, "microseconds"),
    ],
)
def test_text(text: str, every: int, period: str) -> None:
    assert interval.from_text(text) == Interval(every, period)


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("", "interval-syntax", "PT5M"),
        ("5", "interval-syntax", "5s"),
        ("5 m", "interval-syntax", "5m"),
        ("5 minutes", "interval-unit", "5m"),
        ("10seconds", "interval-unit", "10s"),
        ("5min", "interval-unit", "5m"),
        ("5M", "interval-unit", "5m"),
        ("3x", "interval-unit", "w, d, h"),
        ("-5m", "interval-syntax", None),
        ("+5m", "interval-syntax", None),
        ("soon", "interval-syntax", None),
        ("1h1h", "interval-syntax", None),
        ("30m1h", "interval-syntax", None),
        ("1m30", "interval-syntax", None),
        ("1h,30m", "interval-syntax", None),
        ("٣s", "interval-syntax", None),
        ("1e3s", "interval-unit", None),
        ("0s", "interval-range", "1us"),
        ("PT0S", "interval-range", "1us"),
        ("0.5us", "interval-range", None),
        ("36526d", "interval-range", None),
        ("999999999999999999w", "interval-range", None),
        ("2147483649us", "interval-range", "round"),
        ("1y", "interval-ambiguous", "days"),
        ("2 months", "interval-ambiguous", None),
        ("1mo", "interval-ambiguous", None),
        ("P1Y", "interval-ambiguous", None),
        ("P5M", "interval-ambiguous", "PT5M"),
        ("P", "interval-syntax", "PT5M"),
        ("PT", "interval-syntax", None),
        ("P1DT", "interval-syntax", None),
        ("P5", "interval-syntax", None),
        ("PT1.5H3M", "interval-syntax", None),
        ("-PT5M", "interval-syntax", None),
    ],
)
def test_refusals(text: str, code: str, hint: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        interval.from_text(text)
    assert caught.value.code == code
    if hint is not None:
        assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("every", "period", "code", "hint"),
    [
        (1, "minute", "interval-period", "did you mean minutes?"),
        (1, "Hours", "interval-period", "did you mean hours?"),
        (1, "fortnight", "interval-period", "days, hours"),
        (0, "seconds", "interval-range", None),
        (-1, "seconds", "interval-range", None),
        (36526, "days", "interval-range", None),
        (2**31 + 1, "microseconds", "interval-range", "round it"),
        (True, "seconds", "interval-type", None),
        (1.0, "seconds", "interval-type", None),
        ("1", "seconds", "interval-type", None),
    ],
)
def test_mapping_refusals(every: int, period: str, code: str, hint: str | None) -> None:
    # What equals a good value and is no number must not be found in the memory of good ones.
    interval.from_mapping(1, "seconds")
    with pytest.raises(SpecError) as caught:
        interval.from_mapping(every, period)
    assert caught.value.code == code
    assert caught.value.field == ("period" if code == "interval-period" else "every")
    if hint is not None:
        assert hint in (caught.value.hint or "")
    assert interval.observed(every, period) == Interval(every, period)


def test_periods_are_the_models() -> None:
    assert set(interval.PERIODS) == {value for value, _ in IntervalSchedule.PERIOD_CHOICES}


@given(st.integers(1, 2**31 - 1), st.sampled_from(list(interval.PERIODS)))
def test_the_normal_form_is_the_same_time_in_the_largest_whole_period(every: int, period: str) -> None:
    value = interval.observed(every, period)
    size = every * interval.PERIODS[period]
    assert microseconds(value) == size
    if size > 36525 * DAY:
        assert value == Interval(every, period)
        return
    assert all(size % larger for larger in interval.PERIODS.values() if larger > interval.PERIODS[value.period])
    assert interval.from_mapping(value.every, value.period) == value
    assert IntervalSchedule(every=value.every, period=value.period).schedule.run_every == timedelta(microseconds=size)


@given(st.tuples(st.integers(0, 50), st.integers(0, 90), st.integers(0, 90), st.integers(0, 90)).filter(any))
def test_both_notations_agree(given_parts: tuple[int, int, int, int]) -> None:
    days, hours, minutes, seconds = given_parts
    short = interval.from_text(f"{days}d{hours}h{minutes}m{seconds}s")
    assert short == interval.from_text(f"P{days}DT{hours}H{minutes}M{seconds}S")
    assert timedelta(microseconds=microseconds(short)) == timedelta(days, seconds, 0, 0, minutes, hours)


@given(st.text(max_size=12) | st.text("0123456789.hmsdwPTYu ", max_size=12))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        value = interval.from_text(text)
    except SpecError as error:
        assert error.code.startswith("interval-")  # noqa: PT017  a property, not one expected error
    else:
        assert 1 <= value.every <= interval.MAX_EVERY
        assert microseconds(value) <= 36525 * DAY


@given(st.integers(), st.text(max_size=8) | st.sampled_from(list(interval.PERIODS)))
def test_observing_never_raises(every: int, period: str) -> None:
    value = interval.observed(every, period)
    assert interval.observed(value.every, value.period) == value


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("1s", 1), ("1000ms", 1), ("PT1H", 3600), ("2147483647s", 2147483647)]
)
def test_whole_seconds(text: str, seconds: int) -> None:
    assert interval.seconds_from_text(text) == seconds


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("500ms", "interval-range"),
        ("1.5s", "interval-range"),
        ("2147483648s", "interval-range"),
        ("0s", "interval-range"),
        ("300", "interval-syntax"),
        ("1y", "interval-ambiguous"),
    ],
)
def test_seconds_refusals(text: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        interval.seconds_from_text(text)
    assert caught.value.code == code


def test_a_text_is_parsed_once() -> None:
    assert interval.from_text("17m") is interval.from_text("17m")
