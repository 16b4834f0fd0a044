"""Markdown: a plan as a comment on a pull request, and the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from beatsync.plan.groups import ScheduleChange, schedule_changes, schedule_conditions, schedule_notes
from beatsync.plan.history import HistoryEntry
from beatsync.plan.model import PAUSES, Blocked, Plan
from beatsync.report.changes import SIGNS
from beatsync.report.escape import markdown_code, markdown_text
from beatsync.report.groups import MAX_NAMES, first_names, listed_names, names_by_condition, noted, same_fix
from beatsync.report.history import HistoryView, closing_lines, entry_facts, outcome_words, shown_changes
from beatsync.report.schedules import schedule_lines
from beatsync.report.summary import peak_text, plan_heading, plan_totals, utc_text
from beatsync.specfile.shapes import mask_text
from beatsync.values import Diagnostic

_MAX_CHANGES = 50_000
"""Characters of changes. GitHub refuses a comment of more than 65,536; the rest is for totals, reasons and diagnostics."""
_MAX_COMMENT = 64_000
"""Characters of a history."""
_MAX_ENTRY = 28_000
"""Characters of the changes of one entry."""
_MAX_DIAGNOSTICS = 50


def render_plan(plan: Plan, *, applied: bool, refusal: str = "", with_rows: bool = False) -> str:
    """Return a plan, or what a sync did if `applied`; `refusal` is the text of `refusal_text`.

    `with_rows` shows each row of schedules with several rows.
    """
    totals = plan_totals(plan, applied=applied, refusal=refusal)
    lines = [
        f"### BeatSync: {markdown_code(plan.source)}",
        "",
        f"**{totals}** {markdown_text(plan_heading(plan))}.",
        "",
        *_changes(list(schedule_changes(plan)), with_rows=with_rows),
    ]
    for group in same_fix(plan.blocked):
        lines += [*_caution(group), ""]
    lines += [_item(diagnostic) for diagnostic in plan.diagnostics[:_MAX_DIAGNOSTICS]]
    if len(plan.diagnostics) > _MAX_DIAGNOSTICS:
        more = len(plan.diagnostics) - _MAX_DIAGNOSTICS
        lines.append(f"- and {more:,} more; `beatsync validate` lists all of them")
    notes = schedule_notes(plan)
    for condition, names in names_by_condition(schedule_conditions(plan)):
        about = notes if condition in PAUSES else {}
        listed = [noted(markdown_code(name), markdown_text(mask_text(about.get(name, "")))) for name in names]
        lines.append(f"- {condition.value}: {first_names(listed)}")
    if plan.peak is not None:
        lines += ["", peak_text(plan.peak)] if lines[-1] else [peak_text(plan.peak)]
    return "\n".join(lines).rstrip()


def _changes(changes: Sequence[ScheduleChange], *, with_rows: bool) -> list[str]:
    """Return the changes as a diff, as many as fit into a comment."""
    if not changes:
        return []
    lines, shown = _fitting((_diff(change, with_rows=with_rows) for change in changes), _MAX_CHANGES)
    omitted = len(changes) - shown
    fence = _fence(lines)
    note = [f"{omitted:,} more changes are not shown: the comment would be too long.", ""] if omitted else []
    return [f"{fence}diff", *lines, fence, "", *note]


def _fitting(blocks: Iterable[list[str]], room: int) -> tuple[list[str], int]:
    """Return the lines of the first blocks that together have at most `room` characters, and the number of these blocks."""
    lines: list[str] = []
    count = 0
    for block in blocks:
        room -= sum(len(line) + 1 for line in block)
        if room < 0:
            break
        lines += block
        count += 1
    return lines, count


def _diff(change: ScheduleChange, *, with_rows: bool) -> list[str]:
    """Return the lines of a schedule with the marks that GitHub colours, made of its sign: `+`, `-` and `!`."""
    first, *fields = schedule_lines(change, with_rows=with_rows)
    sign = SIGNS[change.action].replace("~", "!")
    # A field of an update is neither added nor removed.
    return [f"{sign} {first[4:]}", *(f"{' ' if sign == '!' else sign} {line[2:]}" for line in fields)]


def render_history(entries: Sequence[HistoryEntry], view: HistoryView) -> str:
    """Return entries of the history, in their order, as many as fit into a comment."""
    blocks, shown = _fitting(([*_history_entry(entry, view), ""] for entry in entries), _MAX_COMMENT)
    lines = ["### BeatSync: history", "", *blocks]
    if shown < len(entries):
        lines.append(f"{len(entries) - shown:,} older entries are not shown: the comment would be too long.")
    if not entries:
        lines.append("The history has no such entry.")
    return "\n".join(lines).rstrip()


def _history_entry(entry: HistoryEntry, view: HistoryView) -> Iterator[str]:
    facts = markdown_text(", ".join(entry_facts(entry)))
    yield (
        f"**#{entry.entry_id}** {utc_text(entry.started_at)} {markdown_code(entry.source)}"
        f" **{markdown_text(outcome_words(entry))}**{f' {facts}' if facts else ''}"
    )
    if entry.run_url:
        yield f"- {markdown_code(entry.run_url)}"
    if entry.message:
        yield f"- {markdown_text(entry.message)}"
    changes, hidden = shown_changes(entry, view)
    lines, shown = _fitting((_diff(change, with_rows=view.with_rows) for change in changes), _MAX_ENTRY)
    if lines:
        fence = _fence(lines)
        yield from ("", f"{fence}diff", *lines, fence, "")
    # Markdown is cut to the size of a comment also with --show.
    yield from (f"- {line}" for line in closing_lines(entry, hidden + len(changes) - shown, " --format json"))


def _fence(lines: Sequence[str]) -> str:
    """Return a fence that no line contains."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return fence


def _caution(group: Sequence[Blocked]) -> Iterator[str]:
    """Yield the reasons that have one fix, and the fix."""
    yield "> [!CAUTION]"
    for blocked in group[:MAX_NAMES]:
        names = first_names([markdown_code(name) for name in listed_names(blocked)])
        listing = f": {names}" if names else ""
        yield f"> - Blocked: {markdown_text(blocked.message)}{listing} ({markdown_code(blocked.code)})"
    if len(group) > MAX_NAMES:
        yield f"> - and {len(group) - MAX_NAMES:,} more with the same code"
    if group[0].hint:
        yield ">"
        yield f"> {markdown_text(group[0].hint)}"


def _item(diagnostic: Diagnostic) -> str:
    hint = f"; {markdown_text(diagnostic.hint)}" if diagnostic.hint else ""
    place, code = markdown_code(str(diagnostic.location)), markdown_code(diagnostic.code)
    return f"- {place} {diagnostic.severity.value}: {markdown_text(diagnostic.text)}{hint} ({code})"
