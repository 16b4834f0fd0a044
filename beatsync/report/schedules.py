"""The changes of one schedule as lines, shared by text and Markdown: a schedule with several rows is one line, not one a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from beatsync.plan.groups import ScheduleChange
from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Cause, Change, FieldChange
from beatsync.report.changes import (
    ACTION_WORDS,
    CAUSE_NOTES,
    SIGNS,
    aligned,
    change_lines,
    crontab_in_words,
    header,
    new_values,
    old_values,
    value_changes,
)
from beatsync.report.escape import one_line
from beatsync.report.paint import Paint, plain
from beatsync.report.summary import counted
from beatsync.specfile.shapes import mask_text


def schedule_lines(schedule: ScheduleChange, paint: Paint = plain, *, with_rows: bool = False) -> Iterator[str]:
    """Yield the lines of a schedule; of one with several rows what they have in common, and each row if `with_rows`."""
    if not schedule.is_group:
        yield from change_lines(schedule.changes[0], paint)
        return
    changes = [masked(change) for change in schedule.changes]
    yield header(schedule.action, mask_text(schedule.name), _notes(schedule, changes), paint)
    if any(change.fires_at_once for change in changes):
        yield f"      {paint('fires at once', 'warning')}"
    yield from aligned(_common(schedule, changes, with_rows=with_rows))
    if with_rows:
        rows = aligned((f"{SIGNS[change.action]} {one_line(change.name)}", _row(change)) for change in changes)
        yield from (line.rstrip() for line in rows)


def row_count(rows: int, of: int | None = None) -> str:
    """Return `3 rows`, or `1 of 3 rows`."""
    return counted(rows, "row") if of in {None, rows} else f"{rows:,} of {counted(of, 'row')}"


def _notes(schedule: ScheduleChange, changes: Sequence[Change]) -> list[str]:
    """Return the notes behind the name: the number of rows, what happens to how many of them, and the first reason."""
    # The fields of rows that are deleted are no changes, and each of these rows has its own last run.
    remaining = [change for change in changes if change.action is not Action.DELETE]
    is_drift = schedule.cause is Cause.DRIFT and all(not change.fields for change in remaining)
    reasons = [change.note for change in remaining if change.note]
    return [_rows(schedule, changes), *reasons[:1], *(["drift"] if is_drift else [])]


def _rows(schedule: ScheduleChange, changes: Sequence[Change]) -> str:
    """Return the number of rows, and of those that are created, changed and deleted if that is not clear."""
    counts = Counter(SIGNS[change.action] for change in changes)
    rows = row_count(schedule.rows or len(changes))
    if schedule.action in (Action.CREATE, Action.DELETE, Action.FORGET) or counts == {"~": schedule.rows}:
        return rows
    return f"{rows}: {' '.join(f'{sign}{counts[sign]:,}' for sign in '+~-' if counts[sign])}"


def _common(schedule: ScheduleChange, changes: Sequence[Change], *, with_rows: bool) -> Iterator[tuple[str, str]]:
    """Yield what the rows of a schedule carry out together, and the fields that change in all of them or in some."""
    remaining = [change for change in changes if not change.ends_row]
    if len(remaining) == schedule.rows and (clauses := _clauses(remaining)):
        yield "every", clauses
    if schedule.action in (Action.CREATE, Action.DELETE):
        values = new_values if schedule.action is Action.CREATE else old_values
        yield from values(field for field in changes[0].fields if field.field != "crontab")
        return
    if not with_rows:
        yield from _crontabs(schedule, remaining)
    yield from value_changes(_shared_fields(schedule, remaining))


def _clauses(changes: Iterable[Change]) -> str:
    """Return the distinct clauses of several rows, in their order."""
    return one_line(", ".join(dict.fromkeys(c for change in changes for c in change.clauses.split(", ") if c)))


def _crontabs(schedule: ScheduleChange, changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    """Yield how many rows change their crontab, or the change itself if there is one row."""
    existing = [change for change in changes if change.action is not Action.CREATE]
    moved = [field for change in existing for field in change.fields if field.field == "crontab"]
    if schedule.rows == 1:
        yield from value_changes(moved)
    elif moved:
        yield "crontab", f"changes in {row_count(len(moved))}; --rows shows them"


def _shared_fields(schedule: ScheduleChange, changes: Sequence[Change]) -> dict[FieldChange, None]:
    """Return the distinct changes in existing rows without crontabs, which differ, and without the names of the further rows."""
    return {
        field: None
        for change in changes
        if change.action is not Action.CREATE
        for field in change.fields
        if field.field != "crontab" and (field.field != "name" or change.name == schedule.name)
    }


def _row(change: Change) -> str:
    """Return what a row shall run, or what happens to it."""
    notes = [*([change.clauses] if change.clauses else []), *([change.note] if change.note else [])]
    if change.action in (Action.DISABLE, Action.FORGET, Action.ADOPT):
        notes.append(ACTION_WORDS[change.action])
    crontab = ""
    for field in change.fields:
        if field.field == "crontab":
            before = f"{field.before} → " if isinstance(field.before, str) else ""
            if change.ends_row:
                crontab = str(field.before)
                continue
            notes += [CAUSE_NOTES[field.cause]] if field.cause in CAUSE_NOTES else []
            crontab = f"{before}{field.after}{crontab_in_words(field)}"
    return one_line("  ".join(filter(None, (crontab, ", ".join(notes)))))
