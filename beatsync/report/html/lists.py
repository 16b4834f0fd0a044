"""Lists of rows: drift, pauses, rows that a sync leaves unchanged, and all or unowned rows by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from beatsync.plan.mask import masked_fields
from beatsync.plan.model import PAUSES, Condition
from beatsync.plan.observed import ListedRow
from beatsync.plan.upcoming import ran_last
from beatsync.report.board import Board, ScheduleRows
from beatsync.report.html.changes import before_and_after
from beatsync.report.html.frame import Site
from beatsync.report.html.markup import Content, Html, element, join
from beatsync.report.html.overview import source_messages, source_state
from beatsync.report.html.tables import Cell, Part, pager, search_form, state, table
from beatsync.report.runs import schedule_in_words
from beatsync.report.schedules import row_count
from beatsync.report.states import MISSING
from beatsync.report.summary import utc_text


class Skipped(NamedTuple):
    """A schedule that a sync leaves unchanged, and why."""

    schedule: ScheduleRows
    condition: Condition


def drifted(board: Board) -> list[ScheduleRows]:
    """Return the schedules that differ from what was applied."""
    return [schedule for each in board.sources for schedule in each.drifted]


def paused(board: Board) -> list[ScheduleRows]:
    """Return the schedules that an operator disabled."""
    return [schedule for each in board.sources for schedule in each.paused]


def skipped(board: Board) -> list[Skipped]:
    """Return the schedules that a sync leaves unchanged for another reason."""
    return [Skipped(*pair) for each in board.sources for pair in each.skipped]


def _start(schedule: ScheduleRows, site: Site) -> tuple[Content, ...]:
    """Return the first cells of a line: the name with the number of rows that the line is about, the source and the file."""
    rows = f" ({row_count(len(schedule.rows), schedule.total)})" if schedule.total is not None else None
    name = join(site.schedule(schedule.name), rows)
    return name, schedule.source.name, element("code", schedule.rows[0].path)


def render_drift(part: Part[ScheduleRows], site: Site) -> Html:
    """Return the schedules whose values differ from those last applied."""
    rows = (line for each in part.items for line in _drift_lines(each, site))
    columns = ("Schedule", "Source", "File", "Field", "Value of the row", "Last applied", "Last changed")
    listing = table("Schedules that differ from what was last applied", columns, rows)
    nothing = element("p", "Every schedule is as it was last applied.")
    return join(listing if part.total else nothing, pager(part, "drifted schedule", site, "drift"))


def _drift_lines(schedule: ScheduleRows, site: Site) -> Iterator[tuple[Content, ...]]:
    """Yield a line for each distinct change of a field of the rows of a schedule that drifted."""
    start, authors = _start(schedule, site), schedule.source.authors
    author = next(filter(None, (authors.get(row.row_id) for row in schedule.rows)), "unknown")
    if missing := sum(row.missing for row in schedule.rows):
        what = "the row" if schedule.total is None else row_count(missing, schedule.total)
        yield (*start, what, state(MISSING, "bad"), "", author)
    fields = {field: None for row in schedule.rows for field in masked_fields(row.drift, row.sensitive)}
    for label, before, after, _ in before_and_after(fields, site):
        yield (*start, label, before, after, author)


def render_pauses(part: Part[ScheduleRows], site: Site) -> Html:
    """Return the schedules that operators disabled, with who and why."""
    rows = (
        (
            *_start(each, site),
            ", ".join(dict.fromkeys(why.value for row in each.rows for why in row.conditions if why in PAUSES)),
            next(filter(None, map(each.source.note, each.rows)), "unknown"),
        )
        for each in part.items
    )
    listing = table("Paused schedules", ("Schedule", "Source", "File", "State", "By whom, and why"), rows)
    nothing = element("p", "No schedule is paused.")
    return join(listing if part.total else nothing, pager(part, "paused schedule", site, "pauses"))


def render_blocked(board: Board, part: Part[Skipped], site: Site) -> Html:
    """Return the sources whose last sync was refused or failed, and the schedules that a sync leaves unchanged."""
    refused = [each.status for each in board.sources if source_messages(each.status)]
    sources = table(
        "Sources that are not synced",
        ("Source", "State", "Why"),
        ((each.name, state(*source_state(each)), "; ".join(source_messages(each))) for each in refused),
    )
    schedules = table(
        "Schedules that a sync leaves unchanged",
        ("Schedule", "Source", "File", "Why"),
        ((*_start(schedule, site), why.value) for schedule, why in part.items),
    )
    return join(
        site.heading("Sources"),
        sources if refused else element("p", "No source is blocked, invalid, failed or suspended."),
        site.heading("Schedules"),
        schedules if part.total else element("p", "No schedule is frozen, protected, retired or completed."),
        pager(part, "schedule", site, "blocked"),
    )


def render_schedules(part: Part[ListedRow], search: str, site: Site) -> Html:
    """Return one page of all schedules and unowned rows by name, with a form that searches them."""
    columns = (
        "Name", "Task", "Schedule", "Queue", "Enabled", "Source", "Last run", Cell("Runs", "number"),
    )  # fmt: skip
    listing = table("Schedules by name", columns, (_schedule_line(each, site) for each in part.items))
    nothing = element("p", "No schedule matches.")
    form = (
        search_form("q", "Part of a name or task", search, "Search", site.address("schedules"))
        if site.base is not None
        else None
    )
    return join(form, listing if part.items else nothing, pager(part, "schedule", site, "schedules", q=search or None))


def _schedule_line(each: ListedRow, site: Site) -> Iterator[Content | Cell]:
    spec, group = each.row.spec, each.group
    last_run = ran_last(each.row) if group is None else group.last_run_at
    runs = each.row.total_run_count if group is None else group.total_run_count
    renamed = f" (row {spec.name})" if each.entry not in {None, spec.name} else None
    yield join(site.schedule(each.entry or spec.name), renamed, f" ({row_count(group.rows)})" if group else None)
    yield element("code", spec.task)
    if group is not None:
        yield "every"
    else:
        yield schedule_in_words(spec.schedule) if spec.schedule is not None else state("cannot be read", "bad")
    yield spec.queue or element("span", "default", class_="quiet")
    yield _enabled(each)
    yield each.source or element("span", "none", class_="quiet")
    yield Cell(utc_text(last_run) if last_run else "none yet", "time")
    yield Cell(f"{runs:,}", "number")


def _enabled(each: ListedRow) -> Content:
    """Return whether beat runs the row, or how many rows of the schedule."""
    total, enabled = (1, int(each.row.spec.enabled)) if each.group is None else (each.group.rows, each.group.enabled)
    if enabled == total:
        return "yes"
    return state(row_count(enabled, total) if enabled else "no", "warning")


def render_unowned(part: Part[ListedRow], search: str, added: Mapping[int, str], site: Site) -> Html:
    """Return one page of the rows that no source owns; `added` says who added a row, by its key."""
    listing = table(
        "Rows that no source owns",
        ("Name", "Task", "Enabled", "Added"),
        (
            (
                site.schedule(each.row.name),
                element("code", each.row.spec.task),
                "yes" if each.row.spec.enabled else state("no", "warning"),
                added.get(each.row.row_id, "unknown"),
            )
            for each in part.items
        ),
    )
    nothing = element("p", "No such row." if search else "A source owns every row.")
    form = (
        search_form("q", "Part of a name or task", search, "Search", site.address("unowned"))
        if site.base is not None
        else None
    )
    return join(form, listing if part.items else nothing, pager(part, "unowned row", site, "unowned", q=search or None))
