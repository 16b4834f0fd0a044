"""Changes of schedules as tables of values before and after. Arguments of tasks are shown only if the site shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from beatsync.plan.groups import ScheduleChange
from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Change, FieldChange
from beatsync.report.changes import ACTION_WORDS, CAUSE_NOTES, crontab_in_words, field_lines, value_text
from beatsync.report.html.frame import Site
from beatsync.report.html.markup import Content, Html, element
from beatsync.report.html.tables import table
from beatsync.report.schedules import common_fields, every, masked_schedule, moved_rows, notes
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


def render(changes: Sequence[ScheduleChange], entry_id: int, site: Site, *, with_rows: bool = False) -> Html | None:
    """Return a table with a line for each field of each change of an entry of the history; None without changes.

    `with_rows` shows each row of schedules with several rows.
    """
    if not changes:
        return None
    columns = ("Schedule", "Change", "Field", "Before", "After", "Note")
    lines = (line for each in changes for line in _schedule_lines(each, site, with_rows=with_rows))
    return table(f"Changes of #{entry_id}", columns, lines)


def _schedule_lines(schedule: ScheduleChange, site: Site, *, with_rows: bool) -> Iterator[tuple[Content, ...]]:
    if not schedule.is_group or with_rows:
        for change in schedule.changes:
            yield from _lines(change, site)
        return
    schedule = masked_schedule(schedule)
    words = [*notes(schedule), *(["fires at once"] if schedule.fires_at_once else [])]
    fields: list[tuple[str, Content, Content, str]] = []
    if clauses := every(schedule):
        fields.append(("every", "", element("code", clauses), ""))
    if moved := moved_rows(schedule):
        fields.append(("crontab", "", "", f"changes in {moved}"))
    fields += before_and_after(common_fields(schedule, with_crontab=schedule.rows == 1), site)
    yield from _field_lines(schedule.action, schedule.name, words, fields, site)


def _lines(change: Change, site: Site) -> Iterator[tuple[Content, ...]]:
    change = masked(change)
    words = [*([change.note] if change.note else []), *(["fires at once"] if change.fires_at_once else [])]
    fields = list(before_and_after(change.fields, site))
    yield from _field_lines(change.action, change.name, words, fields, site)


def _field_lines(
    action: Action,
    name: str,
    words: Sequence[str],
    fields: Sequence[tuple[str, Content, Content, str]],
    site: Site,
) -> Iterator[tuple[Content, ...]]:
    """Yield a line for each field of a change, the first one with `words`; a line without a field if there is none."""
    start = (site.schedule(name), ACTION_WORDS[action])
    for label, before, after, note in fields or [("", "", "", "")]:
        shown = "; ".join([*words, *([note] if note else [])])
        yield (
            *start, label, "" if action is Action.CREATE else before, "" if action is Action.DELETE else after, shown,
        )  # fmt: skip
        words = ()
