from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timezone_field.backends import get_tz_backend  # type: ignore[import-untyped,unused-ignore]

from beatsync.specfile import times
from beatsync.specfile.problems import SpecError

BERLIN = "Europe/Berlin"
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28))  # noqa: DTZ001  local time is what is tested
ZONES = st.sampled_from([BERLIN, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Monrovia"])


def refused(text: str, zone: str = BERLIN) -> SpecError:
    with pytest.raises(SpecError) as caught:
        times.from_text(text, zone)
    return caught.value


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2027-01-05T03:00:00+01:00", "2027-01-05T02:00:00+00:00"),
        ("2027-01-05T03:00:00Z", "2027-01-05T03:00:00+00:00"),
        ("2027-01-05t03:00:00z", "2027-01-05T03:00:00+00:00"),
        ("2027-01-05 03:00", "2027-01-05T02:00:00+00:00"),
        ("2027-07-05 03:00", "2027-07-05T01:00:00+00:00"),
        ("2027-01-05", "2027-01-04T23:00:00+00:00"),
        ("2027-01-05T03:00:00.5", "2027-01-05T02:00:00.500000+00:00"),
        ("2027-01-05T03:00:00,123456", "2027-01-05T02:00:00.123456+00:00"),
        ("2027-01-05T03:00:00.123456000Z", "2027-01-05T03:00:00.123456+00:00"),
        ("2027-01-05 03:00:00 +0530", "2027-01-04T21:30:00+00:00"),
        ("2027-01-05T03:00-08", "2027-01-05T11:00:00+00:00"),
        ("2027-10-31T02:30:00+02:00", "2027-10-31T00:30:00+00:00"),
        ("2027-10-31T02:30:00+01:00", "2027-10-31T01:30:00+00:00"),
        ("2027-03-28T03:00", "2027-03-28T01:00:00+00:00"),
        ("2027-03-28T01:59:59", "2027-03-28T00:59:59+00:00"),
    ],
)
def test_text(text: str, iso: str) -> None:
    instant = times.from_text(text, BERLIN)
    assert instant.isoformat() == iso
    assert instant.tzinfo is timezone.utc


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("2027-03-28 02:30", "time-gap", "2027-03-28T03:30:00"),
        ("2027-03-28 02:00", "time-gap", "2027-03-28T03:00:00"),
        ("2027-10-31T02:30", "time-ambiguous", "2027-10-31T02:30:00+02:00 for the first"),
        ("2027-10-31T02:00", "time-ambiguous", "2027-10-31T02:00:00+01:00 for the second"),
        ("2027-02-30", "time-range", None),
        ("2027-13-01", "time-range", None),
        ("0000-01-01", "time-range", None),
        ("2027-01-05T24:00", "time-range", "next day"),
        ("2027-01-05T23:60", "time-range", None),
        ("2027-01-05T23:59:60Z", "time-range", None),
        ("2027-01-05T03:00+25:00", "time-range", "+01:00"),
        ("2027-01-05T03:00+01:75", "time-range", "+01:00"),
        ("0001-01-01T00:00+01:00", "time-range", None),
        ("9999-12-31T23:30-01:00", "time-range", None),
        ("2027-01-05T03:00:00.1234567", "time-precision", "six"),
        ("20270105T030000Z", "time-syntax", "2027-01-05"),
        ("2027-01-05T3:00", "time-syntax", None),
        ("2027-01-05Z", "time-syntax", None),
        ("2027-1-5", "time-syntax", None),
        ("tomorrow", "time-syntax", None),
        ("", "time-syntax", None),
        ("٢٠٢٧-01-05", "time-syntax", None),
        ("2027-01-05T03:00 Europe/Berlin", "time-syntax", None),
    ],
)
def test_refusals(text: str, code: str, hint: str | None) -> None:
    error = refused(text)
    assert error.code == code
    if hint is not None:
        assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("0001-01-01", "Asia/Tokyo"),
        ("0001-01-01", "Europe/Berlin"),
        ("9999-12-31T23:59:59", "America/New_York"),
    ],
)
def test_the_ends_of_time_are_refused_in_utc(text: str, zone: str) -> None:
    assert refused(text, zone).code == "time-range"


def test_a_midnight_that_does_not_exist_is_a_gap() -> None:
    error = refused("2018-11-04", "America/Sao_Paulo")
    assert (error.code, error.hint) == ("time-gap", "write 2018-11-04T01:00:00, or a time with its offset")


def test_the_zone_counts_only_without_an_offset() -> None:
    assert refused("2027-01-05", "Mars/Olympus").code == "timezone-unknown"
    assert times.from_text("2027-01-05T00:00Z", "Mars/Olympus").isoformat() == "2027-01-05T00:00:00+00:00"


@given(MOMENTS, ZONES, st.sampled_from(["T", " "]))
def test_local_times_agree_with_zoneinfo(local: datetime, zone: str, separator: str) -> None:
    first = local.replace(tzinfo=ZoneInfo(zone), fold=0)
    second = local.replace(tzinfo=ZoneInfo(zone), fold=1)
    returns = [instant.astimezone(timezone.utc).astimezone(ZoneInfo(zone)) for instant in (first, second)]
    exists = returns[0].replace(tzinfo=None, fold=0) == local
    try:
        instant = times.from_text(local.isoformat(separator), zone)
    except SpecError as error:
        expected = "time-ambiguous" if exists else "time-gap"
        assert error.code == expected  # noqa: PT017  a property, not one expected error
        assert first.utcoffset() != second.utcoffset()
    else:
        assert exists
        assert first.utcoffset() == second.utcoffset()
        assert instant == first


@given(MOMENTS, st.integers(-1439, 1439))
def test_a_written_offset_gives_exactly_that_time(local: datetime, minutes: int) -> None:
    aware = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert times.from_text(aware.isoformat(), BERLIN) == aware
    instant = times.from_text(aware.isoformat(), BERLIN)
    assert times.from_text(instant.isoformat(), "Asia/Tokyo") == instant


@given(st.text(max_size=30) | st.text("0123456789-:TZ+. ", min_size=8, max_size=30))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        instant = times.from_text(text, BERLIN)
    except SpecError as error:
        assert error.code.startswith("time-")  # noqa: PT017  a property, not one expected error
    else:
        assert instant.tzinfo is timezone.utc


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("utc", "did you mean UTC?"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("America/New York", "did you mean America/New_York?"),
        ("Berlin", "did you mean Europe/Berlin?"),
        ("../etc/passwd", None),
        ("", None),
        ("localtime", None),
        ("Factory", None),
        ("x" * 64, None),
    ],
)
def test_unknown_zones(name: str, hint: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        times.zone(name)
    assert caught.value.code == "timezone-unknown"
    assert caught.value.hint
    if hint is not None:
        assert caught.value.hint == hint


def test_every_zone_taken_is_one_that_the_models_field_takes() -> None:
    zone_names = times.zone_names()
    assert zone_names <= set(get_tz_backend(use_pytz=False).base_tzstrs)
    assert len(zone_names) > 400
    assert all(times.zone(name).key == name for name in zone_names)


def test_a_text_is_parsed_once() -> None:
    assert times.from_text("2027-01-05", BERLIN) is times.from_text("2027-01-05", BERLIN)
