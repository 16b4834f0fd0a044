"""Solar schedules: an event of the sun, seen from a place with coordinates of six decimal places (about 0.1 m)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache
from typing import Union

from beatsync.specfile.problems import SpecError, suggestion
from beatsync.values import Solar

EVENTS = (
    "dawn_astronomical", "dawn_nautical", "dawn_civil", "sunrise", "solar_noon",
    "sunset", "dusk_civil", "dusk_nautical", "dusk_astronomical",
)  # fmt: skip
"""django-celery-beat's names, in the order of a day."""
LIMITS = {"latitude": 90, "longitude": 180}
"""The largest absolute value of each coordinate, in degrees."""

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
