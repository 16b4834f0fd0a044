"""One schedule in detail as lines of text; everything from the database and from files is escaped here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beatsync.plan.details import RowDetails
from beatsync.plan.drift import RowState
from beatsync.plan.history import past_names
from beatsync.plan.jsonform import change_of_json
from beatsync.plan.model import Condition, FieldChange
from beatsync.plan.upcoming import ran_last
from beatsync.report.changes import aligned, value_changes, value_text
from beatsync.report.escape import line_start, one_line
from beatsync.report.history import entry_facts, outcome_words
from beatsync.report.paint import Paint, plain
from beatsync.report.states import DRIFTED, MISSING
from beatsync.report.summary import counted, revision_name, utc_text
from beatsync.report.values import ShownSchedule
from beatsync.specfile.shapes import mask_text


def render_schedule(shown: ShownSchedule, paint: Paint = plain) -> str:
    """Return everything about one schedule."""
    details = shown.details
    lines = [f"{paint(line_start(mask_text(details.name)), 'name')}: {_state(shown, paint)}"]
    lines += (f"  {label:<12}  {one_line(mask_text(text))}" for label, text in _facts(shown))
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
    runs = counted(row.total_run_count, "run")
    last = f"last {utc_text(ran_last(row))}" if ran_last(row) else "none recorded yet"
    yield f"  row {line_start(mask_text(row.name))} (id {row.row_id}): {runs}, {last}"
    for label, note in shown.notes(row.row_id, state):
        yield f"    {label} {one_line(mask_text(note))}"
    yield from aligned((field.field, _value(field, state, paint)) for field in each.fields)


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
    names = past_names(shown.changes, shown.details.name)
    for number, entry in enumerate(shown.changes):
        if number == 0:
            yield "  last changes"
        about = ", ".join([outcome_words(entry), *entry_facts(entry)])
        yield f"    #{entry.entry_id} {utc_text(entry.started_at)} {one_line(about)}"
        changes = [change_of_json(change) for change in entry.changes_of(*names)]
        for change in changes:
            if len(changes) > 1:
                yield f"      {line_start(mask_text(change.name))}"
            yield from (f"  {line}" for line in aligned(value_changes(change.fields)))
            if change.note:
                yield f"        {line_start(change.note)}"
