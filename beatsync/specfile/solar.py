"""Solar schedules: an event of the sun, seen from a place with coordinates of six decimal places (about 0.1 m).

Far from the equator there are days without an event: it is never dark enough for `dawn_astronomical` in a London June. Whether an
event occurs on a day follows from the latitude and the sun's declination, by an approximation that is wrong by less than 0.5 degrees of latitude.
"""

from __future__ import annotations

import calendar
import math
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any, Final, Union

from beatsync.specfile.installed import CELERY_APP
from beatsync.specfile.problems import SpecError, suggestion
from beatsync.values import Solar

EVENTS = (
    "dawn_astronomical", "dawn_nautical", "dawn_civil", "sunrise", "solar_noon",
    "sunset", "dusk_civil", "dusk_nautical", "dusk_astronomical",
)  # fmt: skip
"""django-celery-beat's names, in the order of a day."""
LIMITS = {"latitude": 90, "longitude": 180}
"""The largest absolute value of each coordinate, in degrees."""

_ALTITUDES: Final = {"civil": -6.0, "nautical": -12.0, "astronomical": -18.0}
_SUNRISE: Final = -0.83
"""Altitude of the sun's centre, in degrees, when its upper limb is at the horizon."""
_YEAR = 2026
"""The sun's declination on a date is the same in every year, to 0.3 degrees."""

Number = Union[int, float, str, Decimal]
_SIX_PLACES = Decimal("0.000001")
_MAX_TEXT = 64


@lru_cache(maxsize=65536, typed=True)
def from_mapping(event: str, latitude: Number, longitude: Number) -> Solar:
    """Return a solar schedule in normal form; raises SpecError: `solar-event`, `solar-coordinate`, `solar-range`."""
    if event not in EVENTS:
        wanted = str(event).strip().lower().replace(" ", "_")
        hint = suggestion(wanted, EVENTS, f"one of {', '.join(EVENTS)}", cutoff=0.5)
        raise SpecError("solar-event", f"there is no solar event {event!r}", hint, field="event")
    return Solar(event, _coordinate("latitude", latitude), _coordinate("longitude", longitude))


def observed(event: str, latitude: Decimal, longitude: Decimal) -> Solar:
    """Return a database row's solar schedule: in normal form if it is valid, else unchanged. Never raises."""
    try:
        return from_mapping(event, latitude, longitude)
    except (SpecError, TypeError):  # a signalling NaN has no hash
        return Solar(event, latitude, longitude)


@lru_cache(maxsize=65536)
def months_without(event: str, latitude: Decimal) -> tuple[str, ...]:
    """Return the months in which there are days without the event at a latitude."""
    if event == "solar_noon":
        return ()
    altitude = _ALTITUDES.get(event.rpartition("_")[2], _SUNRISE)
    names = zip(calendar.month_name[1:], _declinations(), strict=True)
    return tuple(name for name, extremes in names if not all(_occurs(altitude, float(latitude), d) for d in extremes))


def celery_schedule(schedule: Solar, now: datetime) -> Any:
    """Return celery's own schedule, whose clock stands at `now`. Raises ImportError if celery or ephem is missing."""
    from celery.exceptions import ImproperlyConfigured
    from celery.schedules import solar

    latitude, longitude = float(schedule.latitude), float(schedule.longitude)
    try:
        return solar(schedule.event, latitude, longitude, nowfun=lambda: now, app=CELERY_APP)
    except ImproperlyConfigured as error:  # from celery 5.7 on
        raise ImportError(str(error)) from error


@cache
def ends_beat() -> bool:
    """Return whether the installed celery raises TypeError, which ends beat, on a day without an event (docs/facts.md, 44)."""
    midsummer = datetime(_YEAR, 6, 21, tzinfo=timezone.utc)
    try:
        celery_schedule(Solar("sunrise", Decimal(88), Decimal(0)), midsummer).remaining_estimate(midsummer)
    except TypeError:
        return True
    except ImportError:
        pass
    return False


def _occurs(altitude: float, latitude: float, declination: float) -> bool:
    """Return whether the sun passes an altitude between its lowest point, at midnight, and its highest, at noon; in degrees."""
    return abs(latitude + declination) - 90 < altitude < 90 - abs(latitude - declination)


@cache
def _declinations() -> tuple[tuple[float, float], ...]:
    """Return the least and the greatest declination of the sun in each month, in degrees."""
    extremes = []
    for month in range(1, 13):
        first = date(_YEAR, month, 1).toordinal() - date(2000, 1, 1).toordinal()
        days = range(first, first + calendar.monthrange(_YEAR, month)[1])
        extremes.append((min(map(_declination, days)), max(map(_declination, days))))
    return tuple(extremes)


def _declination(day: int) -> float:
    """Return the sun's declination in degrees at noon of a day counted from 2000-01-01, by the low-precision formula of almanacs."""
    anomaly = math.radians(357.529 + 0.98560028 * day)
    longitude = 280.459 + 0.98564736 * day + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    return math.degrees(math.asin(math.sin(math.radians(23.436)) * math.sin(math.radians(longitude))))


def _coordinate(name: str, value: Number) -> Decimal:
    # A float is converted through its shortest text, so that 13.405 is 13.405 and not its binary neighbour.
    text = str(value).strip()
    if isinstance(value, bool) or len(text) > _MAX_TEXT or "_" in text or not text.isascii():
        raise SpecError("solar-coordinate", f"{name} {text[:_MAX_TEXT]!r} is not a number", field=name)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        hint = "degrees in decimals, south and west negative: -33.86"
        raise SpecError("solar-coordinate", f"{name} {text!r} is not a number", hint, field=name) from error
    limit = LIMITS[name]
    if not number.is_finite() or abs(number) > limit:
        raise SpecError("solar-range", f"{name} {text} is not between -{limit} and {limit}", field=name)
    # Adding zero removes the sign of -0, which is equal to 0 but has another text.
    return number.quantize(_SIX_PLACES, rounding=ROUND_HALF_EVEN) + 0
