"""Clocked schedules whose time has passed: a warning, and no row, so that one forgotten entry never stops the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from beatsync.specfile.acknowledge import unacknowledged
from beatsync.specfile.limits import MAX_SHOWN, rest
from beatsync.specfile.problems import cut
from beatsync.values import Clocked, Declared, Desired, Diagnostic, FileFacts, Location, Severity, TaskSpec

CLOCKED_PAST = "clocked-past"
"""The code of the warning."""


def is_clocked_past(spec: TaskSpec, now: datetime) -> bool:
    """Return whether the clocked time has passed."""
    return isinstance(spec.schedule, Clocked) and spec.schedule.clocked_time <= now


def clocked_past(spec: TaskSpec, place: Location) -> Diagnostic:
    """Return the warning that the row of a schedule whose time has passed is not written: beat would run it at once."""
    message = f"the clocked time {spec.fields()['clocked']} of {cut(repr(spec.name), 210)} has passed"
    hint = "it is skipped: set a time in the future, or remove the schedule; --catch-up runs it now"
    return Diagnostic(Severity.WARNING, CLOCKED_PAST, message, place, hint)


def with_past_clocked(desired: Desired, facts: Iterable[FileFacts], now: datetime) -> Desired:
    """Return `desired` with a warning for each schedule that a sync skips, if it was not synced while its time was to come."""
    warnings, acknowledged = unacknowledged(_warnings(desired.valid, now), list(facts))
    diagnostics = (*desired.diagnostics, *warnings)
    return replace(desired, diagnostics=diagnostics, acknowledged=desired.acknowledged + acknowledged)


def _warnings(schedules: Sequence[Declared], now: datetime) -> Iterator[Diagnostic]:
    counts: Counter[str] = Counter()
    for declared in schedules:
        if declared.spec.enabled and is_clocked_past(declared.spec, now):
            counts[declared.location.path] += 1
            if counts[declared.location.path] <= MAX_SHOWN:
                yield clocked_past(declared.spec, declared.location)
    for path, number in counts.items():
        if number > MAX_SHOWN:
            yield rest(Severity.WARNING, path, CLOCKED_PAST, number - MAX_SHOWN)
