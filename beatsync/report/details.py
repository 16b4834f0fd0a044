"""One schedule in detail as lines of text; everything from the database and from files is escaped here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beatsync.plan.details import RowDetails
from beatsync.plan.drift import RowState
from beatsync.plan.history import past_names
from beatsync.plan.model import Condition, FieldChange
from beatsync.plan.observed import Row
from beatsync.plan.upcoming import ran_last
from beatsync.report.changes import ACTION_WORDS, aligned, value_changes, value_text
from beatsync.report.escape import line_start, one_line
from beatsync.report.history import entry_facts, outcome_words
from beatsync.report.paint import Paint, plain
from beatsync.report.schedules import group_words, notes
from beatsync.report.states import DRIFTED, MISSING
from beatsync.report.summary import counted, revision_name, utc_text
from beatsync.report.values import ShownSchedule
from beatsync.specfile.shapes import mask_text


def render_schedule(shown: ShownSchedule, paint: Paint = plain) -> str:
    """Return everything about one schedule."""
    details = shown.details
    lines = [f"{paint(line_start(mask_text(details.name)), 'name')}: {_state(shown, paint)}"]
    lines += (f"  {label:<12}  {one_line(mask_text(text))}" for label, text in _facts(shown))
    if shown.is_group:
        lines += _group(shown, paint)
    else:
        for row in details.rows:
            lines += _row(row, shown, paint)
    lines += _changes(shown)
    return "\n".join(lines)


def _state(shown: ShownSchedule, paint: Paint) -> str:
    """Return the state of the whole schedule in a few words."""
    words = schedule_words(shown)
    return paint(", ".join(words), "warning") if words else paint("enabled", "good")


def schedule_words(shown: ShownSchedule) -> tuple[str, ...]:
    """Return what is special about a schedule; empty if its rows are enabled and as they were applied."""
    return tuple(dict.fromkeys(word for row in shown.details.rows for word in _row_words(row)))


def _row_words(each: RowDetails) -> Iterator[str]:
    """Yield what is special about a row; nothing about one that is enabled and as it was applied."""
    state = each.state
    if state is None:
        yield "unowned"
    else:
        yield from (condition.value for condition in state.conditions)
        if state.is_drifted:
            yield DRIFTED
    if each.row is not None and not each.row.spec.enabled and (state is None or not state.conditions):
        yield "disabled"


def _facts(shown: ShownSchedule) -> Iterator[tuple[str, str]]:
    details = shown.details
    if shown.source is None:
        yield "source", "none: no source owns this row"
    else:
        synced = f", synced {utc_text(shown.synced_at)}" if shown.synced_at else ""
        yield "source", f"{shown.source}{synced}"
        revision = f" at {revision_name(shown.revision)}" if shown.revision else ""
        yield "declared", f"{shown.location or details.path}{revision}"
        if shown.origin:
            yield "files", shown.origin
        if shown.url:
            yield "link", shown.url
    if shown.every:
        yield "every", shown.every
    label = "next runs"
    for run in details.runs:
        yield label, run_text(run, details.timezone)
        label = ""


def run_text(run: datetime, zone: str) -> str:
    """Return a run in the zone of its schedule, with the offset, and in UTC."""
    if zone == "UTC":
        return f"{run:%a %Y-%m-%d %H:%M:%S} UTC"
    try:
        local = run.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return f"{run:%a %Y-%m-%d %H:%M:%S} UTC"
    return f"{local:%a %Y-%m-%d %H:%M:%S %z} {zone} ({run:%H:%M:%S} UTC)"


def _row(each: RowDetails, shown: ShownSchedule, paint: Paint) -> Iterator[str]:
    row, state = each.row, each.state
    if row is None:
        yield f"  row {line_start(mask_text(each.name))}: {paint(MISSING, 'warning')}"
        return
    yield f"  row {line_start(mask_text(row.name))} (id {row.row_id}): {runs_text(row)}"
    yield from (f"    {note}" for note in _notes(each, shown))
    yield from aligned((field.field, _value(field, state, paint)) for field in each.fields)


def runs_text(row: Row) -> str:
    """Return how often a row ran, and when last: `3 runs, last 2027-01-04 01:30:00 UTC`."""
    ran_at = ran_last(row)
    last = f"last {utc_text(ran_at)}" if ran_at else "none recorded yet"
    return f"{counted(row.total_run_count, 'run')}, {last}"


def row_notes(each: RowDetails, shown: ShownSchedule) -> Iterator[tuple[str, str]]:
    """Yield `paused` and `last`, each with who paused or changed a row, as far as that is known."""
    if each.row is not None:
        yield from shown.notes(each.row.row_id, each.state)
    elif each.state is not None:
        yield from shown.notes(each.state.row_id, each.state)


def _notes(each: RowDetails, shown: ShownSchedule) -> Iterator[str]:
    return (f"{label} {one_line(mask_text(note))}" for label, note in row_notes(each, shown))


def _group(shown: ShownSchedule, paint: Paint) -> Iterator[str]:
    """Yield what the rows of a schedule have in common, and a line for each of them."""
    details = shown.details
    yield f"  {counted(len(details.rows), 'row')}"
    yield from (f"    {note}" for note in dict.fromkeys(note for row in details.rows for note in _notes(row, shown)))
    state = details.rows[0].state
    yield from aligned((field.field, _value(field, state, paint)) for field in details.common_fields)
    yield from aligned((line_start(mask_text(row.name)), _group_row(row, shown, paint)) for row in details.rows)


def _group_row(each: RowDetails, shown: ShownSchedule, paint: Paint) -> str:
    """Return the crontab of a row, its clauses, its last run, and in what it differs from the other rows."""
    if each.row is None:
        return paint("deleted outside BeatSync", "warning")
    crontabs = [_value(field, each.state, paint) for field in each.fields if field.field == "crontab"]
    own = [f"{field.field} {_value(field, each.state, paint)}" for field in differing_fields(each, shown)]
    clauses = one_line(mask_text(shown.clauses_of(each)))
    return "  ".join(filter(None, (*crontabs, clauses, runs_text(each.row), ", ".join(own))))


def differing_fields(each: RowDetails, shown: ShownSchedule) -> list[FieldChange]:
    """Return the fields of a row that are not those of all rows, without its crontab."""
    common = shown.details.common_fields
    return [field for field in each.fields if field.field != "crontab" and field not in common]


def _value(field: FieldChange, state: RowState | None, paint: Paint) -> str:
    text = value_text(field.field, field.before)
    if field.before == field.after:
        return text
    words = difference_words(field.field, state)
    mark = paint(words, "warning") if words == DRIFTED else words
    return f"{text}  (applied: {value_text(field.field, field.after)}; {mark})"


def difference_words(field: str, state: RowState | None) -> str:
    """Return what becomes of a field that differs from what was applied."""
    if state is not None and any(drifted.field == field for drifted in state.drift):
        return DRIFTED
    return Condition.OPERATOR.value if state is not None and field in state.operator_fields else "left as it is"


def _changes(shown: ShownSchedule) -> Iterator[str]:
    past = past_names(shown.changes, shown.details.name)
    for number, entry in enumerate(shown.changes):
        if number == 0:
            yield "  last changes"
        about = ", ".join([outcome_words(entry), *entry_facts(entry)])
        yield f"    #{entry.entry_id} {utc_text(entry.started_at)} {one_line(about)}"
        if entry.message:
            yield f"        {line_start(entry.message)}"
        for schedule in entry.schedule_changes(past):
            if schedule.is_group:
                yield f"        {', '.join([ACTION_WORDS[schedule.action], *map(one_line, notes(schedule))])}"
                yield from (f"          {one_line(words)}" for words in group_words(schedule))
                continue
            (change,) = schedule.changes
            yield from (f"  {line}" for line in aligned(value_changes(change.fields)))
            if change.note or not change.fields:
                yield f"        {line_start(change.note or ACTION_WORDS[change.action])}"
