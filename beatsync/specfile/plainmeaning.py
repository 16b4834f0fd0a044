"""What a plain schedule means, several times faster than `meaning` tells it: most schedules are plain, and all is well with them.

A plain schedule is one of which the schema finds nothing wrong, that is the same in every environment, and whose values need
no second thought. Anything else, and whatever is wrong or only doubtful, is left to `meaning`, which says what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from beatsync.specfile import crontab, interval, solar, times
from beatsync.specfile.jsontext import quick_canonical
from beatsync.specfile.layers import EXCLUSIVE, Layer, merge
from beatsync.specfile.meaning import policy_of, text
from beatsync.specfile.problems import SpecError
from beatsync.values import DEFAULT_POLICY, Clocked, Declared, Location, Policy, Schedule, TaskSpec, make

_OF_ENVIRONMENTS = frozenset({"environments", "only"})
_NOTHING: Mapping[str, Any] = {}


class _NotPlain(Exception):  # noqa: N818  no error: `meaning`'s turn
    """The schedule has to be read by `meaning`."""


class PlainMeaning:
    """Reads the schedules of one document below its `defaults`. The schema has found nothing wrong with it."""

    def __init__(self, defaults: Mapping[str, Any] | None, timezone: str) -> None:
        self._defaults = defaults or _NOTHING
        self._sync = self._defaults.get("sync", _NOTHING)
        self._policy = policy_of(self._sync) if self._sync else DEFAULT_POLICY
        self._timezone = timezone
        self._sets_back = None in self._defaults.values()
        self._exclusive = _replacing(tuple(self._defaults))

    def read(self, name: str, body: Mapping[str, Any], place: Location) -> Declared | None:
        """Return what a schedule declares; None where `meaning` has to be asked."""
        if self._sets_back or None in body.values() or not _OF_ENVIRONMENTS.isdisjoint(body):
            return None
        if self._exclusive.isdisjoint(body):
            given: Mapping[str, Any] = {**self._defaults, **body}
        else:
            given = merge((Layer((), self._defaults), Layer((), body))).fields
        try:
            policy = self._policy_of(name, body["sync"]) if "sync" in body else self._policy
            spec = _spec(name, given, self._timezone)
        except (_NotPlain, SpecError):
            return None
        # What is to be hidden may stand on the line of somebody else's problem.
        return None if policy.sensitive else make(Declared, (spec, place, policy, "enabled" in given, b"", "", b""))

    def _policy_of(self, name: str, own: Mapping[str, Any]) -> Policy:
        policy = policy_of({**self._sync, **own})
        if policy.renamed_from == name:
            raise _NotPlain
        return policy


@lru_cache(maxsize=1024)
def _replacing(keys: tuple[str, ...]) -> frozenset[str]:
    """Return the keys that may take one of these out of the layer below."""
    groups = [group for group in EXCLUSIVE if not group.isdisjoint(keys)]
    return frozenset().union(*groups)


def _spec(name: str, given: Mapping[str, Any], default_zone: str) -> TaskSpec:
    get = given.get
    task, queue, exchange, routing_key = get("task"), get("queue"), get("exchange"), get("routing_key")
    if not (name.isprintable() and task and task.isprintable() and (queue is None or queue.isprintable())):
        raise _NotPlain
    if not ((exchange is None or exchange.isprintable()) and (routing_key is None or routing_key.isprintable())):
        raise _NotPlain
    zone = get("timezone")
    zone = default_zone if zone is None else times.zone(zone).key
    schedule = _schedule(get, zone)
    expires, start_time, priority = get("expires"), get("start_time"), get("priority")
    is_clocked = schedule.__class__ is Clocked
    one_off, enabled = get("one_off", is_clocked), get("enabled", True)
    is_doubtful = expires is not None and (is_clocked or start_time is not None)
    if (
        is_doubtful
        or one_off.__class__ is not bool
        or enabled.__class__ is not bool
        or (is_clocked and not one_off)
        or (priority is not None and priority.__class__ is not int)
    ):
        raise _NotPlain
    spec: TaskSpec = make(
        TaskSpec,
        (
            name, task, schedule, _json(get("args"), "[]"), _json(get("kwargs"), "{}"), _json(get("headers"), "{}"),
            queue or None, exchange or None, routing_key or None, priority,
            None if expires is None else times.from_text(expires, zone), _seconds(get("expire_seconds")),
            one_off, None if start_time is None else times.from_text(start_time, zone), enabled, text(get("description", "")),
        ),
    )  # fmt: skip
    return spec


def _schedule(get: Any, zone: str) -> Schedule:
    value = get("crontab")
    if value is not None:
        if value.__class__ is not str:
            raise _NotPlain
        made = crontab.from_expression(value, zone)
        if made.day_of_week != "*" and made.day_of_month != "*" and crontab.warnings(made):
            raise _NotPlain
        return made
    value = get("interval")
    if value is not None:
        if value.__class__ is str:
            return interval.from_text(value)
        return interval.from_mapping(value["every"], value["period"])
    value = get("solar")
    if value is not None:
        return solar.from_mapping(value["event"], value["latitude"], value["longitude"])
    value = get("clocked")
    if value is None:
        raise _NotPlain
    return Clocked(times.from_text(value, zone))


def _json(value: Any, empty: str) -> str:
    if not value:
        return empty
    made = quick_canonical(value)
    if made is None:
        raise _NotPlain
    return made


def _seconds(value: Any) -> int | None:
    if value is None or value.__class__ is int:
        return value
    if value.__class__ is not str:
        raise _NotPlain
    return interval.seconds_from_text(value)
