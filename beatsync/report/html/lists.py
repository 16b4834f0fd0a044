"""Lists of rows: drift, pauses, rows that a sync leaves unchanged, and all or unowned rows by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from beatsync.plan.drift import RowState
from beatsync.plan.mask import masked_fields
from beatsync.plan.model import PAUSES, Condition
from beatsync.plan.observed import ListedRow
from beatsync.plan.upcoming import ran_last
from beatsync.report.board import Board
from beatsync.report.html.changes import before_and_after
from beatsync.report.html.frame import Site
from beatsync.report.html.markup import Content, Html, element, join
from beatsync.report.html.overview import source_messages, source_state
from beatsync.report.html.tables import Cell, Part, pager, state, table
from beatsync.report.runs import schedule_in_words
from beatsync.report.states import MISSING
from beatsync.report.summary import utc_text
from beatsync.report.values import SourceStatus


class SourceRow(NamedTuple):
    """A row of a source."""

    source: SourceStatus
    row: RowState


class SkippedRow(NamedTuple):
    """A row that a sync leaves unchanged, and why."""

    source: SourceStatus
    row: RowState
    condition: Condition


def drifted(board: Board) -> list[SourceRow]:
    """Return the rows that differ from what was applied."""
    return [SourceRow(each.status, row) for each in board.sources for row in each.drifted]


def paused(board: Board) -> list[SourceRow]:
    """Return the rows that an operator disabled."""
    return [SourceRow(each.status, row) for each in board.sources for row in each.paused]


def skipped(board: Board) -> list[SkippedRow]:
    """Return the rows that a sync leaves unchanged for another reason."""
    return [SkippedRow(each.status, row, why) for each in board.sources for row, why in each.skipped]


def render_drift(part: Part[SourceRow], site: Site) -> Html:
    """Return the rows whose values differ from those last applied."""
    rows = (line for each in part.items for line in _drift_lines(each, site))
    columns = ("Schedule", "Source", "File", "Field", "Value of the row", "Last applied", "Last changed")
    listing = table("Rows that differ from what was last applied", columns, rows)
    nothing = element("p", "Every row is as it was last applied.")
    return join(listing if part.total else nothing, pager(part, "drifted row", site, "drift"))


def _drift_lines(each: SourceRow, site: Site) -> Iterator[tuple[Content, ...]]:
    """Yield a line for each field of a row that drifted."""
    source, row = each
    start = (site.schedule(row.name), source.name, element("code", row.path))
    author = source.authors.get(row.row_id) or "unknown"
    if row.missing:
        yield (*start, "the row", state(MISSING, "bad"), "", author)
    for label, before, after, _ in before_and_after(masked_fields(row.drift, row.sensitive), site):
        yield (*start, label, before, after, author)


def render_pauses(part: Part[SourceRow], site: Site) -> Html:
    """Return the rows that operators disabled, with who and why."""
    rows = (
        (
            site.schedule(row.name),
            source.name,
            element("code", row.path),
            ", ".join(condition.value for condition in row.conditions if condition in PAUSES),
            source.note(row) or "unknown",
        )
        for source, row in part.items
    )
    listing = table("Paused rows", ("Schedule", "Source", "File", "State", "By whom, and why"), rows)
    nothing = element("p", "No row is paused.")
    return join(listing if part.total else nothing, pager(part, "paused row", site, "pauses"))


def render_blocked(board: Board, part: Part[SkippedRow], site: Site) -> Html:
    """Return the sources whose last sync was refused or failed, and the rows that a sync leaves unchanged."""
    refused = [each.status for each in board.sources if source_messages(each.status)]
    sources = table(
        "Sources that are not synced",
        ("Source", "State", "Why"),
        ((each.name, state(*source_state(each)), "; ".join(source_messages(each))) for each in refused),
    )
    rows = table(
        "Rows that a sync leaves unchanged",
        ("Schedule", "Source", "File", "Why"),
        (
            (site.schedule(row.name), source.name, element("code", row.path), why.value)
            for source, row, why in part.items
        ),
    )
    return join(
        site.heading("Sources"),
        sources if refused else element("p", "No source is blocked, invalid, failed or suspended."),
        site.heading("Rows"),
        rows if part.total else element("p", "No row is frozen, protected, retired or completed."),
        pager(part, "row", site, "blocked"),
    )


def render_schedules(part: Part[ListedRow], search: str, site: Site) -> Html:
    """Return one page of all rows by name, with a form that searches them."""
    columns = (
        "Name", "Task", "Schedule", "Queue", "Enabled", "Source", "Last run", Cell("Runs", "number"),
    )  # fmt: skip
    listing = table("Rows by name", columns, (_schedule_line(each, site) for each in part.items))
    nothing = element("p", "No row matches.")
    form = _search_form(search, "schedules", site) if site.base is not None else None
    return join(form, listing if part.items else nothing, pager(part, "row", site, "schedules", q=search or None))


def _schedule_line(each: ListedRow, site: Site) -> Iterator[Content | Cell]:
    spec = each.row.spec
    renamed = f" (row {spec.name})" if each.entry not in {None, spec.name} else None
    yield join(site.schedule(each.entry or spec.name), renamed)
    yield element("code", spec.task)
    yield schedule_in_words(spec.schedule) if spec.schedule is not None else state("cannot be read", "bad")
    yield spec.queue or element("span", "default", class_="quiet")
    yield "yes" if spec.enabled else state("no", "warning")
    yield each.source or element("span", "none", class_="quiet")
    yield Cell(utc_text(ran_last(each.row)) if ran_last(each.row) else "none yet", "time")
    yield Cell(f"{each.row.total_run_count:,}", "number")


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
    form = _search_form(search, "unowned", site) if site.base is not None else None
    return join(form, listing if part.items else nothing, pager(part, "unowned row", site, "unowned", q=search or None))


def _search_form(search: str, page: str, site: Site) -> Html:
    return element(
        "form",
        element(
            "div",
            element("label", "Part of a name or task", for_="q"),
            element("input", type="search", id="q", name="q", value=search or None),
        ),
        element("button", "Search", type="submit"),
        action=site.address(page), method="get", role="search",
    )  # fmt: skip
