"""Pages of the history: a list of entries with what they changed, and one entry whole."""

from __future__ import annotations

from collections.abc import Sequence

from beatsync.plan.history import HistoryEntry, past_names
from beatsync.report.history import (
    FAILURES,
    HistoryView,
    entry_facts,
    lost_changes,
    outcome_words,
    shown_changes,
    totals,
)
from beatsync.report.html import changes as change_tables
from beatsync.report.html.frame import Site, outside_link
from beatsync.report.html.markup import Html, element, join
from beatsync.report.html.tables import facts, pager, part_of, search_form, state
from beatsync.report.summary import counted, utc_text

ENTRIES = 20
"""Entries on one page."""


def render_list(entries: Sequence[HistoryEntry], older: int | None, site: Site, name: str | None = None) -> Html:
    """Return entries, newest first; `older` is the key before which the next page begins, if there is one.

    `name` is the schedule whose changes alone are listed.
    """
    search = search_form("name", "Name of a schedule", name, "Show its changes", site.address("history"))
    names = past_names(entries, name) if name is not None else None
    more = None
    if older is not None and site.base is not None:
        # Entries before a rename are found under the name before.
        last_name = names[-1] if names else None
        link = site.link("Older entries", "history", before=older, name=last_name)
        more = element("nav", link, class_="pager", aria_label="Pages of the history")
    return join(
        search if site.base is not None else None,
        None if entries else element("p", "The history has no such entry."),
        (element("div", _entry(entry, HistoryView(names), site), class_="entry") for entry in entries),
        more,
    )


def _entry(entry: HistoryEntry, view: HistoryView, site: Site) -> Html:
    changes, hidden = shown_changes(entry, view)
    link = site.link(f"#{entry.entry_id}", "history", id=entry.entry_id)
    rest = None
    if hidden:
        rest = element(
            "p", "and ", site.link(counted(hidden, "other schedule"), "history", id=entry.entry_id), " of this entry"
        )
    return join(
        site.heading(join(link, f" {utc_text(entry.started_at)}, {entry.source}: ", _outcome(entry))),
        _about(entry),
        change_tables.render(changes, entry.entry_id, site),
        rest,
    )


def render_entry(entry: HistoryEntry, page: int, site: Site, *, with_rows: bool = False) -> Html:
    """Return one entry with everything that is stored about it, one page of its changes; `with_rows` as for their table."""
    part = part_of(entry.schedule_changes(), page)
    lost = lost_changes(entry)
    query = {"id": str(entry.entry_id), "page": str(part.number)}
    rows = None
    if with_rows:
        rows = element("p", site.link("Each schedule as one", "history", **query))
    elif any(change.is_group for change in part.items):
        rows = element("p", site.link("Each row", "history", **query, rows="1"))
    return join(
        element("p", _outcome(entry), f", source {entry.source}, {utc_text(entry.started_at)}"),
        _about(entry),
        site.heading("Changes"),
        pager(part, "schedule", site, "history", id=query["id"], rows="1" if with_rows else None),
        rows,
        change_tables.render(part.items, entry.entry_id, site, with_rows=with_rows),
        element("p", f"and {counted(lost, 'schedule')} that the history does not list") if lost else None,
    )


def _outcome(entry: HistoryEntry) -> Html:
    return state(outcome_words(entry), "bad" if entry.outcome in FAILURES else "good")


def _about(entry: HistoryEntry) -> Html:
    described = ", ".join(entry_facts(entry))
    pairs = [
        ("Details", described or None),
        ("CI run", outside_link(entry.run_url) if entry.run_url else None),
        ("Message", entry.message or None),
        ("Totals", totals(entry) or None),
    ]
    return facts((label, content) for label, content in pairs if content)
