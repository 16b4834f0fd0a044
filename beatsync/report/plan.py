"""A plan for a reviewer: one line a change, the changed fields below it, the totals last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from beatsync.plan.jsonform import plan_lines, summary_json
from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Blocked, Cause, Change, Condition, FieldChange, Plan
from beatsync.report import diagnostics
from beatsync.report.fields import WIDEST, changed, value
from beatsync.report.paint import Paint, clean, plain, readable
from beatsync.values import Diagnostic, Revision

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.ADOPT: "~",
    Action.DISABLE: "-",
    Action.DELETE: "-",
    Action.FORGET: "-",
}
_DONE = {
    "create": "created",
    "update": "updated",
    "adopt": "adopted",
    "disable": "disabled",
    "delete": "deleted",
    "forget": "forgotten",
}
_MOST_NAMES = 20
_MOST_NEW = 10_000
_MOST_MARKDOWN = 50_000
"""Characters of changes: a comment on GitHub holds 65,536, and the totals and reasons want some of them."""
_MOST_ITEMS = 50


def json_report(plan: Plan, *, applied: bool) -> Iterator[str]:
    """Yield the JSON of `schemas/plan.schema.json` in blocks of lines, each of which is made when it is asked for."""
    return map(readable, plan_lines(plan, applied=applied))


def text_report(plan: Plan, *, applied: bool, refused: bool = False, paint: Paint = plain) -> Iterator[str]:
    """Yield a plan, or what a sync did where `applied`, for a terminal; `refused` is one that may not be done.

    It comes in blocks of lines, each of which is made when it is asked for: a first sync has as much to say as a book. Of rows that
    are new the first ten thousand are told; what happens to a row that exists is always told.
    """
    for one in plan.diagnostics:
        yield diagnostics.text(one, paint)
    if plan.changes or plan.blocked:
        yield from [*([""] if plan.diagnostics else []), heading(plan), ""]
    new = 0
    for change in plan.changes:
        new += change.action is Action.CREATE
        if new <= _MOST_NEW or change.action is not Action.CREATE:
            yield "\n".join(_change(change, paint))
    if new > _MOST_NEW:
        yield f"  and {new - _MOST_NEW:,} more that are new; `--format json` tells all"
    if plan.changes:
        yield ""
    yield from _conditions(plan)
    yield from _blocked(plan, paint)
    yield totals(plan, applied=applied, refused=refused)


def heading(plan: Plan) -> str:
    """Return which source, revision and environment it is about."""
    environment = f", environment {clean(plan.environment)}" if plan.environment else ""
    return f"Source {clean(plan.source)} at {clean(revision_text(plan.revision))}{environment}"


def revision_text(revision: Revision) -> str:
    """Return a revision as people know it: the commit, else a mount's stamp, else of which content it is."""
    return revision.git or revision.mount or f"content {revision.digest[:12]}"


def totals(plan: Plan, *, applied: bool, refused: bool = False) -> str:
    """Return how many changes of each kind there are, or were, and how many schedules stay as they are."""
    counts = summary_json(plan)
    unchanged = f"{counts.pop('unchanged'):,} unchanged."
    parts = [f"{n:,} {_DONE[word] if applied else f'to {word}'}" for word, n in counts.items() if n]
    if refused:
        # The numbers alone would read as if it had been done, or could be.
        why = "Blocked" if plan.blocked else "Invalid"
        return f"{why}, and nothing was written: {', '.join([*parts, unchanged])}"
    return ", ".join([*parts, unchanged]) if parts else f"Nothing to do: {unchanged}"


def _change(change: Change, paint: Paint) -> Iterator[str]:
    shown = masked(change)
    word = shown.action.value
    notes = [note for note in (None if word in {"create", "update", "delete"} else word, shown.note) if note]
    if shown.cause is Cause.DRIFT and not shown.fields:
        notes.append("drift")
    tail = f" ({clean(', '.join(notes))})" if notes else ""
    yield f"  {paint(SIGNS[shown.action] + ' ' + clean(shown.name), word)}{tail}"
    if shown.fires_at_once:
        yield f"      {paint('fires at once', 'warning')}"
    lines = [*_lines(shown)]
    width = min(max((len(label) for label, _ in lines), default=0), WIDEST)
    for label, text in lines:
        yield f"      {label:<{width}}  {text}"


def _lines(shown: Change) -> Iterator[tuple[str, str]]:
    if shown.action is Action.CREATE:
        for field in shown.fields:
            if field.field != "name":
                yield field.field, f"{value(field.field, field.after)}{_tail(field)}"
        return
    for label, before, after, field in changed(shown.fields):
        drift = "  (drift)" if field.cause is Cause.DRIFT else ""
        yield label, f"{before} → {after}{_tail(field)}{drift}"


def _tail(field: FieldChange) -> str:
    words = _in_words(field)
    return f"  ({words})" if words else ""


