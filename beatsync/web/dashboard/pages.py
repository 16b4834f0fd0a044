"""The route table: the name of a page → what it reads → HTML. The same for the Django admin and the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from beatsync.report.board import Board, Outlook
from beatsync.report.html import history, lists, overview, schedule, times
from beatsync.report.html.frame import PAGES, Site, render_page
from beatsync.report.html.markup import Html, element, join
from beatsync.report.html.style import HEADERS
from beatsync.report.html.tables import PAGE_SIZE, Part, part_of
from beatsync.report.runs import duration_in_words
from beatsync.report.summary import utc_text
from beatsync.shown import shown_schedule
from beatsync.specfile.times import zone_names
from beatsync.store.errors import StoreError
from beatsync.sync_types import Clock, utc_now
from beatsync.web.dashboard.board import read_board, read_outlook
from beatsync.web.dashboard.cached import Cached

if TYPE_CHECKING:
    from beatsync.plan.observed import ListedRow
    from beatsync.store import Store

T = TypeVar("T")
_LONGEST = 500
"""Characters of a query parameter that count."""
_DIGITS = 15
_RELOAD = "5"
"""Seconds until a browser loads a page again whose values are being read for the first time."""
Query = Mapping[str, str]


class NotFoundError(LookupError):
    """There is no such page; the message is for people."""


class NotReadyError(Exception):
    """The values of a page are being read for the first time."""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request."""

    status: HTTPStatus
    body: str
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)


class Dashboard:
    """The pages over one database. Each method may be called from any thread; only the values that many pages share are kept."""

    def __init__(
        self, store: Store, template: str | None = None, zone: str | None = None, clock: Clock = utc_now
    ) -> None:
        """`template` is the setting `SOURCE_URL`, `zone` is `TIMEZONE`; without it, clocks are in the application's zone."""
        self.store = store
        self._template = template
        self._zone = zone
        self._clock = clock
        self._reading = Lock()
        self._board: Cached[Board] = Cached(lambda: self._in_background(read_board))
        self._outlook: Cached[Outlook] = Cached(lambda: self._in_background(read_outlook))

    def respond(self, base: str, page: str, query: Query, home: str | None = None) -> Response:
        """Return the page of this name, empty for the first one; `base` is the path of the first one, `home` that of the Django admin."""
        site = self.site(base, home)
        name = page or "overview"
        query = {key: value[:_LONGEST] for key, value in query.items()}
        headers = HEADERS
        try:
            title, body = self._page(name, query, site)
            status = HTTPStatus.OK
        except NotFoundError as error:
            title, body, status = "Not found", element("p", str(error)), HTTPStatus.NOT_FOUND
        except StoreError as error:
            cause = str(self.store.explained(error))
            title, body, status = "No answer", element("p", cause), HTTPStatus.SERVICE_UNAVAILABLE
        except NotReadyError:
            title, status = PAGES[name], HTTPStatus.OK
            body = element("p", "All rows are being read for the first time. This page loads again by itself, or ",
                element("a", "look again", href=site.address(name)), ".")  # fmt: skip
            headers = {**HEADERS, "Refresh": _RELOAD}
        return Response(status, render_page(title, body, site, name), headers)

    def site(self, base: str | None, home: str | None = None, *, with_arguments: bool = False) -> Site:
        """Return how pages are shown now."""
        zone = self._zone or self.store.celery_timezone()
        zone = zone if zone in zone_names() else "UTC"
        return Site(base, self._clock(), zone or "UTC", home, self._template, with_arguments)

    def _page(self, name: str, query: Query, site: Site) -> tuple[str, Html]:
        if name not in ROUTES or any("\0" in value for value in query.values()):
            raise NotFoundError("there is no such page")
        return ROUTES[name](self, query, site)

    def _in_background(self, read: Callable[[Store, datetime], T]) -> T:
        """Read a value in a thread of its own, and close its connection. All rows are in memory once at a time."""
        with self._reading:
            try:
                return read(self.store, self._clock())
            finally:
                self.store.close()

    def board(self) -> Board:
        """Return the state of all sources. Raises NotReadyError and StoreError."""
        board = self._board.get(self.store.change_mark())
        if board is None:
            raise NotReadyError
        return board

    def outlook(self) -> Outlook:
        """Return what runs next. Raises NotReadyError and StoreError."""
        outlook = self._outlook.get(self.store.change_mark())
        if outlook is None:
            raise NotReadyError
        return outlook


