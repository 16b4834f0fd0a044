"""Intervals and durations: text → a number of microseconds → the largest whole period that django-celery-beat knows."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn

from beatsync.specfile.problems import SpecError, suggestion
from beatsync.values import Interval

PERIODS = {
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "microseconds": 1,
}
"""django-celery-beat's periods, largest first, in microseconds."""
MAX_EVERY = 2_147_483_647
"""The largest value of the column on every database."""
MAX_DAYS = 36_525
"""A hundred years. Beat fails to load an interval that is longer than Python's timedelta."""

_UNITS = {"w": 7 * PERIODS["days"], "d": PERIODS["days"], "h": PERIODS["hours"], "m": PERIODS["minutes"]}
_UNITS |= {"s": PERIODS["seconds"], "ms": 1000, "us": 1, "µs": 1, "μs": 1}  # the micro sign, and the Greek mu
_WORDS = {"week": "w", "day": "d", "hour": "h", "hr": "h", "minute": "m", "min": "m", "second": "s", "sec": "s"}
_WORDS |= {"millisecond": "ms", "msec": "ms", "microsecond": "us", "usec": "us"}
_LONG_UNITS = frozenset({"y", "yr", "year", "mo", "mon", "month"})
_NUMBER = r"[0-9]{1,18}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER})([^\W\d_]+)[ \t]*")
_ISO = re.compile(
    r"P(?:(?P<Y>{n})Y)?(?:(?P<M>{n})M)?(?:(?P<w>{n})W)?(?:(?P<d>{n})D)?"
    r"(?P<T>T(?:(?P<h>{n})H)?(?:(?P<m>{n})M)?(?:(?P<s>{n})S)?)?".replace("{n}", _NUMBER.replace(r"\.", "[.,]"))
)
_FORMS = "write it as 30s, 5m, 1h30m, 2d or PT5M"


@lru_cache(maxsize=65536)
def from_text(text: str) -> Interval:
    """Return `30s`, `1h 30m`, `250ms`, `PT5M`… in normal form.

    Raises SpecError: `interval-syntax`, `interval-unit`, `interval-ambiguous`, `interval-range`.
    """
    return _normal(_microseconds(text), text)


@lru_cache(maxsize=65536, typed=True)
def from_mapping(every: int, period: str) -> Interval:
    """Return `every` periods in normal form; raises SpecError: `interval-period`, `interval-type`, `interval-range`."""
    if period not in PERIODS:
        hint = suggestion(str(period).strip().lower(), PERIODS, f"one of {', '.join(PERIODS)}", cutoff=0.5)
        raise SpecError("interval-period", f"there is no period {period!r}", hint, field="period")
    if not isinstance(every, int) or isinstance(every, bool):
        raise SpecError("interval-type", f"every must be a whole number, not {every!r}", field="every")
    if every < 1:
        raise SpecError("interval-range", f"every must be at least 1, not {every}", field="every")
    return _normal(every * PERIODS[period], f"{every} {period}", field="every")


def observed(every: int, period: str) -> Interval:
    """Return a database row's interval: in normal form if it is valid, else unchanged. Never raises."""
    try:
        return from_mapping(every, period)
    except SpecError:
        return Interval(every, period)


@lru_cache(maxsize=65536)
def seconds_from_text(text: str) -> int:
    """Return a duration in whole seconds, from 1 to 2147483647, for `expire_seconds`. Raises SpecError as `from_text` does."""
    seconds, rest = divmod(_microseconds(text), PERIODS["seconds"])
    if rest or not 1 <= seconds <= MAX_EVERY:
        raise SpecError("interval-range", f"{text!r} is not a whole number of seconds from 1 to {MAX_EVERY}")
    return seconds


def is_duration(text: str) -> bool:
    """Return whether a text is a duration, such as `30m`."""
    try:
        seconds_from_text(text)
    except SpecError:
        return False
    return True


