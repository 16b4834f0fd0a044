"""The route table: the name of a page → what it reads → HTML. The same for the Django admin, the daemon and a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from beatsync.report.board import Board, Outlook
from beatsync.report.html import history, lists, overview, schedule, times
from beatsync.report.html.frame import PAGES, Site
from beatsync.report.html.markup import Html, element, join
from beatsync.report.html.tables import PAGE_SIZE, Part, part_of
from beatsync.report.runs import duration_in_words
from beatsync.report.summary import utc_text
from beatsync.shown import shown_schedule

if TYPE_CHECKING:
    from beatsync.plan.observed import ListedRow
    from beatsync.store import Store

_DIGITS = 15
"""Digits of a number in a query that a database can compare with its keys."""
Query = Mapping[str, str]


class NotFoundError(LookupError):
    """There is no such page; the message is for people."""


class NotReadyError(Exception):
    """The values of a page are being read for the first time."""


class Values(Protocol):
    """What pages read."""

    @property
    def store(self) -> Store:
        """The database, for what a page reads itself."""

    def board(self) -> Board:
        """Return the state of all sources. Raises NotReadyError and StoreError."""

    def outlook(self) -> Outlook:
        """Return what runs next. Raises NotReadyError and StoreError."""


def _as_of(at: datetime, site: Site) -> Html | None:
    """Return how old the values of a page are; nothing in a file, whose values are as old as the file."""
    if site.base is None:
        return None
    age = site.now - at
    return element("p", f"As of {utc_text(at)}, {duration_in_words(max(age, age * 0))} ago.", class_="quiet")


def _overview(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    board = values.board()
    part = part_of(board.sources, _number(query))
    return "Overview", join(_as_of(board.at, site), overview.render(board, part, site))


def _timeline(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    outlook = values.outlook()
    part = part_of(times.upcoming_runs(outlook, site.now), _number(query))
    return PAGES["timeline"], join(_as_of(outlook.at, site), times.render_timeline(outlook, part, site))


def _load(values: Values, _: Query, site: Site) -> tuple[str, Html]:
    outlook = values.outlook()
    return PAGES["load"], join(_as_of(outlook.at, site), times.render_load(outlook, site))


def _drift(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    board = values.board()
    part = part_of(lists.drifted(board), _number(query))
    return PAGES["drift"], join(_as_of(board.at, site), lists.render_drift(part, site))


def _pauses(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    board = values.board()
    part = part_of(lists.paused(board), _number(query))
    return PAGES["pauses"], join(_as_of(board.at, site), lists.render_pauses(part, site))


def _blocked(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    board = values.board()
    part = part_of(lists.skipped(board), _number(query))
    return PAGES["blocked"], join(_as_of(board.at, site), lists.render_blocked(board, part, site))


def _listed(store: Store, search: str, number: int, *, unowned: bool) -> Part[ListedRow]:
    """Return one page of the rows by name; the last one if there are fewer."""
    page = store.list_rows(search, (number - 1) * PAGE_SIZE, PAGE_SIZE, unowned=unowned)
    part = Part(page.rows, page.total, number)
    if number <= part.pages:
        return part
    number = part.pages
    return Part(store.list_rows(search, (number - 1) * PAGE_SIZE, PAGE_SIZE, unowned=unowned).rows, page.total, number)


def _schedules(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    search = query.get("q", "")
    part = _listed(values.store, search, _number(query), unowned=False)
    return PAGES["schedules"], lists.render_schedules(part, search, site)


def _unowned(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    store, search = values.store, query.get("q", "")
    part = _listed(store, search, _number(query), unowned=True)
    added = store.authors([each.row.row_id for each in part.items], additions=True)
    return PAGES["unowned"], lists.render_unowned(part, search, added, site)


def _history(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    if "id" in query:
        entry = values.store.history_entry(_key(query, "id") or 0)
        if entry is None:
            raise NotFoundError(f"the history has no entry {query['id']}")
        body = history.render_entry(entry, _number(query), site, with_rows="rows" in query)
        return f"History entry #{entry.entry_id}", body
    name = values.store.schedule_of(query["name"]) if query.get("name") else None
    entries = values.store.history(None, history.ENTRIES + 1, name, before=_key(query, "before"))
    shown = entries[: history.ENTRIES]
    older = shown[-1].entry_id if len(entries) > len(shown) else None
    return PAGES["history"], history.render_list(shown, older, site, name)


def _schedule(values: Values, query: Query, site: Site) -> tuple[str, Html]:
    name = query.get("name", "")
    shown = shown_schedule(values.store, name, site.now, site.template)
    if shown is None:
        raise NotFoundError(f"there is no schedule and no row {name!r} in this database")
    return shown.details.name, schedule.render(shown, site)


ROUTES: Mapping[str, Callable[[Values, Query, Site], tuple[str, Html]]] = {
    "overview": _overview,
    "timeline": _timeline,
    "load": _load,
    "drift": _drift,
    "pauses": _pauses,
    "blocked": _blocked,
    "unowned": _unowned,
    "schedules": _schedules,
    "history": _history,
    "schedule": _schedule,
}


def _number(query: Query) -> int:
    """Return the number of the page that is wanted; 1 if it is no number."""
    return max(1, _key(query, "page") or 1)


def _key(query: Query, name: str) -> int | None:
    """Return a number of the query; None if it is none that a database has."""
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
