"""One change of a plan as lines, shared by text and Markdown; its secrets are masked here.

Values are shown as a spec file spells them, and of a mapping only the keys that differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Cause, Change, FieldChange
from beatsync.report.escape import one_line
from beatsync.report.paint import Paint, plain
from beatsync.specfile.fields import JSON_FIELDS
from beatsync.values import SCHEDULE_FIELDS, FieldValue

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.ADOPT: "~",
    Action.DISABLE: "-",
    Action.DELETE: "-",
    Action.FORGET: "~",
}
ACTION_WORDS = {action: action.value for action in Action} | {Action.FORGET: "release"}
"""The word of each action in text. The JSON keeps `forget`."""
CAUSE_NOTES = {Cause.DRIFT: "drift", Cause.BOTH: "both the file and the row changed"}
"""What is noted beside a field that did not change in the file only."""
_CLEAR_SIGNS = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})
"""Actions that need no word beside their sign."""
_UNQUOTED = frozenset({*SCHEDULE_FIELDS, *JSON_FIELDS, "task", "expires", "start_time"})
"""Fields whose text a spec file spells without quotes, or that are JSON already."""
_MAPPINGS = frozenset({"kwargs", "headers"})
_MAX_LABEL = 40
"""Characters up to which labels are aligned; longer ones are not."""
_NONE = "none"
_encode = json.JSONEncoder(ensure_ascii=False).encode


def change_lines(change: Change, paint: Paint = plain) -> Iterator[str]:
    """Yield the change's line, with its sign and notes, then an indented line per field."""
    change = masked(change)
    notes = [change.note] if change.note else []
    if change.cause is Cause.DRIFT and (change.action is Action.DELETE or not change.fields):
        notes.append("drift")
    yield header(change.action, change.name, notes, paint)
    if change.fires_at_once:
        yield f"      {paint('fires at once', 'warning')}"
    yield from aligned(_VALUES.get(change.action, value_changes)(change.fields))


def change_text(change: Change) -> str:
    """Return a masked change without its name on one line: `update: queue "slow" → "fast"`; the values of a whole row are left out."""
    is_row = change.action in {Action.CREATE, Action.DELETE}
    fields = [] if is_row else [f"{label} {text}" for label, text in value_changes(change.fields)]
    about = "; ".join([*fields, *([change.note] if change.note else [])])
    return f"{ACTION_WORDS[change.action]}: {about}" if about else ACTION_WORDS[change.action]


def header(action: Action, name: str, notes: Iterable[str], paint: Paint) -> str:
    """Return the line of a change: the sign of `action`, its word if the sign is not clear, and `notes`."""
    notes = [*([] if action in _CLEAR_SIGNS else [ACTION_WORDS[action]]), *notes]
    tail = f" ({one_line(', '.join(notes))})" if notes else ""
    return f"  {paint(f'{SIGNS[action]} {one_line(name)}', action.value)}{tail}"


def new_values(fields: Iterable[FieldChange]) -> Iterator[tuple[str, str]]:
    """Yield the label and the value of each field of a new row."""
    for field in fields:
        yield field.field, f"{value_text(field.field, field.after)}{crontab_in_words(field)}"


def old_values(fields: Iterable[FieldChange]) -> Iterator[tuple[str, str]]:
    """Yield the label and the value of each field of a row that is deleted."""
    for field in fields:
        yield field.field, value_text(field.field, field.before)


def value_changes(fields: Iterable[FieldChange]) -> Iterator[tuple[str, str]]:
    """Yield the label of each field that changes, and its values before and after."""
    for label, before, after, field in field_lines(fields):
        cause = f"  ({CAUSE_NOTES[field.cause]})" if field.cause in CAUSE_NOTES else ""
        yield label, f"{before} → {after}{crontab_in_words(field)}{cause}"


_VALUES = {Action.CREATE: new_values, Action.DELETE: old_values}
"""How the fields of a change are shown if it is not one of values."""


def crontab_in_words(field: FieldChange) -> str:
    """Return the new crontab in words, in brackets after two spaces; empty for another field."""
    if field.field != "crontab" or not isinstance(field.after, str):
        return ""
    from beatsync.specfile import words  # only a plan that changes a crontab needs it

    sentence = words.in_english(field.after)
    return f"  ({sentence})" if sentence else ""


class FieldLine(NamedTuple):
    """One line of a change; `label` is the field's name, or the path of a key inside it such as `kwargs.dry_run`."""

    label: str
    before: str
    after: str
    change: FieldChange


def field_lines(changes: Iterable[FieldChange]) -> Iterator[FieldLine]:
    """Yield one line per changed field, or per differing key where both values are mappings. Secrets must be masked already."""
    for change in changes:
        field, before, after = change.field, _mapping(change, change.before), _mapping(change, change.after)
        lines = [] if before is None or after is None else list(_differing(field, before, after))
        for line in lines or [(field, value_text(field, change.before), value_text(field, change.after))]:
            yield FieldLine(*line, change)


def value_text(field: str, value: FieldValue) -> str:
    """Return a field's value as a spec file spells it; `none` for None."""
    if value is None:
        return _NONE
    if field in _UNQUOTED and isinstance(value, str):
        return one_line(value) or '""'
    return one_line(_encode(value))


def aligned(lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield each label and its text as an indented line, the texts below each other."""
    lines = list(lines)
    width = min(max((len(label) for label, _ in lines), default=0), _MAX_LABEL)
    yield from (f"      {label:<{width}}  {text}" for label, text in lines)


def _mapping(change: FieldChange, value: FieldValue) -> dict[str, Any] | None:
    """Return the mapping that a field holds as JSON; None for other fields and other values."""
    if change.field not in _MAPPINGS or not isinstance(value, str):
        return None
    try:
        document = json.loads(value)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _differing(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the path, the old text and the new text of each key that differs, also inside mappings of both sides."""
    for key in sorted({**before, **after}):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(f"{path}.{key}", old, new)
        else:
            texts = [one_line(_encode(side[key])) if key in side else _NONE for side in (before, after)]
            if texts[0] != texts[1]:
                yield one_line(f"{path}.{key}"), texts[0], texts[1]
