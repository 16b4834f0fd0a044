"""Text for a terminal: diagnostics as compilers print them, plans, and the status of sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from beatsync.plan.drift import RowState
from beatsync.plan.groups import schedule_changes, schedule_conditions, schedule_notes
from beatsync.plan.history import APPLIED, HistoryEntry
from beatsync.plan.mask import masked_fields
from beatsync.plan.model import PAUSES, Action, Condition, Plan
from beatsync.report.changes import aligned, field_lines
from beatsync.report.escape import line_start, one_line
from beatsync.report.groups import (
    MAX_NAMES,
    by_schedule,
    first_names,
    listed_names,
    names_by_condition,
    noted,
    same_fix,
)
from beatsync.report.history import FAILURES, HistoryView, closing_lines, entry_facts, outcome_words, shown_changes
from beatsync.report.paint import Paint, plain
from beatsync.report.schedules import row_count, schedule_lines
from beatsync.report.states import DECLARED_BY_APPLICATION, DRIFTED, MISSING, NEVER_SYNCED
from beatsync.report.summary import (
    counted,
    peak_text,
    plan_heading,
    plan_totals,
    revision_name,
    utc_text,
    validation_totals,
)
from beatsync.report.values import SourceStatus, UnownedRow, ValidationResult
from beatsync.specfile.shapes import mask_text
from beatsync.values import Diagnostic, Severity

_MAX_EXCERPT = 120
"""Characters of a source line that are shown."""
_MAX_NEW = 10_000
"""New schedules of a plan that are shown."""


def render_diagnostic(diagnostic: Diagnostic, paint: Paint = plain) -> str:
    """Return one diagnostic, with its source line and a caret unless the line is unavailable or secret."""
    severity = diagnostic.severity.value
    place, code = line_start(str(diagnostic.location)), f"[{diagnostic.code}]"
    message = f"{paint(severity, severity)}: {one_line(diagnostic.text)}"
    lines = [f"{paint(place, 'place')}: {message} {paint(code, 'quiet')}"]
    if diagnostic.excerpt and diagnostic.excerpt.strip():
        lines += _excerpt(diagnostic.excerpt, diagnostic.location.column or 1, paint)
    if diagnostic.hint:
        lines.append(f"  {paint('hint:', 'hint')} {one_line(diagnostic.hint)}")
    return "\n".join(lines)


def _excerpt(excerpt: str, column: int, paint: Paint) -> list[str]:
    line = one_line(excerpt.replace("\t", " "))
    first = max(0, min(column - 1, len(line)) - _MAX_EXCERPT // 2) if len(line) > _MAX_EXCERPT else 0
    shown = line[first : first + _MAX_EXCERPT].rstrip()
    caret = column - 1 - first
    bar = paint("|", "quiet")
    if not 0 <= caret <= len(shown):
        return [f"  {bar} {shown}"]
    return [f"  {bar} {shown}", f"  {bar} {' ' * caret}{paint('^', 'caret')}"]


def render_validation(result: ValidationResult, paint: Paint = plain, *, is_quiet: bool = False) -> str:
    """Return all diagnostics, or the errors only if `is_quiet`, then the totals."""
    shown = (d for d in result.diagnostics if d.severity is Severity.ERROR or not is_quiet)
    blocks = [render_diagnostic(diagnostic, paint) for diagnostic in shown]
    return "\n".join([*blocks, validation_totals(result, paint)])


def render_plan(
    plan: Plan,
    *,
    applied: bool,
    refusal: str = "",
    with_rows: bool = False,
    is_quiet: bool = False,
    paint: Paint = plain,
) -> Iterator[str]:
    """Yield a plan, or what a sync did if `applied`, in blocks of lines; `refusal` is the text of `refusal_text`.

    `with_rows` shows each row of schedules with several rows; `is_quiet` shows errors, blockers and totals only.

    A block is rendered when it is requested, because a first sync may print millions of lines. Of the new schedules the first
    10,000 are shown; changes of existing rows are always shown.
    """
    for diagnostic in plan.diagnostics:
        if diagnostic.severity is Severity.ERROR or not is_quiet:
            yield render_diagnostic(diagnostic, paint)
    if is_quiet:
        yield from _blocked(plan, paint)
        yield plan_totals(plan, applied=applied, refusal=refusal)
        return
    if plan.changes or plan.blocked:
        yield from [*([""] if plan.diagnostics else []), plan_heading(plan), ""]
    yield from _changes(plan, paint, with_rows=with_rows)
    yield from _conditions(schedule_conditions(plan), schedule_notes(plan))
    if plan.conditions:
        yield ""
    yield from _blocked(plan, paint)
    if plan.peak is not None:
        yield from [peak_text(plan.peak), ""]
    yield plan_totals(plan, applied=applied, refusal=refusal)


def _changes(plan: Plan, paint: Paint, *, with_rows: bool) -> Iterator[str]:
    new = 0
    for schedule in schedule_changes(plan):
        new += schedule.action is Action.CREATE
        if new <= _MAX_NEW or schedule.action is not Action.CREATE:
            yield "\n".join(schedule_lines(schedule, paint, with_rows=with_rows))
    if new > _MAX_NEW:
        yield f"  and {new - _MAX_NEW:,} more new schedules; `--format json` lists all of them"
    if plan.changes:
        yield ""


def _conditions(conditions: Iterable[tuple[str, Condition]], notes: Mapping[str, str]) -> Iterator[str]:
    for condition, names in names_by_condition(conditions):
        about = notes if condition in PAUSES else {}
        listed = first_names([noted(one_line(name), one_line(mask_text(about.get(name, "")))) for name in names])
        yield f"  {condition.value}: {listed}"


def _blocked(plan: Plan, paint: Paint) -> Iterator[str]:
    for group in same_fix(plan.blocked):
        code, hint = group[0].code, group[0].hint
        for blocked in group[:MAX_NAMES]:
            yield f"{paint('blocked:', 'error')} {one_line(blocked.message)} {paint(f'[{code}]', 'quiet')}"
            names = listed_names(blocked)
            yield from (f"  - {one_line(name)}" for name in names[:MAX_NAMES])
            if len(names) > MAX_NAMES:
                yield f"  and {len(names) - MAX_NAMES:,} more"
        if len(group) > MAX_NAMES:
            yield f"  and {len(group) - MAX_NAMES:,} more with the same code"
        if hint:
            yield f"  {paint('hint:', 'hint')} {one_line(hint)}"
    if plan.blocked:
        yield ""


def render_release(plan: Plan, paint: Paint = plain) -> str:
    """Return which schedules were released, and how many."""
    lines = [
        f"{paint(one_line(schedule.name), 'name')}: released; the {'rows stay' if len(schedule.changes) > 1 else 'row stays'}"
        for schedule in schedule_changes(plan)
    ]
    return "\n".join([*lines, f"{len(lines):,} released"])


def render_pauses(plans: Iterable[Plan], done: str, paint: Paint = plain) -> str:
    """Return a line for each schedule whose pause starts or ends: its name, `done`, and what else is to be said."""
    return "\n".join(
        f"{paint(line_start(mask_text(schedule.name)), 'name')}: {done}{f' ({one_line(note)})' if note else ''}"
        for plan in plans
        for schedule in schedule_changes(plan)
        for note in [next(filter(None, (change.note for change in schedule.changes)), None)]
    )


def render_status(
    sources: Sequence[SourceStatus],
    paint: Paint = plain,
    *,
    with_rows: bool = False,
    unowned: Sequence[UnownedRow] | None = None,
) -> str:
    """Return the status of all sources; `with_rows` lists the rows of schedules with several rows.

    `unowned` are the rows that no source owns; None if they were not read.
    """
    blocks = ["\n".join(_source(source, paint, with_rows=with_rows)) for source in sources]
    blocks = blocks or ["No source was synced into this database yet."]
    if unowned is not None:
        blocks.append("\n".join([f"{counted(len(unowned), 'row')} without a source", *aligned(map(_unowned, unowned))]))
    return "\n\n".join(blocks)


def _unowned(row: UnownedRow) -> tuple[str, str]:
    notes = ["beat writes it at every start"] if row.is_recreated else []
    notes += [*([one_line(row.added)] if row.added else []), *([] if row.enabled else ["disabled"])]
    return line_start(row.name), one_line(row.task) + (f"  ({', '.join(notes)})" if notes else "")


def _source(source: SourceStatus, paint: Paint, *, with_rows: bool) -> Iterator[str]:
    outcome, kind = _outcome(source)
    yield f"{paint(line_start(source.name), 'name')}: {paint(outcome, kind)}"
    if source.suspension:
        yield f"  {paint(one_line(str(source.suspension)), 'warning')}"
    if source.message:
        yield f"  {line_start(source.message)}"
    facts = {
        "last change" if source.is_application else "last success": source.synced_at and utc_text(source.synced_at),
        "revision": revision_name(source.revision) if source.revision else None,
        "environment": source.environment,
        "time zone": source.timezone,
        "files": source.origin,
        "leader": source.leader,
        "owns": counted(source.schedules, "schedule"),
    }
    yield from (f"  {label:<12}  {one_line(fact)}" for label, fact in facts.items() if fact)
    yield from _drift(source, paint)
    yield from _conditions(source.schedule_conditions, source.schedule_notes)
    if with_rows:
        yield from _group_rows(source)


def _outcome(source: SourceStatus) -> tuple[str, str]:
    """Return how the last sync ended, and its style; a set of an application is never synced."""
    if source.is_application and not source.outcome:
        return DECLARED_BY_APPLICATION, "good"
    return one_line(source.outcome) or NEVER_SYNCED, "good" if source.outcome == APPLIED else "error"


def _drift(source: SourceStatus, paint: Paint) -> Iterator[str]:
    totals = Counter(row.schedule for row in source.rows)
    for name, rows in by_schedule(source.drifted):
        yield f"  {paint(DRIFTED, 'warning')}: {one_line(name)}{_about(rows, totals[name], source)}"
        fields = {field: None for row in rows for field in masked_fields(row.drift, row.sensitive)}
        lines = field_lines(fields)
        yield from aligned((line.label, f"{line.before} (applied: {line.after})") for line in lines)
    for name, rows in by_schedule(source.missing):
        yield f"  {paint(MISSING, 'warning')}: {one_line(name)}{_about(rows, totals[name], source)}"


def _group_rows(source: SourceStatus) -> Iterator[str]:
    for name, rows in by_schedule(row for row in source.rows if row.group is not None):
        yield f"  {row_count(len(rows))} of {one_line(name)}:"
        yield from aligned((line_start(row.name), one_line(row.crontab)) for row in rows)


def _about(rows: Sequence[RowState], total: int, source: SourceStatus) -> str:
    """Return how many of its rows a line about a schedule is about, and who changed the first of them last."""
    author = next(filter(None, (source.authors.get(row.row_id) for row in rows)), None)
    notes = [row_count(len(rows), total)] if rows[0].group is not None else []
    notes += [f"last {one_line(author)}"] if author else []
    return f" ({', '.join(notes)})" if notes else ""


def render_history(entries: Sequence[HistoryEntry], view: HistoryView, paint: Paint = plain) -> str:
    """Return entries of the history, in their order."""
    if not entries:
        return "The history has no such entry."
    return "\n\n".join("\n".join(_history_entry(entry, view, paint)) for entry in entries)


def _history_entry(entry: HistoryEntry, view: HistoryView, paint: Paint) -> Iterator[str]:
    kind = "error" if entry.outcome in FAILURES else "good"
    outcome = paint(one_line(outcome_words(entry)), kind)
    yield f"{paint(f'#{entry.entry_id}', 'name')}  {utc_text(entry.started_at)}  {one_line(entry.source)}: {outcome}"
    if described := ", ".join(entry_facts(entry)):
        yield f"  {one_line(described)}"
    if entry.run_url:
        yield f"  {line_start(entry.run_url)}"
    if entry.message:
        yield f"  {line_start(entry.message)}"
    changes, hidden = shown_changes(entry, view)
    for change in changes:
        yield from schedule_lines(change, paint, with_rows=view.with_rows)
    yield from (f"  {line}" for line in closing_lines(entry, hidden))