def _normal(microseconds: int, shown: str, field: str | None = None) -> Interval:
    if microseconds > MAX_DAYS * PERIODS["days"]:
        raise SpecError("interval-range", f"{shown} is longer than a hundred years ({MAX_DAYS} days)", field=field)
    period = next(name for name, size in PERIODS.items() if not microseconds % size)
    every = microseconds // PERIODS[period]
    if every > MAX_EVERY:
        problem = f"{shown} is {every} {period}, and the column ends at {MAX_EVERY}"
        raise SpecError("interval-range", problem, "round it to whole seconds", field=field)
    return Interval(every, period)


def _microseconds(text: str) -> int:
    stripped = text.strip()
    total = _iso(text, stripped) if stripped[:1] == "P" else _parts(text, stripped)
    if total.denominator != 1:
        raise SpecError("interval-range", f"{text!r} is finer than a microsecond")
    if not total:
        raise SpecError("interval-range", f"{text!r} is zero", "an interval is at least 1us")
    return int(total)


def _parts(text: str, stripped: str) -> Fraction:
    total, position, smallest = Fraction(0), 0, 0
    while match := _PART.match(stripped, position):
        number, word = match.groups()
        size = _UNITS.get(word)
        if size is None:
            _unknown_unit(text, number, word)
        if smallest and size >= smallest:
            raise SpecError("interval-syntax", f"{text!r}: {number}{word} follows a smaller or equal unit", _FORMS)
        total, position, smallest = total + Fraction(number) * size, match.end(), size
    if not position or position < len(stripped):
        _not_a_duration(text, stripped)
    return total


def _iso(text: str, stripped: str) -> Fraction:
    match = _ISO.fullmatch(stripped)
    if match is None or stripped.endswith(("P", "T")):
        raise SpecError("interval-syntax", f"{text!r} is not an ISO 8601 duration", "as in PT5M, P1DT2H or PT0.5S")
    if match["M"]:
        _ambiguous(text, "months are M before the T, minutes behind it: PT5M")
    if match["Y"]:
        _ambiguous(text)
    amounts = [(unit, match[unit].replace(",", ".")) for unit in ("w", "d", "h", "m", "s") if match[unit]]
    if any("." in number for _, number in amounts[:-1]):
        raise SpecError("interval-syntax", f"{text!r}: only the last number may have decimals")
    return sum((Fraction(number) * _UNITS[unit] for unit, number in amounts), Fraction(0))


def _singular(word: str) -> str:
    lowered = word.lower()
    return lowered if lowered in _UNITS or lowered in _WORDS else lowered.rstrip("s")


def unit(word: str) -> str | None:
    """Return the unit that a word such as `hours` means; None if it means none."""
    singular = _singular(word)
    return singular if singular in _UNITS else _WORDS.get(singular)


def _unknown_unit(text: str, number: str, word: str) -> NoReturn:
    if _singular(word) in _LONG_UNITS:
        _ambiguous(text)
    short = unit(word)
    hint = f"write {number}{short}" if short else "the units are w, d, h, m, s, ms and us"
    raise SpecError("interval-unit", f"{text!r}: there is no unit {word!r}", hint)


def _ambiguous(text: str, hint: str = "use days, or a crontab for a day of the month") -> NoReturn:
    raise SpecError("interval-ambiguous", f"{text!r}: months and years have no fixed length", hint)


def _not_a_duration(text: str, stripped: str) -> NoReturn:
    shown, hint = f"{text[:80]!r} is not a duration", _FORMS
    if stripped.startswith(("-", "+")):
        shown += ": it has no sign"
    elif re.fullmatch(_NUMBER, stripped):
        shown, hint = f"{shown}: the unit is missing", f"write {stripped}s for seconds"
    elif spaced := re.fullmatch(rf"({_NUMBER})\s+([^\W\d_]+)", stripped):
        number, word = spaced.groups()
        if word not in _UNITS:
            _unknown_unit(text, number, word)
        shown, hint = f"{text!r}: a space between number and unit", f"write {number}{word}"
    raise SpecError("interval-syntax", shown, hint)
