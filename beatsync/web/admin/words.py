"""The words of the admin about a managed row, as text; and its badges, as HTML."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from beatsync.plan.groups import ScheduleChange
from beatsync.plan.managed import ManagedRow
from beatsync.plan.model import PAUSES, Action, Condition
from beatsync.report.changes import ACTION_WORDS, value_changes
from beatsync.report.schedules import group_words, notes
from beatsync.specfile.shapes import mask_text

# The colours of text and ground are both set, so that they can be read on a light and on a dark page.
_BADGE = "display:inline-block;padding:1px 6px;border-radius:4px;font-weight:600;color:#fff;background:{}"
_DRIFT, _PAUSE, _OTHER = "#9a3c00", "#245a8a", "#555"


def declared_in(managed: ManagedRow) -> str:
    """Return where a schedule is declared: its file, or `the application`."""
    return mask_text(managed.entry.path)


def restored_by(managed: ManagedRow) -> str:
    """Return what restores a changed field."""
    return "the application's next write" if managed.is_application else "the next sync"


def change_words(schedule: ScheduleChange) -> str:
    """Return what an entry of the history did to a schedule: `update: queue "slow" → "fast"`."""
    if schedule.is_group:
        words = f"{ACTION_WORDS[schedule.action]} ({', '.join(notes(schedule))})"
        return ": ".join(filter(None, (words, "; ".join(group_words(schedule)))))
    (change,) = schedule.changes
    is_whole = change.action in {Action.CREATE, Action.DELETE}  # all of its values
    fields = [] if is_whole else [f"{label} {text}" for label, text in value_changes(change.fields)]
    about = "; ".join([*fields, *([change.note] if change.note else [])])
    return f"{ACTION_WORDS[change.action]}: {about}" if about else ACTION_WORDS[change.action]


def badges(managed: ManagedRow) -> SafeString:
    """Return what is special about a row as badges; `as applied` if nothing is."""
    parts = list(_badges(managed)) or [("", "as applied")]
    return format_html_join(" ", '<span class="beatsync-badge" style="{}">{}</span>', parts)


def _badges(managed: ManagedRow) -> Iterator[tuple[str, str]]:
    state = managed.state
    if state.drift:
        yield _BADGE.format(_DRIFT), f"drifted: {', '.join(field.field for field in state.drift)}"
    for condition in state.conditions:
        text = condition.value
        if condition is Condition.OPERATOR:
            text = f"{text}: {', '.join(state.operator_fields)}"
        yield _BADGE.format(_PAUSE if condition in PAUSES else _OTHER), text
