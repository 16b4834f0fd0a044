"""The changes of one schedule as lines, shared by text and Markdown: a schedule with several rows is one line, not one a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from beatsync.plan.groups import ScheduleChange, distinct_clauses
from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Cause, Change, FieldChange
from beatsync.report.changes import (
    ACTION_WORDS,
    CAUSE_NOTES,
    SIGNS,
    aligned,
    change_lines,
    change_text,
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
    schedule = masked_schedule(schedule)
    yield header(schedule.action, schedule.name, notes(schedule), paint)
    if schedule.fires_at_once:
        yield f"      {paint('fires at once', 'warning')}"
    yield from aligned(_common(schedule, with_rows=with_rows))
    if with_rows:
        rows = aligned((f"{SIGNS[change.action]} {one_line(change.name)}", _row(change)) for change in schedule.changes)
        yield from (line.rstrip() for line in rows)


def schedule_text(schedule: ScheduleChange) -> str:
    """Return a masked change without its name on one line: `update: queue "slow" → "fast"`."""
    if not schedule.is_group:
        return change_text(schedule.changes[0])
    words = f"{ACTION_WORDS[schedule.action]} ({', '.join(notes(schedule))})"
    return ": ".join(filter(None, (words, "; ".join(group_words(schedule)))))


def row_count(rows: int, of: int | None = None) -> str:
    """Return `3 rows`, or `1 of 3 rows`."""
    return counted(rows, "row") if of in {None, rows} else f"{rows:,} of {counted(of, 'row')}"


def masked_schedule(schedule: ScheduleChange) -> ScheduleChange:
    """Return the change with every secret in it replaced."""
    return schedule._replace(name=mask_text(schedule.name), changes=tuple(map(masked, schedule.changes)))


def notes(schedule: ScheduleChange) -> list[str]:
    """Return the notes behind the name: the number of rows, what happens to how many of them, and the first reason."""
    # The fields of rows that are deleted are no changes, and each of these rows has its own last run.
    remaining = [change for change in schedule.changes if change.action is not Action.DELETE]
    is_drift = schedule.cause is Cause.DRIFT and all(not change.fields for change in remaining)
    reasons = [change.note for change in remaining if change.note]
    return [_rows(schedule), *reasons[:1], *(["drift"] if is_drift else [])]


def _rows(schedule: ScheduleChange) -> str:
    """Return the number of rows, and of those that are created, changed and deleted if that is not clear."""
    counts = Counter(SIGNS[change.action] for change in schedule.changes)
    rows = row_count(schedule.rows or len(schedule.changes))
    if schedule.action in (Action.CREATE, Action.DELETE, Action.FORGET) or counts == {"~": schedule.rows}:
        return rows
    return f"{rows}: {' '.join(f'{sign}{counts[sign]:,}' for sign in '+~-' if counts[sign])}"


def _common(schedule: ScheduleChange, *, with_rows: bool) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of what the rows of a schedule have in common."""
    if clauses := every(schedule):
        yield "every", one_line(clauses)
    if schedule.action is Action.CREATE:
        yield from new_values(common_fields(schedule))
    elif schedule.action is Action.DELETE:
        yield from old_values(common_fields(schedule))
    else:
        if not with_rows and (moved := moved_rows(schedule)):
            yield "crontab", f"changes in {moved}; --rows shows them"
        yield from value_changes(common_fields(schedule, with_crontab=schedule.rows == 1 and not with_rows))


def group_words(schedule: ScheduleChange) -> Iterator[str]:
    """Yield what changes in a schedule with several rows, each as a phrase: `every office: 1m`, `queue "slow" → "fast"`."""
    schedule = masked_schedule(schedule)
    if clauses := every(schedule):
        yield f"every {clauses}"
    if schedule.action in (Action.CREATE, Action.DELETE):
        return
    if moved := moved_rows(schedule):
        yield f"crontab changes in {moved}"
    for label, text in value_changes(common_fields(schedule, with_crontab=schedule.rows == 1)):
        yield f"{label} {text}"


def every(schedule: ScheduleChange) -> str:
    """Return the clauses that the rows carry out together from now on; empty unless all of them change."""
    remaining = _remaining(schedule)
    return distinct_clauses(change.clauses for change in remaining) if len(remaining) == schedule.rows else ""


def moved_rows(schedule: ScheduleChange) -> str:
    """Return how many existing rows change their crontab; empty if none does, or if there is one row."""
    moved = [
        change
        for change in _remaining(schedule)
        if change.action is not Action.CREATE and any(field.field == "crontab" for field in change.fields)
    ]
    return row_count(len(moved)) if moved and schedule.rows != 1 else ""


def common_fields(schedule: ScheduleChange, *, with_crontab: bool = False) -> tuple[FieldChange, ...]:
    """Return the fields that are the same in all rows of a new or deleted schedule; else the distinct changes of existing rows.

    Crontabs differ between rows; `with_crontab` includes those of a schedule with one row.
    """
    if schedule.action in (Action.CREATE, Action.DELETE):
        return tuple(field for field in schedule.changes[0].fields if field.field != "crontab")
    shared = {
        field: None
        for change in _remaining(schedule)
        if change.action is not Action.CREATE
        for field in change.fields
        if (with_crontab or field.field != "crontab") and (field.field != "name" or change.name == schedule.name)
    }
    return tuple(shared)


def _remaining(schedule: ScheduleChange) -> list[Change]:
    return [change for change in schedule.changes if not change.ends_row]


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
