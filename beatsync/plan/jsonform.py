"""The published JSON of a plan (`schemas/plan.schema.json`), with every secret masked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from beatsync.plan.groups import count_actions, row_counts, schedules_of_rows
from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Cause, Change, Condition, FieldChange, Plan
from beatsync.plan.observed import Suspension
from beatsync.specfile.shapes import mask_strings, mask_text
from beatsync.values import Diagnostic, Location, Revision

FORMAT_VERSION = 1
_ACTIONS, _CAUSES = tuple(Action), tuple(Cause)
_CHANGE_KEYS = frozenset({"action", "name", "cause", "location", "fields", "fires_at_once", "note"})
_PLACE_KEYS = frozenset({"path", "line", "column"})
_FIELD_KEYS = frozenset({"field", "before", "after", "cause"})
_text = json.JSONEncoder(indent=2, ensure_ascii=False).encode


def plan_lines(plan: Plan, *, applied: bool, **more: Any) -> Iterator[str]:
    """Yield the indented JSON of a plan, with the keys of `more` after its own, in blocks of lines: one for each change.

    The changes are encoded one by one, because all of them together can take hundreds of megabytes.
    """
    # The split is unique: only keys of the outermost object follow two spaces, and no JSON string contains a line break.
    before, after = _text({**_without_changes(plan, applied=applied), **more}).split('\n  "changes": [],\n')
    rows = row_counts(plan)
    yield before
    yield f'  "changes": [{"" if plan.changes else "],"}'
    for number, change in enumerate(plan.changes, 1):
        block = _text(change_json(change, rows)).replace("\n", "\n    ")
        yield f"    {block}{',' if number < len(plan.changes) else ''}"
    if plan.changes:
        yield "  ],"
    yield after


def _without_changes(plan: Plan, *, applied: bool) -> dict[str, Any]:
    schedules, notes = schedules_of_rows(plan), dict(plan.notes)
    return {
        "format_version": FORMAT_VERSION,
        "source": plan.source,
        "environment": plan.environment,
        "revision": revision_json(plan.revision),
        "checksum": plan.checksum,
        "changes": [],
        "summary": summary_json(plan),
        "conditions": [
            condition_json(name, schedules.get(name), condition, notes.get(name)) for name, condition in plan.conditions
        ],
        "blocked": mask_strings(
            [
                {"code": blocked.code, "message": blocked.message, "names": blocked.names, "hint": blocked.hint}
                for blocked in plan.blocked
            ]
        ),
        "diagnostics": [diagnostic_json(diagnostic) for diagnostic in plan.diagnostics],
        "acknowledged": plan.acknowledged,
        "applied": applied,
    }


def revision_json(revision: Revision) -> dict[str, str | None]:
    """Return a revision."""
    return {"digest": revision.digest, "git": revision.git, "mount": revision.mount}


def suspension_json(suspension: Suspension) -> dict[str, str | None]:
    """Return a suspension."""
    return {
        "by": suspension.by,
        "reason": mask_text(suspension.reason),
        "since": suspension.since.isoformat() if suspension.since else None,
        "until": suspension.until.isoformat() if suspension.until else None,
    }


def summary_json(plan: Plan) -> dict[str, int]:
    """Return the number of schedules that each action changes, and of those that stay as they are."""
    counts = count_actions(plan)
    return {**{action.value: counts[action] for action in Action}, "unchanged": plan.unchanged}


def condition_json(name: str, group: str | None, condition: Condition, note: str | None) -> dict[str, str | None]:
    """Return why a row of the schedule `group` (None: the schedule is this row) stays as it is; `note` says who paused it, and why."""
    masked_group, masked_note = (text and mask_text(text) for text in (group, note))
    return {"name": mask_text(name), "group": masked_group, "condition": condition.value, "note": masked_note or None}


def change_json(change: Change, rows: Mapping[str, int]) -> dict[str, Any]:
    """Return one change, masked; `rows` is that of `row_counts`."""
    location, shown = change.location, masked(change)
    return {
        "action": change.action.value,
        "name": shown.name,
        "cause": change.cause.value,
        "location": location and {"path": location.path, "line": location.line, "column": location.column},
        "fields": [
            {"field": f.field, "before": f.before, "after": f.after, "cause": f.cause.value} for f in shown.fields
        ],
        "fires_at_once": change.fires_at_once,
        "note": shown.note,
        "group": shown.group,
        "group_rows": rows.get(change.schedule),
        "clauses": shown.clauses or None,
    }


def change_of_json(document: Mapping[str, Any]) -> Change:
    """Return a change that `change_json` has written, without what only a sync needs; its secrets stay masked.

    An earlier release did not write `group`, `group_rows` and `clauses`.
    """
    location = document["location"]
    return Change(
        action=Action(document["action"]),
        name=document["name"],
        cause=Cause(document["cause"]),
        field_changes=tuple(
            FieldChange(each["field"], each["before"], each["after"], Cause(each["cause"]))
            for each in document["fields"]
        ),
        location=location and Location(location["path"], location["line"], location["column"]),
        fires_at_once=document["fires_at_once"],
        note=document["note"],
        group=document.get("group"),
        clauses=document.get("clauses") or "",
    )


def row_counts_of_json(documents: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the `row_counts` with which `change_json` has written these changes; masked names are equal where it masked them.

    Where they are missing, every row that is known counts: its change is among these.
    """
    rows: Counter[str] = Counter()
    for document in documents:
        schedule = document.get("group") or document["name"]
        if document.get("group_rows") is not None:
            rows[schedule] = document["group_rows"]
        elif document.get("group") is not None:
            rows[schedule] += Action(document["action"]) not in {Action.DELETE, Action.FORGET}
    return dict(rows)


def changes_of_text(text: str) -> tuple[Mapping[str, Any], ...]:
    """Return the changes of a JSON list that `change_of_json` reads; those that are damaged, or of a later release, are left out."""
    try:
        documents = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(filter(_is_change, documents)) if isinstance(documents, list) else ()


def _is_change(document: object) -> bool:
    # Not by `change_of_json`: a page reads up to 40,000 changes and shows few of them.
    return (
        isinstance(document, dict)
        and document.keys() >= _CHANGE_KEYS
        and isinstance(document["name"], str)
        and document["action"] in _ACTIONS
        and document["cause"] in _CAUSES
        and (document["location"] is None or _has_keys(document["location"], _PLACE_KEYS))
        and isinstance(document["fields"], list)
        and all(_has_keys(each, _FIELD_KEYS) and each["cause"] in _CAUSES for each in document["fields"])
    )


def _has_keys(document: object, keys: frozenset[str]) -> bool:
    return isinstance(document, dict) and document.keys() >= keys


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one diagnostic, flat, as `validate --format json` prints it."""
    return {
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "message": mask_text(diagnostic.text),
        "path": diagnostic.location.path,
        "line": diagnostic.location.line,
        "column": diagnostic.location.column,
        "hint": diagnostic.hint and mask_text(diagnostic.hint),
    }
