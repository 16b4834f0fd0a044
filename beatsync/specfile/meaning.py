"""What one schedule means: merged fields → `TaskSpec` and `Policy`, and what is wrong beyond what a schema can say.

Nothing that would crash beat, or that beat would silently pass over, comes out of here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

from beatsync.specfile import crontab, interval, solar, times
from beatsync.specfile.jsontext import canonical
from beatsync.specfile.layers import BAD, KINDS, Merged
from beatsync.specfile.problems import Path, Problem, SpecError
from beatsync.specfile.scalars import Ambiguous
from beatsync.specfile.schema import ambiguous
from beatsync.values import Clocked, OnRemove, Policy, Schedule, TaskSpec

T = TypeVar("T")
_EMPTY = {"args": "[]", "kwargs": "{}", "headers": "{}"}


class Meaning:
    """Reads one schedule's merged fields; `problems` holds what is wrong with them, `spec` and `policy` what they mean."""

    def __init__(self, name: str, merged: Merged, timezone: str) -> None:
        self.problems: list[Problem] = []
        self._merged = merged
        self._given = merged.fields
        self._name = name
        self._default_zone = timezone
        self.policy = self._policy()
        self.spec = self._spec()

    @property
    def enabled_declared(self) -> bool:
        """Whether the files say `enabled`."""
        return "enabled" in self._given

    def _spec(self) -> TaskSpec:
        zone = self._zone()
        schedule = self._schedule(zone)
        spec = TaskSpec(
            name=self._name_checked(),
            task=self._line("task") or "",
            schedule=schedule,
            args=self._json("args"),
            kwargs=self._json("kwargs"),
            headers=self._json("headers"),
            queue=self._line("queue") or None,
            exchange=self._line("exchange") or None,
            routing_key=self._line("routing_key") or None,
            priority=self._take("priority", int),
            expires=self._time("expires", zone),
            expire_seconds=self._take("expire_seconds", _seconds),
            one_off=self._flag("one_off", default=schedule is not None and schedule.kind == "clocked"),
            start_time=self._time("start_time", zone),
            enabled=self._flag("enabled", default=True),
            description=self._take("description", text) or "",
        )
        self._check_whole(spec)
        return spec

    def _check_whole(self, spec: TaskSpec) -> None:
        """Look at what only several fields together can get wrong."""
        if "task" not in self._given:
            self._complain("task", SpecError("missing-key", "`task` is missing", "name the celery task"))
        if not any(kind in self._given for kind in KINDS):
            message = "there is neither an interval nor a crontab, solar or clocked"
            self._complain("interval", SpecError("missing-kind", message, 'for example crontab: "0 2 * * *"'))
        if isinstance(spec.schedule, Clocked) and not spec.one_off:
            message = "a clocked schedule runs once: it cannot have one_off: false"
            error = SpecError("clocked-one-off", message, "leave one_off out, or write one_off: true")
            self._complain(self._nearest("one_off", "clocked"), error)
        if spec.expires and spec.start_time and spec.expires <= spec.start_time:
            message = "it expires before it starts, and so would never run"
            self._complain(self._nearest("expires", "start_time"), SpecError("expires-before-start", message))
        if spec.expires and isinstance(spec.schedule, Clocked) and spec.expires <= spec.schedule.clocked_time:
            message = "it expires before its clocked time, and so would never run"
            self._complain(self._nearest("expires", "clocked"), SpecError("expires-before-start", message))

    def _nearest(self, *keys: str) -> str:
        """Return the key that the schedule itself gives rather than its defaults, the first where there is a choice."""
        return next((key for key in keys if self._merged.path(key)[1] != "defaults"), keys[0])

    def _policy(self) -> Policy:
        sync = {key: value for key, value in self._merged.sync.items() if value is not BAD}
        if sync.get("renamed_from") == self._name:
            error = SpecError("renamed-from-itself", "renamed_from names the schedule itself", "write its old name")
            self._complain("sync.renamed_from", error)
        return policy_of(sync)

    def _zone(self) -> str | None:
        """Return the zone of crontab and times; None where a wrong one was given."""
        if "timezone" not in self._given:
            return self._default_zone
        return self._take("timezone", lambda text: times.zone(text).key)

    def _schedule(self, zone: str | None) -> Schedule | None:
        given = self._given
        if "interval" in given:
            return self._take("interval", _interval)
        if "solar" in given:
            return self._take(
                "solar", lambda value: solar.from_mapping(value["event"], value["latitude"], value["longitude"])
            )
        if "clocked" in given:
            moment = self._time("clocked", zone)
            return None if moment is None else Clocked(moment)
        if "crontab" in given:
            return self._crontab(zone)
        return None

    def _crontab(self, zone: str | None) -> Schedule | None:
        value = self._given["crontab"]
        own = value.get("timezone") if isinstance(value, Mapping) else None
        # Without a good zone the fields are looked at all the same, and come to nothing.
        made = self._take("crontab", lambda value: _crontab(value, own, zone or "UTC"))
        if made is None:
            return None
        for code, message in crontab.warnings(made):
            self._complain("crontab", SpecError(code, message), warning=True)
        if isinstance(value, Mapping) and "minute" not in value:
            message = "`minute` is left out, and so it runs in every minute of the hours that match"
            self._complain("crontab", SpecError("crontab-minute", message, "write minute: 0"), warning=True)
        return made if own or zone else None

    def _time(self, key: str, zone: str | None) -> Any:
        # The words of a time with an offset are right or wrong without a zone.
        moment = self._take(key, lambda text: times.from_text(text, zone or "UTC"))
        return moment if zone else None

    def _json(self, key: str) -> str:
        value = self._given.get(key)
        if not value or value is BAD:
            return _EMPTY[key]
        found = list(_ambiguous(value, self._merged.path(key), key, self.policy.sensitive))
        if found:
            self.problems.extend(found)
            return _EMPTY[key]
        return self._take(key, canonical) or _EMPTY[key]

    def _name_checked(self) -> str:
        try:
            # White space at its ends and a second line are what the schema speaks of.
            _line(self._name.strip().replace("\n", ""))
        except SpecError as error:
            self.problems.append(Problem(self._merged.layers[1].path, error.code, error.message, on_key=True))
        return self._name

    def _line(self, key: str) -> str | None:
        return self._take(key, _line)

    def _flag(self, key: str, *, default: bool) -> bool:
        truth = _truth(self._given.get(key))
        return default if truth is None else truth

    def _take(self, key: str, convert: Callable[[Any], T]) -> T | None:
        """Return a field converted; None where it was not given or cannot be taken."""
        value = self._given.get(key)
        if value is None or value is BAD:
            return None
        try:
            return convert(value)
        except SpecError as error:
            for one in (error, *error.others):
                self._complain(key, one)
            return None

    def _complain(self, key: str, error: SpecError, *, warning: bool = False) -> None:
        path = self._merged.path(key)
        if error.field and isinstance(self._given.get(key), Mapping) and error.field in self._given[key]:
            path = (*path, error.field)
        on_key = key not in self._given and not key.startswith("sync.")
        self.problems.append(Problem(path, error.code, error.message, error.hint, on_key=on_key, warning=warning))


