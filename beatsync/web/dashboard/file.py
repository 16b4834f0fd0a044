"""All pages as one static file, for the artifact of a CI run."""

from __future__ import annotations

from beatsync.report.html import history, lists, overview, times
from beatsync.report.html.frame import PAGES, render_file
from beatsync.report.html.tables import part_of
from beatsync.web.dashboard.board import read_board, read_outlook
from beatsync.web.dashboard.pages import Dashboard, listed


def render(dashboard: Dashboard, *, with_arguments: bool = False) -> str:
    """Return the file: of each list, its first page. Raises StoreError."""
    store, site = dashboard.store, dashboard.site(None, with_arguments=with_arguments)
    board, outlook = read_board(store, site.now), read_outlook(store, site.now)
    unowned = listed(store, "", 1, unowned=True)
    added = store.authors([each.row.row_id for each in unowned.items], additions=True)
    sections = {
        "overview": overview.render(board, part_of(board.sources, 1), site),
        "timeline": times.render_timeline(outlook, part_of(times.coming(outlook, site.now), 1), site),
        "load": times.render_load(outlook, site),
        "drift": lists.render_drift(part_of(lists.drifted(board), 1), site),
        "pauses": lists.render_pauses(part_of(lists.paused(board), 1), site),
        "blocked": lists.render_blocked(board, part_of(lists.skipped(board), 1), site),
        "unowned": lists.render_unowned(unowned, "", added, site),
        "schedules": lists.render_schedules(listed(store, "", 1, unowned=False), "", site),
        "history": history.render_list(store.history(None, history.ENTRIES), None, site),
    }
    return render_file({name: sections[name] for name in PAGES}, site)
