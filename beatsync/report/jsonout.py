"""JSON for programs, in the forms of `schemas/`; people can read it too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from beatsync.plan.drift import RowState
from beatsync.plan.jsonform import (
    FORMAT_VERSION,
    condition_json,
    diagnostic_json,
    plan_lines,
    revision_json,
    suspension_json,
)
from beatsync.plan.leveling import Leveling
from beatsync.plan.load import Load, Minutes
from beatsync.plan.mask import masked_fields
from beatsync.plan.model import Plan
from beatsync.plan.upcoming import Run
from beatsync.report.escape import readable_json
from beatsync.report.runs import local_of
from beatsync.report.values import SourceStatus, UnownedRow, ValidationResult
from beatsync.specfile.shapes import mask_text

_HOUR = 60


def json_text(document: Any) -> str:
    """Return a JSON document, indented, with invisible characters escaped."""
    return readable_json(json.dumps(document, indent=2, ensure_ascii=False))


def render_validation(result: ValidationResult) -> str:
    """Return the JSON of `schemas/validate.schema.json`."""
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "files": len(result.paths),
            "schedules": result.schedules,
            "diagnostics": [diagnostic_json(diagnostic) for diagnostic in result.diagnostics],
            "acknowledged": result.acknowledged,
        }
    )


def render_plan(plan: Plan, *, applied: bool) -> Iterator[str]:
    """Yield the JSON of `schemas/plan.schema.json` in blocks of lines, each rendered when it is requested."""
    return map(readable_json, plan_lines(plan, applied=applied))


def render_status(sources: Sequence[SourceStatus], unowned: Sequence[UnownedRow] | None = None) -> str:
    """Return the JSON of `schemas/status.schema.json`; `unowned` is None if these rows were not read."""
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "sources": [_source(source) for source in sources],
            "unowned": None if unowned is None else [_unowned(row) for row in unowned],
        }
    )


def _unowned(row: UnownedRow) -> dict[str, Any]:
    return {
        "name": mask_text(row.name),
        "task": mask_text(row.task),
        "enabled": row.enabled,
        "added": row.added,
        "recreated": row.is_recreated,
    }


def _source(source: SourceStatus) -> dict[str, Any]:
    return {
        "name": source.name,
        "kind": "application" if source.is_application else "files",
        "origin": source.origin and mask_text(source.origin),
        "revision": revision_json(source.revision) if source.revision else None,
        "environment": source.environment,
        "synced_at": source.synced_at.isoformat() if source.synced_at else None,
        "outcome": source.outcome or None,
        "message": mask_text(source.message) or None,
        "leader": source.leader,
        "suspended": suspension_json(source.suspension) if source.suspension else None,
        "schedules": source.schedules,
        "drifted": [_drifted(row, source.authors) for row in source.drifted],
        "missing": [mask_text(row.name) for row in source.missing],
        "conditions": [
            condition_json(row.name, row.group, condition) for row in source.rows for condition in row.conditions
        ],
    }


def _drifted(row: RowState, authors: Mapping[int, str]) -> dict[str, Any]:
    fields = masked_fields(row.drift, row.sensitive)
    return {
        "name": mask_text(row.name),
        "group": row.group and mask_text(row.group),
        "path": row.path,
        "author": authors.get(row.row_id),
        "fields": [{"field": f.field, "observed": f.before, "applied": f.after} for f in fields],
    }


def render_next(runs: Iterable[Run], zone: str) -> Iterator[str]:
    """Yield the lines of the JSON of `schemas/next.schema.json`; `zone` is that of schedules that have none."""
    yield f'{{\n  "format_version": {FORMAT_VERSION},\n  "runs": ['
    line = ""
    for run in runs:
        if line:
            yield f"{line},"
        local, name = local_of(run, zone)
        values = {"name": mask_text(run.name), "at": run.at.isoformat(), "local": local.isoformat(), "zone": name}
        line = readable_json(f"    {json.dumps(values, ensure_ascii=False)}")
    if line:
        yield line
    yield "  ]\n}"


def render_load(load: Load, leveling: Leveling | None) -> str:
    """Return the JSON of `schemas/load.schema.json`."""
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "start": load.total.start.isoformat(),
            "end": load.end.isoformat(),
            **_minutes(load.total),
            "intervals": load.intervals,
            "queues": [{"queue": queue, **_minutes(minutes)} for queue, minutes in load.queues.items()],
            "busiest": [
                {"at": busy.at.isoformat(), "runs": busy.runs, "minutes": busy.times, "schedules": _masked(busy.names)}
                for busy in load.busiest
            ],
            "spread": _leveling(leveling) if leveling is not None else None,
        }
    )


def _minutes(minutes: Minutes) -> dict[str, Any]:
    """Return the figures of a window, and the runs of each of its hours, counted from its start."""
    counts = minutes.counts
    hours = [counts[first : first + _HOUR] for first in range(0, len(counts), _HOUR)]
    return {
        "runs": round(minutes.runs, 3),
        "mean": round(minutes.mean, 3),
        "peak": round(minutes.peak, 3),
        "peak_at": minutes.peak_at.isoformat(),
        "peak_to_mean": round(minutes.peak / minutes.mean, 3) if minutes.runs else None,
        "hours": [round(sum(hour) + minutes.even * len(hour), 3) for hour in hours],
    }


def _leveling(leveling: Leveling) -> dict[str, Any]:
    return {
        "minutes": {
            "peak": round(leveling.peak, 3),
            "schedules": [
                {"name": mask_text(name), "crontab": before.expression, "proposed": after.expression}
                for name, before, after in leveling.proposals
            ],
        },
        "hashed": {"peak": round(leveling.hashed_peak, 3), "schedules": _masked(leveling.crowded)},
    }


def _masked(names: Iterable[str]) -> list[str]:
    return [mask_text(name) for name in names]
