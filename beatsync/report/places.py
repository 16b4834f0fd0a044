"""Paths that the reader can open: values hold paths relative to the source's directory, reports show the directory too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from beatsync.plan.model import Plan
from beatsync.values import Diagnostic, Location


def with_directory(diagnostics: Iterable[Diagnostic], directory: str) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with `directory` before each path."""
    return tuple(
        replace(
            diagnostic,
            location=_below(diagnostic.location, directory),
            also_at=tuple(_below(place, directory) for place in diagnostic.also_at),
        )
        for diagnostic in diagnostics
    )


def plan_with_directory(plan: Plan, directory: str) -> Plan:
    """Return the plan with `directory` before the path of each change and diagnostic."""
    changes = tuple(
        change._replace(location=_below(change.location, directory)) if change.location else change
        for change in plan.changes
    )
    return replace(plan, changes=changes, diagnostics=with_directory(plan.diagnostics, directory))


def _below(location: Location, directory: str) -> Location:
    prefix = directory.rstrip("/")
    if location.path == ".":
        return location._replace(path=prefix or ".")
    return location if prefix in {"", "."} else location._replace(path=f"{prefix}/{location.path}")
