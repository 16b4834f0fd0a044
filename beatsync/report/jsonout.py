"""JSON for programs, in the forms of `schemas/`; people can read it too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from beatsync.plan.drift import RowState
from beatsync.plan.history import HistoryEntry
from beatsync.plan.jsonform import (
    FORMAT_VERSION,
    change_json,
    change_of_json,
    condition_json,
    diagnostic_json,
    plan_lines,
    revision_json,
    row_counts_of_json,
    suspension_json,
)
from beatsync.plan.leveling import Leveling
from beatsync.plan.load import Load, Minutes
from beatsync.plan.mask import masked_fields
from beatsync.plan.model import PAUSES, Plan
from beatsync.plan.observed import Pause, Row
from beatsync.plan.upcoming import Run
from beatsync.report.escape import readable_json
from beatsync.report.history import lost_changes
from beatsync.report.runs import local_of
from beatsync.report.values import ShownSchedule, SourceStatus, UnownedRow, ValidationResult
from beatsync.specfile.shapes import mask_text

if TYPE_CHECKING:
    from beatsync.plan.details import RowDetails

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


def render_history(entries: Sequence[HistoryEntry]) -> str:
    """Return the JSON of `schemas/history.schema.json`."""
    return json_text({"format_version": FORMAT_VERSION, "entries": [history_entry_json(entry) for entry in entries]})


def history_entry_json(entry: HistoryEntry) -> dict[str, Any]:
    """Return one entry of the history; its secrets are masked already."""
    rows = row_counts_of_json(entry.changes)
    return {
        "id": entry.entry_id,
        "source": entry.source,
        "started_at": entry.started_at.isoformat() if entry.started_at else None,
        "finished_at": entry.finished_at.isoformat() if entry.finished_at else None,
        "outcome": entry.outcome,
        "count": entry.count,
        "revision": revision_json(entry.revision) if entry.revision else None,
        "environment": entry.environment,
        "actor": entry.actor or None,
        "run_url": entry.run_url or None,
        "message": mask_text(entry.message) or None,
        "summary": dict(entry.summary),
        "changes": [change_json(change_of_json(change), rows) for change in entry.changes],
        "unlisted": lost_changes(entry),
    }


def render_schedule(shown: ShownSchedule) -> str:
    """Return the JSON of `schemas/show.schema.json`."""
    details, place = shown.details, shown.location
    return json_text(
        {
            "format_version": FORMAT_VERSION,
            "name": mask_text(details.name),
            "source": shown.source,
            "origin": shown.origin and mask_text(shown.origin),
            "revision": revision_json(shown.revision) if shown.revision else None,
            "synced_at": shown.synced_at.isoformat() if shown.synced_at else None,
            "location": place and {"path": place.path, "line": place.line, "column": place.column},
            "url": shown.url and mask_text(shown.url),
            "timezone": details.timezone,
            "next_runs": [run.isoformat() for run in details.runs],
            "rows": [_shown_row(row, shown) for row in details.rows],
            "history": [history_entry_json(entry) for entry in shown.changes],
        }
    )


def _shown_row(each: RowDetails, shown: ShownSchedule) -> dict[str, Any]:
    clauses = mask_text(shown.clauses_of(each)) or None
    return {"name": mask_text(each.name), "clauses": clauses, **_row_json(each.row), **_state_json(each, shown)}


def _row_json(row: Row | None) -> dict[str, Any]:
    if row is None:
        return {**dict.fromkeys(("id", "enabled", "last_run_at", "total_run_count")), "missing": True}
    return {
        "id": row.row_id,
        "enabled": row.spec.enabled,
        "last_run_at": _time(row.last_run_at),
        "total_run_count": row.total_run_count,
        "missing": False,
    }


def _state_json(each: RowDetails, shown: ShownSchedule) -> dict[str, Any]:
    state = each.state
    note = shown.note(state) if state is not None else None
    drifted = {field.field for field in state.drift} if state is not None else set()
    return {
        "conditions": [condition.value for condition in state.conditions] if state is not None else [],
        "note": note and mask_text(note),
        "pause": pause_json(state.pause) if state is not None and state.pause is not None else None,
        "fields": [
            {"field": f.field, "observed": f.before, "applied": f.after, "drifted": f.field in drifted}
            for f in each.fields
        ],
    }


def pause_json(pause: Pause) -> dict[str, str | None]:
    """Return a pause."""
    return {
        "by": mask_text(pause.by),
        "reason": mask_text(pause.reason),
        "since": pause.since.isoformat(),
        "until": _time(pause.until),
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None


def _source(source: SourceStatus) -> dict[str, Any]:
    return {
        "name": source.name,
        "kind": "application" if source.is_application else "files",
        "origin": source.origin and mask_text(source.origin),
        "revision": revision_json(source.revision) if source.revision else None,
        "environment": source.environment,
        "timezone": source.timezone,
        "synced_at": source.synced_at.isoformat() if source.synced_at else None,
        "outcome": source.outcome or None,
        "message": mask_text(source.message) or None,
        "leader": source.leader,
        "suspended": suspension_json(source.suspension) if source.suspension else None,
        "schedules": source.schedules,
        "drifted": [_drifted(row, source.authors) for row in source.drifted],
        "missing": [mask_text(row.name) for row in source.missing],
        "conditions": list(_conditions(source)),
    }


def _conditions(source: SourceStatus) -> Iterator[dict[str, str | None]]:
    for row in source.rows:
        for condition in row.conditions:
            yield condition_json(row.name, row.group, condition, source.note(row) if condition in PAUSES else None)


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
