"""The notice in the form of a managed row, as HTML. Everything from files and rows is escaped here."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from beatsync.plan.jsonform import change_of_json
from beatsync.plan.managed import ManagedRow
from beatsync.plan.observed import APPLICATION_PATH
from beatsync.report.changes import value_changes, value_text
from beatsync.report.details import DRIFTED, difference_words, run_text
from beatsync.report.history import entry_facts, outcome_words
from beatsync.report.summary import revision_name, utc_text
from beatsync.report.values import ShownSchedule
from beatsync.specfile.shapes import mask_text
from beatsync.web.admin.words import restored_by


def notice(managed: ManagedRow, shown: ShownSchedule, site_link: str, edit_url: str, *, is_edit: bool) -> SafeString:
    """Return everything that an operator should know before a change.

    `site_link` is the source as HTML; `edit_url` opens the form for a deliberate edit, or leaves it, and is empty if that is not allowed.
    """
    blocks = [
        _place(managed, shown, site_link),
        _drift(managed, shown),
        _state(managed, shown),
        _editing(managed, edit_url, is_edit=is_edit),
        _list("Next runs", (run_text(run, shown.details.timezone) for run in shown.details.runs)),
        _list("Last changes", _changes(shown)),
    ]
    return format_html(
        '<div class="beatsync-notice">{}</div>', format_html_join("", "{}", ((each,) for each in blocks))
    )


def _place(managed: ManagedRow, shown: ShownSchedule, site_link: str) -> SafeString:
    if shown.details.path == APPLICATION_PATH or managed.is_application:
        return format_html(
            "<p>The application manages this row at run time, in its set <strong>{}</strong>.</p>", site_link
        )
    place = mask_text(str(shown.location or shown.details.path or managed.entry.path))
    where = format_html("<code>{}</code>", place)
    if shown.url:
        where = format_html('<a href="{}" rel="noopener noreferrer">{}</a>', shown.url, where)
    revision = f" at {revision_name(shown.revision)}" if shown.revision else ""
    origin = f", files from {mask_text(shown.origin)}" if shown.origin else ""
    synced = f", synced {utc_text(shown.synced_at)}" if shown.synced_at else ""
    return format_html(
        "<p>BeatSync manages this row: the source <strong>{}</strong> declares it in {}{}{}{}.</p>",
        site_link, where, revision, origin, synced,
    )  # fmt: skip


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
        words.append(f"until the file changes them: {', '.join(state.operator_fields)}")
    if not words:
        return SafeString("")
    note = shown.note(state) if state.pause is not None else None
    return format_html("<p><strong>State:</strong> {}{}</p>", ", ".join(words), f" {mask_text(note)}" if note else "")


def _editing(managed: ManagedRow, edit_url: str, *, is_edit: bool) -> SafeString:
    if not edit_url:
        return SafeString("")
    if is_edit:
        return format_html(
            "<p><strong>All fields but the name are unlocked.</strong> {} restores what you change, unless you leave it"
            ' to the operator below. <a href="{}">Lock the fields again</a></p>',
            restored_by(managed).capitalize(), edit_url,
        )  # fmt: skip
    return format_html(
        '<p>The locked fields are changed where they are declared. <a class="beatsync-edit" href="{}">Edit anyway</a></p>',
        edit_url,
    )


def _changes(shown: ShownSchedule) -> Iterator[str]:
    for entry in shown.changes:
        about = ", ".join([utc_text(entry.started_at), outcome_words(entry), *entry_facts(entry)])
        changes = [change_of_json(change) for change in entry.changes_of(shown.details.name)]
        fields = [f"{label} {text}" for change in changes for label, text in value_changes(change.fields)]
        notes = [change.note for change in changes if change.note]
        yield f"{mask_text(about)}: {'; '.join([*fields, *notes]) or 'no field'}"


def _list(title: str, lines: Iterator[str] | list[str]) -> SafeString:
    items = format_html_join("", "<li>{}</li>", ((line,) for line in lines))
    return format_html("<p><strong>{}</strong></p><ul>{}</ul>", title, items) if items else SafeString("")
