"""Changes of schedules as tables of values before and after. Arguments of tasks are shown only if the site shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Change, FieldChange
from beatsync.report.changes import ACTION_WORDS, CAUSE_NOTES, crontab_in_words, field_lines, value_text
from beatsync.report.html.frame import Site
from beatsync.report.html.markup import Content, Html, element
from beatsync.report.html.tables import table
from beatsync.specfile.fields import JSON_FIELDS

HIDDEN = "not shown"
"""In place of arguments and headers."""


def value(field: FieldChange, side: str, site: Site) -> Content:
    """Return the value `before` or `after`, whose secrets are masked already."""
    if field.field in JSON_FIELDS and not site.with_arguments:
        return element("span", HIDDEN, class_="quiet")
    return element("code", value_text(field.field, getattr(field, side)))


def before_and_after(fields: Iterable[FieldChange], site: Site) -> Iterator[tuple[str, Content, Content, str]]:
    """Yield label, old value, new value and a note on each field, or each key of shown arguments. Secrets are masked already."""
    fields = list(fields)
    if not site.with_arguments:
        for field in fields:
            yield field.field, value(field, "before", site), value(field, "after", site), _note(field)
        return
    for label, before, after, field in field_lines(fields):
        yield label, element("code", before), element("code", after), _note(field)


def _note(field: FieldChange) -> str:
    words = crontab_in_words(field).strip().removeprefix("(").removesuffix(")")
    return ", ".join(filter(None, (words, CAUSE_NOTES.get(field.cause))))


def render(changes: Sequence[Change], entry_id: int, site: Site) -> Html | None:
    """Return a table with a line for each field of each change of an entry of the history; None without changes."""
    if not changes:
        return None
    columns = ("Schedule", "Change", "Field", "Before", "After", "Note")
    return table(f"Changes of #{entry_id}", columns, (line for each in changes for line in _lines(each, site)))


def _lines(change: Change, site: Site) -> Iterator[tuple[Content, ...]]:
    change = masked(change)
    notes = [*([change.note] if change.note else []), *(["fires at once"] if change.fires_at_once else [])]
    start = (site.schedule(change.name), ACTION_WORDS[change.action])
    if not change.fields:
        yield (*start, "", "", "", "; ".join(notes))
    for label, before, after, note in before_and_after(change.fields, site):
        shown = [*notes, *([note] if note else [])]
        yield (
            *start, label,
            "" if change.action is Action.CREATE else before,
            "" if change.action is Action.DELETE else after,
            "; ".join(shown),
        )  # fmt: skip
        notes = []