def _in_words(field: FieldChange) -> str | None:
    if field.field != "crontab" or not isinstance(field.after, str):
        return None
    from beatsync.specfile import crontab  # only a plan that changes a crontab needs it

    return crontab.in_words(field.after)


def _conditions(plan: Plan, spell: Callable[[str], str] = clean) -> Iterator[str]:
    for condition in Condition:
        names = [spell(name) for name, found in plan.conditions if found is condition]
        if names:
            yield f"  {condition.value}: {some(names)}"
    if plan.conditions:
        yield ""


def some(names: list[str]) -> str:
    """Return the first names of a list that may be long, and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _blocked(plan: Plan, paint: Paint) -> Iterator[str]:
    for found in _alike(plan.blocked):
        code, hint = found[0].code, found[0].hint
        for blocked in found[:_MOST_NAMES]:
            yield f"{paint('blocked:', 'error')} {clean(blocked.message)} {paint(f'[{code}]', 'quiet')}"
            names = _listed(blocked)
            yield from (f"  - {clean(name)}" for name in names[:_MOST_NAMES])
            if len(names) > _MOST_NAMES:
                yield f"  and {len(names) - _MOST_NAMES:,} more"
        if len(found) > _MOST_NAMES:
            yield f"  and {len(found) - _MOST_NAMES:,} more of the kind"
        if hint:
            yield f"  {paint('hint:', 'hint')} {clean(hint)}"
    if plan.blocked:
        yield ""


def _alike(blocked: Iterable[Blocked]) -> Iterator[list[Blocked]]:
    """Yield what has one mend together: a first sync beside hundreds of rows has hundreds of conflicts."""
    for _, found in groupby(blocked, key=lambda one: (one.code, one.hint)):
        yield list(found)


def _listed(blocked: Blocked) -> tuple[str, ...]:
    # A message about one name holds it already.
    return blocked.names if len(blocked.names) > 1 else ()


def markdown_report(plan: Plan, *, applied: bool, refused: bool = False) -> str:
    """Return a plan as a comment for a pull request."""
    summary = totals(plan, applied=applied, refused=refused)
    lines = [f"### BeatSync: {_code(plan.source)}", "", f"**{summary}** {_escaped(heading(plan))}.", ""]
    if plan.changes:
        body, left = _fitting(plan.changes)
        fence = _fence(body)
        lines += [f"{fence}diff", *body, fence, ""]
        lines += [f"{left:,} more changes have no room here.", ""] if left else []
    for found in _alike(plan.blocked):
        lines += [*_caution(found), ""]
    lines += [_item(one) for one in plan.diagnostics[:_MOST_ITEMS]]
    if len(plan.diagnostics) > _MOST_ITEMS:
        lines.append(f"- and {len(plan.diagnostics) - _MOST_ITEMS:,} more, which `validate` tells")
    lines += [f"- {line.strip()}" for line in _conditions(plan, _code) if line]
    return "\n".join(lines).rstrip()


def _fitting(changes: Sequence[Change]) -> tuple[list[str], int]:
    """Return the lines of as many changes as a comment has room for, and how many are left."""
    lines: list[str] = []
    room = _MOST_MARKDOWN
    for number, change in enumerate(changes):
        found = list(_diff(change))
        room -= sum(len(line) + 1 for line in found)
        if room < 0:
            return lines, len(changes) - number
        lines += found
    return lines, 0


def _caution(found: list[Blocked]) -> Iterator[str]:
    yield "> [!CAUTION]"
    for blocked in found[:_MOST_NAMES]:
        names = some([_code(name) for name in _listed(blocked)])
        yield f"> - Blocked: {_escaped(blocked.message)}{f': {names}' if names else ''} ({_code(blocked.code)})"
    if len(found) > _MOST_NAMES:
        yield f"> - and {len(found) - _MOST_NAMES:,} more of the kind"
    if found[0].hint:
        yield ">"
        yield f"> {_escaped(found[0].hint)}"


def _item(one: Diagnostic) -> str:
    hint = f"; {_escaped(one.hint)}" if one.hint else ""
    return f"- {_code(str(one.location))} {one.severity.value}: {_escaped(one.message)}{hint} ({_code(one.code)})"


def _diff(change: Change) -> Iterator[str]:
    sign = SIGNS[change.action].replace("~", "!")
    for number, line in enumerate(_change(change, plain)):
        yield f"{sign} {line[4:]}" if number == 0 else f"{sign if sign != '!' else ' '} {line[2:]}"


def _fence(lines: list[str]) -> str:
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return fence


def _code(text: str) -> str:
    if not text:
        return '""'
    mark = "`"
    while mark in text:
        mark += "`"
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{mark}{pad}{clean(text)}{pad}{mark}"


def _escaped(text: str) -> str:
    escaped = "".join(f"\\{c}" if c in "\\`*_[]<>|#~$&" else c for c in clean(text))
    # An escaped @ still calls the person whose name follows; one with a comment behind it does not.
    return escaped.replace("@", "@<!-- -->")
