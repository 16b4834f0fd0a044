"""Markdown: a plan as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from beatsync.plan.groups import ScheduleChange, schedule_changes, schedule_conditions
from beatsync.plan.model import Blocked, Plan
from beatsync.report.changes import SIGNS
from beatsync.report.escape import markdown_code, markdown_text
from beatsync.report.groups import MAX_NAMES, first_names, listed_names, names_by_condition, same_fix
from beatsync.report.schedules import schedule_lines
from beatsync.report.summary import peak_text, plan_heading, plan_totals
from beatsync.values import Diagnostic

_MAX_CHANGES = 50_000
"""Characters of changes. GitHub refuses a comment of more than 65,536; the rest is for totals, reasons and diagnostics."""
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
    for condition, names in names_by_condition(schedule_conditions(plan)):
        lines.append(f"- {condition.value}: {first_names([markdown_code(name) for name in names])}")
    if plan.peak is not None:
        lines += ["", peak_text(plan.peak)] if lines[-1] else [peak_text(plan.peak)]
    return "\n".join(lines).rstrip()


def _changes(changes: Sequence[ScheduleChange], *, with_rows: bool) -> list[str]:
    """Return the changes as a diff, as many as fit into a comment."""
    if not changes:
        return []
    lines: list[str] = []
    room, omitted = _MAX_CHANGES, 0
    for number, change in enumerate(changes):
        diff = list(_diff(change, with_rows=with_rows))
        room -= sum(len(line) + 1 for line in diff)
        if room < 0:
            omitted = len(changes) - number
            break
        lines += diff
    fence = _fence(lines)
    note = [f"{omitted:,} more changes are not shown: the comment would be too long.", ""] if omitted else []
    return [f"{fence}diff", *lines, fence, "", *note]


def _diff(change: ScheduleChange, *, with_rows: bool) -> Iterator[str]:
    """Yield the lines of a schedule with the marks that GitHub colours: `+`, `-` and `!`."""
    first, *fields = schedule_lines(change, with_rows=with_rows)
    sign = SIGNS[change.action].replace("~", "!")
    yield f"{sign} {first[4:]}"
    # A field of an update is neither added nor removed.
    yield from (f"{' ' if sign == '!' else sign} {line[2:]}" for line in fields)


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
