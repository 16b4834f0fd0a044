"""A request for a page → its response, with the values that many pages share. The same for the Django admin and the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from beatsync.report.board import Board, Outlook
from beatsync.report.html.frame import PAGES, Site, render_page
from beatsync.report.html.markup import Html, element
from beatsync.report.html.style import HEADERS
from beatsync.specfile.times import zone_names
from beatsync.store.errors import StoreError
from beatsync.sync_types import Clock, utc_now
from beatsync.web.dashboard.board import read_board, read_outlook
from beatsync.web.dashboard.cached import Cached
from beatsync.web.dashboard.routes import ROUTES, NotFoundError, NotReadyError, Query

if TYPE_CHECKING:
    from beatsync.store import Store

T = TypeVar("T")
_LONGEST = 500
"""Characters of a query parameter that count."""
_RELOAD = "5"
"""Seconds until a browser reloads a page whose values are being read for the first time."""


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
            title, body, status = "Database error", element("p", cause), HTTPStatus.SERVICE_UNAVAILABLE
        except NotReadyError:
            title, status = PAGES[name], HTTPStatus.OK
            body = element("p", "All rows are being read for the first time. This page reloads by itself; or ",
                element("a", "reload it now", href=site.address(name)), ".")  # fmt: skip
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
        """Read a value in a separate thread, and close its connection. All rows are in memory once at a time."""
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
