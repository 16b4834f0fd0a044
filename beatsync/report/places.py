"""Paths as whoever reads them can open them: those of values count from the source's directory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from beatsync.plan.model import Plan
from beatsync.values import Diagnostic, Location


def located(diagnostics: Iterable[Diagnostic], directory: str) -> tuple[Diagnostic, ...]:
    """Return the diagnostics with `directory` before each path."""
    return tuple(replace(one, location=_below(one.location, directory)) for one in diagnostics)


def located_plan(plan: Plan, directory: str) -> Plan:
    """Return the plan with `directory` before each path that it shows."""
    changes = (one._replace(location=_below(one.location, directory)) if one.location else one for one in plan.changes)
    return replace(plan, changes=tuple(changes), diagnostics=located(plan.diagnostics, directory))


def _below(location: Location, directory: str) -> Location:
    prefix = directory.rstrip("/")
    if location.path == ".":
        return location._replace(path=prefix or ".")
    return location if prefix in {"", "."} else location._replace(path=f"{prefix}/{location.path}")
