"""The example shop: its pages, an embedded beat and a worker, as `python examples/shop/run.py` starts them."""

from __future__ import annotations

import re
import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from http.cookiejar import CookieJar
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.processes import running, until

ROOT = Path(__file__).parent.parent.parent
ZONE = ZoneInfo("Europe/Berlin")


class Example:
    """The running example, as a browser and its database show it."""

    def __init__(self, log: Path, database: Path) -> None:
        self._log, self._database = log, database
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        address = until(lambda: re.search(r"(http://\S+)/orders/", self.output()), 60, self.output)
        assert address
        self._address = address[1]

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str) -> str:
        return self._request(path, None)

    def post(self, path: str, *, page: str | None = None, **fields: str) -> str:
        """Send the form of a page, and return the page that follows."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(page or path))
        assert token
        return self._request(path, urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode())

    def _request(self, path: str, data: bytes | None) -> str:
        with self._browser.open(self._address + path, data, timeout=60) as answer:
            text: str = answer.read().decode()
        return text

    def rows(self, names: str) -> dict[str, bool]:
        """Return whether the rows are enabled whose names match a pattern of SQL."""
        query = "SELECT name, enabled FROM django_celery_beat_periodictask WHERE name LIKE ?"
        with closing(sqlite3.connect(self._database, timeout=30)) as connection:
            return {name: bool(enabled) for name, enabled in connection.execute(query, (names,))}


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    log, database = tmp_path / "run.log", tmp_path / "shop.sqlite3"
    command = [str(ROOT / "examples" / "shop" / "run.py"), "--seconds=230"]
    with running(command, log, cwd=ROOT, env={"SHOP_DATABASE": str(database)}):
        yield Example(log, database)


@pytest.mark.timeout(240)
def test_a_users_report_an_orders_clean_up_and_a_frequency_by_business_hours(example: Example) -> None:
    now = datetime.now(ZONE)
    # The first minute that begins late enough for beat to have noticed the schedule.
    at = (now + timedelta(seconds=75)).replace(second=0, microsecond=0)
    wrong = example.post("/reports/7/", when_preset="daily", when_time="25:00", when_timezone=ZONE.key)
    assert "errorlist" in wrong
    assert not example.rows("report-%")
    page = example.post("/reports/7/", when_preset="daily", when_time=f"{at:%H:%M}", when_timezone=ZONE.key)
    assert f"At {at:%H:%M}" in page
    assert example.rows("report-%") == {"report-7": True}

    # `run.py` has placed order 1, which is never paid.
    example.post("/orders/")
    assert example.rows("unpaid-2") == {"unpaid-2": True}
    example.post("/orders/2/pay/", page="/orders/")
    assert not example.rows("unpaid-2")
    until(lambda: "ran: order 1 cancelled" in example.output(), 60, example.output)
    assert re.search(r"Order 1\s+is cancelled", example.get("/orders/"))

    until(lambda: "ran: report of customer 7" in example.output(), 120, example.output)
    assert datetime.now(ZONE) >= at
    assert "ran: order 2" not in example.output()

    # Beat disables the row of order 1 when it reloads its rows. Then it is kept for 10 seconds, until the next write.
    example.post("/orders/")
    until(lambda: example.rows("unpaid-1") == {"unpaid-1": False}, 20, lambda: example.rows("%"))
    disabled = datetime.now(ZONE)
    until(lambda: datetime.now(ZONE) > disabled + timedelta(seconds=10))
    assert "unpaid-1" in example.rows("%")
    example.post("/orders/")
    until(lambda: not example.rows("unpaid-1"), 20, lambda: example.rows("%"))

    # Every minute in office hours, otherwise every other minute.
    assert len(example.rows("refresh-prices%")) > 1
    until(lambda: "ran: prices" in example.output(), 125, example.output)
