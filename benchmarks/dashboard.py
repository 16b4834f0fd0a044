"""The pages of the dashboard: each of them warm, as the daemon serves it, with a new connection to the database."""

from __future__ import annotations

import time
from threading import Thread
from typing import TYPE_CHECKING

from benchmarks.databases import counted, open_store
from benchmarks.task import Measurement, Task, timed

if TYPE_CHECKING:
    from beatsync.web.dashboard.pages import Dashboard

_PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("overview", {}), ("timeline", {}), ("load", {}), ("drift", {}), ("pauses", {}), ("blocked", {}), ("unowned", {}),
    ("schedules", {}), ("history", {}), ("schedules", {"q": "invoices"}),
)  # fmt: skip
_REPEAT = 5


def dashboard(task: Task) -> Measurement:
    """The slowest page, warm. The notes have each page, the two readings in the background, and the slowest page during one of them."""
    from beatsync.sync_types import utc_now
    from beatsync.web.dashboard.board import read_board, read_outlook
    from beatsync.web.dashboard.pages import Dashboard

    store, measurement = open_store(task.url), Measurement()
    pages, notes = Dashboard(store), measurement.notes
    for read in (read_board, read_outlook):
        began = time.perf_counter()
        read(store, utc_now())
        notes[read.__name__] = time.perf_counter() - began
    last = max(1, task.schedules // 100)
    middle = store.list_rows("", task.schedules // 2, 1).rows[0].row.name
    entry = store.history(None, 1)[0].entry_id
    addresses = [
        *_PAGES,
        ("history", {"id": str(entry)}),
        ("schedules", {"page": str(last)}),
        ("schedule", {"name": middle}),
    ]
    for page, query in addresses:
        while "Refresh" in pages.respond("/", page, query).headers:
            time.sleep(0.1)
    with counted(task.url, measurement):
        for page, query in addresses:
            measurement.seconds = max(measurement.seconds, _seconds(pages, page, query, notes))
    notes["slowest while rows are read"] = _while_reading(pages, addresses)
    return measurement


def _seconds(pages: Dashboard, page: str, query: dict[str, str], notes: dict[str, float]) -> float:
    """Return the least seconds of a page, and note them."""
    taken = []
    for _ in range(_REPEAT):
        pages.store.close()
        answer = Measurement()
        with timed(answer):
            response = pages.respond("/", page, query)
        assert response.status == 200, response.body
        taken.append(answer.seconds)
    name = " ".join([page, *(f"{key}=" for key in query)])
    notes[name if name not in notes else f"{name} last"] = min(taken)
    return min(taken)


def _while_reading(pages: Dashboard, addresses: list[tuple[str, dict[str, str]]]) -> float:
    """Return the seconds of the slowest page while another thread reads all rows."""
    from beatsync.sync_types import utc_now
    from beatsync.web.dashboard.board import read_board

    def read() -> None:
        read_board(pages.store, utc_now())
        pages.store.close()

    reader = Thread(target=read)
    reader.start()
    slowest = 0.0
    for page, query in addresses:
        began = time.perf_counter()
        pages.respond("/", page, query)
        slowest = max(slowest, time.perf_counter() - began)
    reader.join()
    return slowest
