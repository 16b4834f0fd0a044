"""The notice in the form of a managed row, as HTML. Everything from files and rows is escaped here."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from beatsync.plan.history import past_names
from beatsync.plan.managed import ManagedRow
from beatsync.report.changes import value_text
from beatsync.report.details import difference_words, run_text
from beatsync.report.history import entry_facts, outcome_words
from beatsync.report.schedules import schedule_text
from beatsync.report.states import DRIFTED
from beatsync.report.summary import counted, revision_name, utc_text
from beatsync.report.values import ShownSchedule
from beatsync.specfile.shapes import mask_text
from beatsync.web.admin.words import declared_by, restored_by

# The styles of each package for a form are not made for text.
_LIST = (
    '<p style="margin:0"><strong>{}</strong></p><ul style="margin:0 0 .6em;padding-left:1.4em;list-style:disc">{}</ul>'
)
_LINK = "text-decoration:underline;font-weight:600"


def notice(
    managed: ManagedRow, shown: ShownSchedule, site_link: str, edit_url: str, pause_url: str, *, is_edit: bool
) -> SafeString:
    """Return everything that an operator should know before a change.

    `site_link` is the source as HTML; `edit_url` opens the form for a deliberate edit, or leaves it, and `pause_url` the page that
    starts and ends a pause. Both are empty if that is not allowed.
    """
    blocks = [
        _place(managed, shown, site_link),
        _drift(managed, shown),
        _state(managed, shown),
        _editing(managed, edit_url, is_edit=is_edit),
        _pausing(managed, pause_url),
        _list("Next runs", (run_text(run, shown.details.timezone) for run in shown.details.runs)),
        _list("Last changes", _changes(shown)),
    ]
    return format_html(
        '<div class="beatsync-notice">{}</div>', format_html_join("", "{}", ((each,) for each in blocks))
    )


def _place(managed: ManagedRow, shown: ShownSchedule, site_link: str) -> SafeString:
    if managed.is_application:
        return _paragraph("The application manages this row at run time, in its set <strong>{}</strong>.", site_link)
    place = mask_text(str(shown.location or shown.details.path or managed.entry.path))
    where = format_html("<code>{}</code>", place)
    if shown.url:
        where = format_html('<a style="{}" href="{}" rel="noopener noreferrer">{}</a>', _LINK, shown.url, where)
    revision = f" at {revision_name(shown.revision)}" if shown.revision else ""
    origin = f", files from {mask_text(shown.origin)}" if shown.origin else ""
    synced = f", synced {utc_text(shown.synced_at)}" if shown.synced_at else ""
    return _paragraph(
        "BeatSync manages this row: the source <strong>{}</strong> declares it in {}{}{}{}.{}",
        site_link, where, revision, origin, synced, _group(managed, shown),
    )  # fmt: skip


def _group(managed: ManagedRow, shown: ShownSchedule) -> str:
    """Return which schedule a row is part of, if that has `every`."""
    if managed.entry.group is None:
        return ""
    return f" It is one of {counted(len(shown.details.rows), 'row')} of the schedule {mask_text(managed.entry.group)}."


def _drift(managed: ManagedRow, shown: ShownSchedule) -> SafeString:
    """Return the fields that differ from what was applied, with both values, masked."""
    row = next((each for each in shown.details.rows if each.name == managed.entry.name), None)
    fields = [] if row is None else [field for field in row.fields if field.before != field.after]
    lines = []
    for field in fields:
        words = difference_words(field.field, managed.state)
        words = f"{words}: {restored_by(managed)} restores it" if words == DRIFTED else words
        lines.append(
            f"{field.field}: {value_text(field.field, field.before)},"
            f" applied: {value_text(field.field, field.after)} ({words})"
        )
    author = shown.authors.get(managed.state.row_id)
    title = f"Differs from what was applied (last {mask_text(author)})" if author else "Differs from what was applied"
    return _list(title, lines)


def _state(managed: ManagedRow, shown: ShownSchedule) -> SafeString:
    """Return why a sync leaves the row as it is, and who paused it until when."""
    state = managed.state
    words = [condition.value for condition in state.conditions]
    if state.operator_fields:
        words.append(f"until {declared_by(managed)} changes them: {', '.join(state.operator_fields)}")
    if not words:
        return SafeString("")
    note = shown.note(state) if state.pause is not None else None
    return _paragraph("<strong>State:</strong> {}{}", ", ".join(words), f" {mask_text(note)}" if note else "")


def _editing(managed: ManagedRow, edit_url: str, *, is_edit: bool) -> SafeString:
    if not edit_url:
        return SafeString("")
    if is_edit:
        return _paragraph(
            "<strong>All fields but the name are unlocked.</strong> {} restores what you change, unless you leave it"
            ' to the operator below. <a style="{}" href="{}">Lock the fields again</a>',
            restored_by(managed).capitalize(), _LINK, edit_url,
        )  # fmt: skip
    return _paragraph(
        'The locked fields are changed where they are declared. <a style="{}" href="{}">Edit anyway</a>',
        _LINK,
        edit_url,
    )


def _pausing(managed: ManagedRow, pause_url: str) -> SafeString:
    if not pause_url:
        return SafeString("")
    label = "Pause with a reason" if managed.entry.pause is None else "Change or end the pause"
    return _paragraph('<a style="{}" href="{}">{}</a>', _LINK, pause_url, label)


def _changes(shown: ShownSchedule) -> Iterator[str]:
    names = past_names(shown.changes, shown.details.name)
    for entry in shown.changes:
        about = ", ".join([utc_text(entry.started_at), outcome_words(entry), *entry_facts(entry)])
        changes = map(schedule_text, entry.schedule_changes(names))
        message = f" ({entry.message})" if entry.message else ""
        yield f"{mask_text(about)}: {'; '.join(changes)}{message}"


def _list(title: str, lines: Iterator[str] | list[str]) -> SafeString:
    items = format_html_join("", '<li style="list-style:inherit">{}</li>', ((line,) for line in lines))
    return format_html(_LIST, title, items) if items else SafeString("")


def _paragraph(template: str, *values: object) -> SafeString:
    """Return a paragraph: `template` is HTML, and each value is escaped."""
    return format_html('<p style="margin:0 0 .6em">{}</p>', format_html(template, *values))
