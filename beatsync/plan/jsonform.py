"""The published JSON of a plan (`schemas/plan.schema.json`), with every secret masked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Blocked, Change, Plan
from beatsync.plan.observed import Suspension
from beatsync.values import Diagnostic, Revision

FORMAT_VERSION = 1
_text = json.JSONEncoder(indent=2, ensure_ascii=False).encode


def plan_json(plan: Plan, *, applied: bool) -> dict[str, Any]:
    """Return a plan as JSON values; `applied` says whether it was carried out."""
    return {**_without_changes(plan, applied=applied), "changes": [change_json(change) for change in plan.changes]}


def plan_lines(plan: Plan, *, applied: bool, **more: Any) -> Iterator[str]:
    """Yield the JSON of a plan, and of what it has `more`, as people read it, in blocks of lines.

    Each change is a block, which is made when it is asked for: many at once are much memory.
    """
    # Only a key of the outermost object stands behind two spaces, and in no text is the end of a line.
    before, after = _text({**_without_changes(plan, applied=applied), **more}).split('\n  "changes": [],\n')
    yield before
    yield f'  "changes": [{"" if plan.changes else "],"}'
    for number, change in enumerate(plan.changes, 1):
        block = _text(change_json(change)).replace("\n", "\n    ")
        yield f"    {block}{',' if number < len(plan.changes) else ''}"
    if plan.changes:
        yield "  ],"
    yield after


def _without_changes(plan: Plan, *, applied: bool) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "source": plan.source,
        "environment": plan.environment,
        "revision": revision_json(plan.revision),
        "checksum": plan.checksum,
        "changes": [],
        "summary": summary_json(plan),
        "conditions": [{"name": name, "condition": condition.value} for name, condition in plan.conditions],
        "blocked": [_blocked_json(blocked) for blocked in plan.blocked],
        "diagnostics": [diagnostic_json(diagnostic) for diagnostic in plan.diagnostics],
        "applied": applied,
    }


def revision_json(revision: Revision) -> dict[str, str | None]:
    """Return a revision."""
    return {"digest": revision.digest, "git": revision.git, "mount": revision.mount}


def suspension_json(suspension: Suspension) -> dict[str, str | None]:
    """Return a suspension."""
    return {
        "by": suspension.by,
        "reason": suspension.reason,
        "since": suspension.since.isoformat() if suspension.since else None,
        "until": suspension.until.isoformat() if suspension.until else None,
    }


def summary_json(plan: Plan) -> dict[str, int]:
    """Return how many changes of each kind there are, and how many schedules stay as they are."""
    actions = [change.action for change in plan.changes]
    return {**{action.value: actions.count(action) for action in Action}, "unchanged": plan.unchanged}


def change_json(change: Change) -> dict[str, Any]:
    """Return one change, masked."""
    shown = masked(change)
    place = shown.location
    return {
        "action": shown.action.value,
        "name": shown.name,
        "cause": shown.cause.value,
        "location": None if place is None else {"path": place.path, "line": place.line, "column": place.column},
        "fields": [
            {"field": f.field, "before": f.before, "after": f.after, "cause": f.cause.value} for f in shown.fields
        ],
        "fires_at_once": shown.fires_at_once,
        "note": shown.note,
    }


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one diagnostic, flat, as `validate --format json` prints it."""
    return {
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "path": diagnostic.location.path,
        "line": diagnostic.location.line,
        "column": diagnostic.location.column,
        "hint": diagnostic.hint,
    }


def _blocked_json(blocked: Blocked) -> dict[str, Any]:
    return {"code": blocked.code, "message": blocked.message, "names": list(blocked.names), "hint": blocked.hint}