def _as_of(at: datetime, site: Site) -> Html:
    age = site.now - at
    return element("p", f"As of {utc_text(at)}, {duration_in_words(max(age, age * 0))} ago.", class_="quiet")


def _overview(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    board = dashboard.board()
    part = part_of(board.sources, _number(query))
    return "Overview", join(_as_of(board.at, site), overview.render(board, part, site))


def _timeline(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    outlook = dashboard.outlook()
    part = part_of(times.coming(outlook, site.now), _number(query))
    return PAGES["timeline"], join(_as_of(outlook.at, site), times.render_timeline(outlook, part, site))


def _load(dashboard: Dashboard, _: Query, site: Site) -> tuple[str, Html]:
    outlook = dashboard.outlook()
    return PAGES["load"], join(_as_of(outlook.at, site), times.render_load(outlook, site))


def _drift(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    board = dashboard.board()
    part = part_of(lists.drifted(board), _number(query))
    return PAGES["drift"], join(_as_of(board.at, site), lists.render_drift(part, site))


def _pauses(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    board = dashboard.board()
    part = part_of(lists.paused(board), _number(query))
    return PAGES["pauses"], join(_as_of(board.at, site), lists.render_pauses(part, site))


def _blocked(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    board = dashboard.board()
    part = part_of(lists.skipped(board), _number(query))
    return PAGES["blocked"], join(_as_of(board.at, site), lists.render_blocked(board, part, site))


def listed(store: Store, search: str, number: int, *, unowned: bool) -> Part[ListedRow]:
    """Return one page of the rows by name; the last one if there are fewer."""
    page = store.list_rows(search, (number - 1) * PAGE_SIZE, PAGE_SIZE, unowned=unowned)
    part = Part(page.rows, page.total, number)
    if number <= part.pages:
        return part
    number = part.pages
    return Part(store.list_rows(search, (number - 1) * PAGE_SIZE, PAGE_SIZE, unowned=unowned).rows, page.total, number)


def _schedules(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    search = query.get("q", "")
    part = listed(dashboard.store, search, _number(query), unowned=False)
    return PAGES["schedules"], lists.render_schedules(part, search, site)


def _unowned(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    store, search = dashboard.store, query.get("q", "")
    part = listed(store, search, _number(query), unowned=True)
    added = store.authors([each.row.row_id for each in part.items], additions=True)
    return PAGES["unowned"], lists.render_unowned(part, search, added, site)


def _history(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    if "id" in query:
        entry = dashboard.store.history_entry(_key(query, "id") or 0)
        if entry is None:
            raise NotFoundError(f"the history has no entry {query['id']}")
        return f"History entry #{entry.entry_id}", history.render_entry(entry, _number(query), site)
    name = query.get("name") or None
    entries = dashboard.store.history(None, history.ENTRIES + 1, name, before=_key(query, "before"))
    shown = entries[: history.ENTRIES]
    older = shown[-1].entry_id if len(entries) > len(shown) else None
    return PAGES["history"], history.render_list(shown, older, site, name)


def _schedule(dashboard: Dashboard, query: Query, site: Site) -> tuple[str, Html]:
    name = query.get("name", "")
    shown = shown_schedule(dashboard.store, name, site.now, site.template)
    if shown is None:
        raise NotFoundError(f"there is no schedule and no row {name!r} in this database")
    return shown.details.name, schedule.render(shown, site)


ROUTES: Mapping[str, Callable[[Dashboard, Query, Site], tuple[str, Html]]] = {
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
