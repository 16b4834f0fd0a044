"""All pages as one static file, for the artifact of a CI run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from beatsync.report.html.frame import PAGES, render_file
from beatsync.web.dashboard.board import read_board, read_outlook
from beatsync.web.dashboard.pages import Dashboard
from beatsync.web.dashboard.routes import ROUTES

if TYPE_CHECKING:
    from beatsync.report.board import Board, Outlook
    from beatsync.store import Store


@dataclass(frozen=True)
class _Values:
    """What the pages of the file read, all as of one time."""

    store: Store
    now: datetime

    @cached_property
    def _board(self) -> Board:
        return read_board(self.store, self.now)

    @cached_property
    def _outlook(self) -> Outlook:
        return read_outlook(self.store, self.now)

    def board(self) -> Board:
        return self._board

    def outlook(self) -> Outlook:
        return self._outlook


def render(dashboard: Dashboard, *, with_arguments: bool = False) -> str:
    """Return the file: of each list, its first page. Raises StoreError."""
    site = dashboard.site(None, with_arguments=with_arguments)
    values = _Values(dashboard.store, site.now)
    return render_file({name: ROUTES[name](values, {}, site)[1] for name in PAGES}, site)
