"""Times and time zones: text → an aware datetime in UTC, without guessing.

A local time that the zone's clocks skip, or show twice, is refused; so is a zone that django-celery-beat's field would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from beatsync.specfile.problems import SpecError, nearest

MAX_ZONE_LENGTH = 63
"""Length of django-celery-beat's column."""

# These exist on some machines only, and differ between them.
_MACHINE_ZONES = frozenset({"Factory", "localtime", "posixrules"})
_HINT = "write it as 2027-01-05T03:00:00+01:00"
_TEXT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:(?:[Tt]|[ ]+)(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"(?:[ ]*(?P<offset>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
_MICROSECOND_DIGITS = 6
_MAX_TYPOS = 3
"""Characters by which the length of a misspelt zone may differ."""
_OFFSET_ZONE = re.compile(r"(?:etc/)?(?:gmt|utc)?[+-]?[0-9]{1,2}(?::?[0-9]{2})?")


@lru_cache(maxsize=65536)
def from_text(text: str, timezone_name: str) -> datetime:
    """Return an ISO 8601 date or date-time in UTC; without an offset it is local time in the named zone.

    Raises SpecError: `time-syntax`, `time-range`, `time-gap`, `time-ambiguous`, `timezone-unknown`.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise SpecError("time-syntax", f"{text!r} is not an ISO 8601 date and time", _HINT)
    local = _local(text, match)
    offset = match["offset"]
    try:
        if offset is None:
            return _in_zone(local, zone(timezone_name))
        return (local - _offset(text, offset)).replace(tzinfo=timezone.utc)
    except OverflowError as error:
        raise SpecError("time-range", f"{text!r} is outside the years 1 to 9999 in UTC") from error


def is_local(value: object) -> bool:
    """Return whether a value is a date or a date-time without an offset, whose zone must be known."""
    match = _TEXT.fullmatch(value.strip()) if isinstance(value, str) else None
    return match is not None and match["offset"] is None


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return an IANA time zone. Raises SpecError `timezone-unknown`, whose hint is the nearest name."""
    if name in zone_names() and len(name) <= MAX_ZONE_LENGTH:
        return ZoneInfo(name)
    close = _nearest_zone(name)
    hint = f"did you mean {close}?" if close else "use an IANA name such as UTC or Europe/Berlin"
    raise SpecError("timezone-unknown", f"there is no time zone {name[:80]!r}", hint)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the IANA names that every machine has; longer ones than `MAX_ZONE_LENGTH` included."""
    from zoneinfo import available_timezones  # reads a directory tree: 30 ms

    return frozenset(available_timezones() - _MACHINE_ZONES)


def _nearest_zone(name: str) -> str | None:
    wanted = name.strip().replace(" ", "_").casefold()
    if _OFFSET_ZONE.fullmatch(wanted):
        return None  # GMT+1 does not mean Etc/GMT+1, whose sign is reversed
    zones, cities = _folded_zones()
    # Comparing a name with all 600 takes longer than reading a whole schedule.
    similar = (
        key
        for key in zones
        if abs(len(key) - len(wanted)) <= _MAX_TYPOS and (key[:1] == wanted[:1] or key[-3:] == wanted[-3:])
    )
    return zones.get(wanted) or cities.get(wanted) or zones.get(nearest(wanted, similar, cutoff=0.75) or "")


@lru_cache(maxsize=1)
def _folded_zones() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the names of zones by their name without case, and by that of their city, which people remember."""
    zones = {name.casefold(): name for name in sorted(zone_names())}
    return zones, {key.rpartition("/")[2]: name for key, name in zones.items() if "/" in key}


def _local(text: str, match: re.Match[str]) -> datetime:
    fraction = match["fraction"] or ""
    if fraction[_MICROSECOND_DIGITS:].strip("0"):
        raise SpecError("time-precision", f"{text!r} is finer than a microsecond", "leave at most six decimal places")
    if match["hour"] == "24":
        raise SpecError("time-range", f"{text!r}: hours go from 00 to 23", "write 00:00 of the next day")
    try:
        day = date.fromisoformat(match["date"])
    except ValueError as error:
        raise SpecError("time-range", f"{text!r}: there is no day {match['date']}") from error
    try:
        clock = ":".join(match[unit] or "00" for unit in ("hour", "minute", "second"))
        return datetime.combine(day, time.fromisoformat(f"{clock}.{fraction[:_MICROSECOND_DIGITS]:0<6}"))
    except ValueError as error:
        raise SpecError("time-range", f"{text!r}: hours go from 00 to 23, minutes and seconds to 59") from error


def _offset(text: str, offset: str) -> timedelta:
    if offset in ("Z", "z"):
        return timedelta(0)
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004  a clock's own numbers
        raise SpecError("time-range", f"{text!r}: {offset} is not an offset from UTC", "offsets look like +01:00")
    size = timedelta(hours=hours, minutes=minutes)
    return -size if offset[0] == "-" else size


def _in_zone(local: datetime, tz: ZoneInfo) -> datetime:
    early, late = local.replace(tzinfo=tz, fold=0), local.replace(tzinfo=tz, fold=1)
    # PEP 495: if the two folds differ, the clock jumps here; forward if the later offset is the larger one.
    before, after = early.utcoffset() or timedelta(0), late.utcoffset() or timedelta(0)
    if before < after:
        moved = local + (after - before)
        message = f"{local.isoformat(' ')} does not exist in {tz.key}: the clocks are put forward over it"
        raise SpecError("time-gap", message, f"write {moved.isoformat()}, or a time with its offset")
    if before > after:
        message = f"{local.isoformat(' ')} occurs twice in {tz.key}: the clocks are put back over it"
        hint = f"write the offset: {early.isoformat()} for the first, {late.isoformat()} for the second"
        raise SpecError("time-ambiguous", message, hint)
    return early.astimezone(timezone.utc)
