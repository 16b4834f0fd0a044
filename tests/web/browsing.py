"""A shop whose schedules drifted, are paused and have warnings; and a reader of pages as a browser reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from django_celery_beat.models import PeriodicTask

from beatsync.pausing import pause
from beatsync.plan.observed import Pause
from beatsync.reconcile import SyncOptions, sync, utc_now
from beatsync.store import Store
from beatsync.values import Actor
from beatsync.web.dashboard.pages import Dashboard, Response
from tests.conftest import task_maker
from tests.processes import until

SPEC = """
windows:
  office: {days: mon-fri, from: "08:00", to: "18:00"}
schedules:
  nightly: {task: shop.bill, crontab: "30 2 * * *", queue: fast, kwargs: {customer: Lovelace, token: hunter2}}
  prices: {task: shop.refresh, every: {office: 1m, otherwise: 15m}}
  beat: {task: shop.beat, interval: 30s}
  gone: {task: shop.gone, crontab: "0 4 * * *"}
  export: {task: shop.export, crontab: "0 5 * * *"}
  fridays: {task: shop.fridays, crontab: "0 6 13 * fri"}
"""


def open_shop(store: Store, root: Path) -> None:
    """Sync the shop; then let one row drift, delete another, pause a schedule, and add a row that no source owns."""
    (root / "shop.yaml").write_text(SPEC, encoding="utf-8")
    sync(root, store, SyncOptions("shop", actor=Actor("ann")))
    tasks = PeriodicTask.objects.using(store.alias)
    tasks.filter(name="nightly").update(queue="slow", kwargs='{"customer": "Mallory"}')
    tasks.filter(name="gone").delete()
    now = utc_now()
    pause(store, "shop", ["export"], Pause("ann", "ledger migration", now, now + timedelta(days=2)), SyncOptions())
    task_maker(store.alias)("by-hand", task="other.task")


def get(dashboard: Dashboard, address: str, base: str = "/") -> Response:
    """Return a page as soon as its values were read."""
    parts = urlsplit(address)
    page = parts.path.removeprefix(base).strip("/")
    responses: list[Response] = []

    def is_ready() -> bool:
        responses[:] = [dashboard.respond(base, page, dict(parse_qsl(parts.query)))]
        return "Refresh" not in responses[0].headers

    until(is_ready)
    return responses[0]


class Page(HTMLParser):
    """What a browser and a screen reader find in a page; fails if it is malformed."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.inputs: list[str] = []
        self.regions: list[str] = []
        self.tables = self.captions = 0
        self._opened: list[str] = []
        self.feed(body)
        self.close()
        assert not self._opened

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        if tag not in {"meta", "input"}:
            self._opened.append(tag)
        assert "style" not in attributes
        assert tag not in {"script", "img", "iframe", "link", "object"}
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "input":
            self.inputs.append(attributes["id"])
        if tag == "label":
            self.labels.append(attributes["for"])
        if attributes.get("role") == "region":
            assert attributes["tabindex"] == "0"
            self.regions.append(attributes["aria-label"])
        if tag == "th":
            assert attributes["scope"] in {"col", "row"}
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.tables += tag == "table"
        self.captions += tag == "caption"

    def handle_endtag(self, tag: str) -> None:
        assert self._opened.pop() == tag

    def check(self) -> None:
        """Fail if a reader would miss something: headings in order, a label for each input, a caption for each table."""
        assert self.headings[0] == 1
        assert self.headings.count(1) == 1
        assert all(below <= above + 1 for above, below in zip(self.headings, self.headings[1:], strict=False))
        assert self.labels == self.inputs
        assert len(set(self.ids)) == len(self.ids)
        assert len(set(self.regions)) == len(self.regions)
        assert self.tables == self.captions


def text_of(body: str) -> str:
    """Return what a person reads, on one line."""
    visible = re.sub(r"<(style|title)>.*?</\1>", " ", body, flags=re.DOTALL)
    blocks = re.sub(r"</?(?:a|code|span)\b[^>]*>", "", visible)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", blocks)).split())


def crawl(dashboard: Dashboard, base: str = "/") -> Iterator[tuple[str, Response]]:
    """Yield each page that the first one leads to, and its answer."""
    waiting, seen = [base], {base}
    while waiting:
        address = waiting.pop()
        response = get(dashboard, address, base)
        yield address, response
        inside = [link for link in Page(response.body).links if link.startswith(base)]
        waiting += [link for link in dict.fromkeys(inside) if link not in seen]
        seen.update(inside)
