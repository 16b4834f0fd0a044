"""The arguments of `once`: when the task runs, and how long its row is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from beatsync.dynamic.declare import problem_of
from beatsync.specfile.interval import MAX_DAYS, seconds_from_text
from beatsync.specfile.problems import Problem, SpecError
from beatsync.store import Retention
from beatsync.values import Clocked, Declared

_LATEST = datetime.max.replace(tzinfo=timezone.utc)
_LONGEST = timedelta(days=MAX_DAYS)


class OneOffArguments(NamedTuple):
    """What `once` was called with, besides the fields of the spec format."""

    at: Any
    after: Any
    keep_for: Any

    @property
    def time_argument(self) -> str:
        """Return the argument that names the time."""
        return "at" if self.after is None else "after"

    def clocked(self, now: datetime) -> Any:
        """Return the time as a value of `clocked`; any time if there is a problem."""
        if self.after is None:
            return now if self.at is None else self.at
        try:
            return now + _duration(self.after)
        except SpecError:
            return now

    def problems(self, name: str, fields: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield the problems of these arguments."""
        if (self.at is None) is (self.after is None):
            yield problem_of(name, "at", SpecError("missing-key", "pass exactly one of `at` and `after`"))
        if fields.get("clocked") is not None:
            yield problem_of(name, "clocked", SpecError("unknown-key", "`clocked` is not available here", "pass `at`"))
        if self.after is not None:
            try:
                _duration(self.after)
            except SpecError as error:
                yield problem_of(name, "after", error)
        if not isinstance(self.keep_for, timedelta):
            message = f"a {type(self.keep_for).__qualname__} is no value of `keep_for`"
            yield problem_of(name, "keep_for", SpecError("wrong-type", message, "pass a timedelta"))
        elif not timedelta(0) <= self.keep_for <= _LONGEST:
            message = f"it is negative, or longer than a hundred years ({MAX_DAYS} days)"
            yield problem_of(name, "keep_for", SpecError("out-of-range", message))

    def retention(self, declared: Declared) -> Retention:
        """Return when the row is removed at the earliest."""
        if not isinstance(declared.spec.schedule, Clocked):
            raise TypeError("a one-off has a clocked schedule")
        time = declared.spec.schedule.clocked_time
        return Retention(time + self.keep_for if time <= _LATEST - self.keep_for else _LATEST, self.keep_for)


def _duration(value: Any) -> timedelta:
    """Return a duration. Raises SpecError."""
    if isinstance(value, str):
        return timedelta(seconds=seconds_from_text(value))
    if not isinstance(value, timedelta):
        message = f"a {type(value).__qualname__} is no value of `after`"
        raise SpecError("wrong-type", message, "pass a timedelta, or a text such as 30m")
    if value > _LONGEST:
        raise SpecError("out-of-range", f"it is longer than a hundred years ({MAX_DAYS} days)")
    return value
