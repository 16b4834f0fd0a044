from __future__ import annotations

import calendar
from decimal import Decimal

import pytest
from django_celery_beat.models import SolarSchedule
from hypothesis import given
from hypothesis import strategies as st

from beatsync.specfile import solar
from beatsync.specfile.problems import SpecError
from beatsync.values import Solar


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        (13, "13.000000"),
        (13.405, "13.405000"),
        ("13.405", "13.405000"),
        (" -0.1278 ", "-0.127800"),
        (Decimal("1.2345675"), "1.234568"),
        (Decimal("1.2345665"), "1.234566"),
        (-0.0, "0.000000"),
        ("-0.0000001", "0.000000"),
        ("9e1", "90.000000"),
        (-90, "-90.000000"),
    ],
)
def test_coordinates_have_six_places(given_value: solar.Number, text: str) -> None:
    value = solar.from_mapping("sunrise", given_value, given_value)
    assert (str(value.latitude), str(value.longitude)) == (text, text)


@pytest.mark.parametrize(
    ("event", "latitude", "longitude", "code", "field"),
    [
        ("sunrize", 0, 0, "solar-event", "event"),
        ("", 0, 0, "solar-event", "event"),
        ("sunset", 90.000001, 0, "solar-range", "latitude"),
        ("sunset", 0, -180.5, "solar-range", "longitude"),
        ("sunset", float("nan"), 0, "solar-range", "latitude"),
        ("sunset", 0, "sNaN", "solar-range", "longitude"),
        ("sunset", 0, "-inf", "solar-range", "longitude"),
        ("sunset", "52°31'", 0, "solar-coordinate", "latitude"),
        ("sunset", "", 0, "solar-coordinate", "latitude"),
        ("sunset", "1_0", 0, "solar-coordinate", "latitude"),
        ("sunset", "٣", 0, "solar-coordinate", "latitude"),
        ("sunset", 0, True, "solar-coordinate", "longitude"),
        ("sunset", 0, "1" * 100, "solar-coordinate", "longitude"),
    ],
)
def test_refusals(event: str, latitude: solar.Number, longitude: solar.Number, code: str, field: str) -> None:
    # What equals a good value and is no number must not be found in the memory of good ones.
    solar.from_mapping("sunset", 0, 1)
    with pytest.raises(SpecError) as caught:
        solar.from_mapping(event, latitude, longitude)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_the_nearest_event_is_offered() -> None:
    for wrong, right in (("sunrize", "sunrise"), ("Solar Noon", "solar_noon"), ("dawn-civil", "dawn_civil")):
        with pytest.raises(SpecError) as caught:
            solar.from_mapping(wrong, 0, 0)
        assert caught.value.hint == f"did you mean {right}?"
    with pytest.raises(SpecError) as caught:
        solar.from_mapping("xyz", 0, 0)
    assert "solar_noon" in (caught.value.hint or "")


def test_events_and_limits_are_the_models() -> None:
    assert set(solar.EVENTS) == {value for value, _ in SolarSchedule._meta.get_field("event").choices}
    for name, limit in solar.LIMITS.items():
        limits = {v.limit_value for v in SolarSchedule._meta.get_field(name).validators if hasattr(v, "limit_value")}
        assert limits == {-limit, limit}


@given(
    st.sampled_from(solar.EVENTS),
    st.decimals(-90, 90) | st.floats(-90, 90) | st.integers(-90, 90),
    st.decimals(-180, 180) | st.floats(-180, 180),
)
def test_normal_form_is_idempotent_and_fits_the_columns(
    event: str, latitude: solar.Number, longitude: solar.Number
) -> None:
    try:
        value = solar.from_mapping(event, latitude, longitude)
    except SpecError as error:
        assert error.code == "solar-coordinate"  # noqa: PT017  a decimal of more than 64 characters
        return
    assert solar.from_mapping(value.event, value.latitude, value.longitude) == value
    assert solar.observed(value.event, value.latitude, value.longitude) == value
    for name in solar.LIMITS:
        coordinate = getattr(value, name)
        SolarSchedule._meta.get_field(name).run_validators(coordinate)
        assert coordinate.as_tuple().exponent == -6
        assert not (coordinate.is_zero() and coordinate.is_signed())


def test_a_row_out_of_range_stays_as_it_is() -> None:
    row = ("moonrise", Decimal("91.5"), Decimal(0))
    assert solar.observed(*row) == Solar(*row)
    assert solar.observed("sunset", Decimal("91.5"), Decimal(0)) == Solar("sunset", Decimal("91.5"), Decimal(0))


@given(st.text(max_size=10), st.decimals(), st.decimals())
def test_observing_never_raises(event: str, latitude: Decimal, longitude: Decimal) -> None:
    assert solar.observed(event, latitude, longitude).event == event


@pytest.mark.parametrize("event", solar.EVENTS)
@pytest.mark.parametrize("latitude", [-88, -67, -61, -55, -45, 0, 45, 48, 50, 54, 56, 60, 61, 65, 67, 88])
def test_months_without_an_event_agree_with_ephem(event: str, latitude: int) -> None:
    import ephem
    from celery.schedules import solar as celery_solar

    entry = celery_solar(event, latitude, 0)
    if event == "dusk_astronomical":
        entry.cal.horizon = "-18"  # celery 5.4 has the sun above the horizon
    options = {"use_center": True} if entry.use_center else {}
    missing = []
    for month in (6, 12):
        try:
            getattr(entry.cal, entry.method)(ephem.Sun(), start=ephem.Date((2027, month, 21)), **options)
        except ephem.CircumpolarError:
            missing.append(calendar.month_name[month])
    months = solar.months_without(event, Decimal(latitude))
    assert [month for month in months if month in {"June", "December"}] == missing