def policy_of(sync: Mapping[str, Any]) -> Policy:
    """Return what a `sync:` block means with which the schema finds nothing wrong."""
    return Policy(
        on_remove=OnRemove(sync.get("on_remove", "delete")),
        ignore=tuple(sorted(sync.get("ignore", ()))),
        protect=_truth(sync.get("protect")),
        renamed_from=sync.get("renamed_from"),
        sensitive=tuple(sorted(sync.get("sensitive", ()))),
    )


def _interval(value: Any) -> Schedule:
    return (
        interval.from_text(value) if isinstance(value, str) else interval.from_mapping(value["every"], value["period"])
    )


def _crontab(value: Any, own: str | None, zone: str) -> Any:
    if isinstance(value, str):
        return crontab.from_expression(value, zone)
    if own is not None:
        try:
            zone = times.zone(own).key
        except SpecError as error:
            raise SpecError(error.code, error.message, error.hint, field="timezone") from None
    return crontab.from_fields(timezone=zone, **{name: value.get(name, "*") for name in crontab.FIELD_NAMES})


def _seconds(value: Any) -> int:
    return interval.seconds_from_text(value) if isinstance(value, str) else int(value)


def _truth(value: Any) -> bool | None:
    if isinstance(value, Ambiguous):
        return value.truth
    return None if value is BAD else value


def text(value: str) -> str:
    """Return a text that every database can hold. Raises SpecError."""
    if not value.isascii() or "\0" in value:
        for character in value:
            if character == "\0" or unicodedata.category(character) == "Cs":
                message = f"the character U+{ord(character):04X} cannot be stored in every database"
                raise SpecError("text-character", message)
    return value


def _line(value: str) -> str:
    """Return a text that may stand in a message's header: one line without control characters."""
    if not value.isprintable():
        for character in value:
            if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
                raise SpecError("text-character", f"the character U+{ord(character):04X} cannot stand here")
    return value


def _ambiguous(root: Any, path: Path, key: str, sensitive: Collection[str]) -> Iterator[Problem]:
    stack: list[tuple[Any, Path, str]] = [(root, path, key)]
    while stack:
        value, here, dotted = stack.pop()
        if isinstance(value, Ambiguous):
            hidden = any(f"{dotted}.".startswith(f"{listed}.") for listed in sensitive)
            yield ambiguous(here, value, hidden=hidden)
        elif isinstance(value, dict):
            stack.extend((item, (*here, name), f"{dotted}.{name}") for name, item in value.items())
        elif isinstance(value, list):
            stack.extend((item, (*here, index), f"{dotted}.{index}") for index, item in enumerate(value))
