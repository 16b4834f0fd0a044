"""One change of a plan as lines, shared by text and Markdown; its secrets are masked here."""

from __future__ import annotations

from collections.abc import Iterator

from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Cause, Change, FieldChange
from beatsync.report.escape import one_line
from beatsync.report.fields import field_lines, label_width, value_text
from beatsync.report.paint import Paint, plain

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.ADOPT: "~",
    Action.DISABLE: "-",
    Action.DELETE: "-",
    Action.FORGET: "-",
}
_SIGN_SAYS_IT = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})
"""Actions that need no word beside their sign."""


def change_lines(change: Change, paint: Paint = plain) -> Iterator[str]:
    """Yield the change's line, with its sign and notes, then an indented line per field."""
    change = masked(change)
    notes = [] if change.action in _SIGN_SAYS_IT else [change.action.value]
    if change.note:
        notes.append(change.note)
    if change.cause is Cause.DRIFT and not change.fields:
        notes.append("drift")
    tail = f" ({one_line(', '.join(notes))})" if notes else ""
    yield f"  {paint(f'{SIGNS[change.action]} {one_line(change.name)}', change.action.value)}{tail}"
    if change.fires_at_once:
        yield f"      {paint('fires at once', 'warning')}"
    lines = list(_new_values(change) if change.action is Action.CREATE else _changed_values(change))
    width = label_width(label for label, _ in lines)
    for label, text in lines:
        yield f"      {label:<{width}}  {text}"


def _new_values(change: Change) -> Iterator[tuple[str, str]]:
    for field in change.fields:
        if field.field != "name":
            yield field.field, f"{value_text(field.field, field.after)}{_crontab_in_words(field)}"


def _changed_values(change: Change) -> Iterator[tuple[str, str]]:
    for label, before, after, field in field_lines(change.fields):
        drift = "  (drift)" if field.cause is Cause.DRIFT else ""
        yield label, f"{before} → {after}{_crontab_in_words(field)}{drift}"


def _crontab_in_words(field: FieldChange) -> str:
    if field.field != "crontab" or not isinstance(field.after, str):
        return ""
    from beatsync.specfile import crontab  # only a plan that changes a crontab needs it

    words = crontab.in_words(field.after)
    return f"  ({words})" if words else ""
