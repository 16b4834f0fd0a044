"""An operator in a real browser: finds a drifted task, looks where it is declared, edits it anyway, pauses it, and sees all of that again."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import Watched, chromium
from tests.processes import run, running, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.lab
ROOT = Path(__file__).parent.parent.parent
SHOP = ROOT / "examples" / "shop"
NAME, FILE = "nightly-invoices", "basics.yaml"
PASSWORD = "only-for-this-test"
TASKS = "django_celery_beat/periodictask/"


class Site:
    """The example shop, with its schedules in a git repository of a known host."""

    def __init__(self, path: Path) -> None:
        self.specs = path / "shop" / "schedules.d"
        self.log = path / "run.log"
        self.database = path / "shop.sqlite3"
        self.env = {
            "SHOP_DATABASE": str(self.database),
            "SHOP_PASSWORD": PASSWORD,
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "PYTHONPATH": os.pathsep.join([str(SHOP), str(ROOT)]),
        }
        shutil.copytree(ROOT / "schedules.d", self.specs)
        self._git("init", "--quiet")
        self._git("remote", "add", "origin", "https://github.com/acme/shop.git")
        self._git("add", ".")
        self._git("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "--quiet", "-m", "Move in")
        self.commit = self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.specs.parent, capture_output=True, text=True, check=True)
        return done.stdout

    def admin(self) -> str:
        """Return the address of the admin."""
        found = until(lambda: re.search(r"http://\S+/admin/", self.output()), 60, self.output)
        assert found
        return found[0]

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def row(self) -> tuple[str, bool]:
        """Return the queue of the task, and whether it is enabled."""
        query = "SELECT queue, enabled FROM django_celery_beat_periodictask WHERE name = ?"
        with closing(sqlite3.connect(self.database, timeout=30)) as connection:
            queue, enabled = connection.execute(query, (NAME,)).fetchone()
        return queue, bool(enabled)

    def history(self) -> str:
        done = run(str(SHOP / "manage.py"), "beatsync", "history", NAME, cwd=self.specs.parent, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    with running([str(SHOP / "run.py"), str(site.specs), "--seconds=250"], site.log, cwd=ROOT, env=site.env):
        yield site


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with chromium(tmp_path / "pictures") as watched:
        yield watched


def body(page: Page) -> str:
    """Return what a person reads, on one line."""
    return " ".join(page.inner_text("body").split())


def log_in(page: Page, admin: str) -> None:
    page.goto(admin)
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")


def open_the_drifted_task(watched: Watched, admin: str) -> None:
    """From the start page through the list to the form of the task that has a badge of drift."""
    page = watched.page
    page.click("#content-main a[href$='/periodictask/']")
    page.click("#changelist-filter a:text-is('shop')")
    watched.look("list", within=".field-beatsync_managed_by", may_scroll=True)
    drifted = page.locator("tr", has=page.locator(".beatsync-badge", has_text="drifted: queue"))
    assert drifted.count() == 1
    drifted.locator(".field-name a, th a").first.click()
    assert page.url.startswith(f"{admin}{TASKS}")


def test_a_person_finds_drift_edits_and_pauses(site: Site, watched: Watched) -> None:
    page, admin = watched.page, site.admin()
    edited = run("-m", "tests.e2e.edit_in_admin", NAME, "slow", cwd=ROOT, env=site.env)
    assert edited.returncode == 0, edited.stderr
    log_in(page, admin)
    open_the_drifted_task(watched, admin)

    notice = page.locator(".beatsync-notice")
    assert 'queue: "slow", applied: "celery" (drifted: the next sync restores it)' in notice.inner_text()
    assert "changed in the Django admin by alice" in notice.inner_text()
    line = 1 + [*map(str.strip, (site.specs / FILE).read_text(encoding="utf-8").splitlines())].index(f"{NAME}:")
    link = notice.locator(f"a:has-text('{FILE}')").get_attribute("href")
    assert link == f"https://github.com/acme/shop/blob/{site.commit}/schedules.d/{FILE}#L{line}"
    watched.look("form", within=".beatsync-notice", may_scroll=True)

    # A person cannot type into the field; a crafted request changes nothing.
    assert page.locator("#id_queue").is_disabled()
    page.eval_on_selector("#id_queue", "field => { field.disabled = false; field.value = 'stolen' }")
    page.click("[name=_continue]")
    assert site.row() == ("slow", True)

    page.click("text=Edit anyway")
    page.click("summary:has-text('Execution Options')")
    page.fill("#id_queue", "bulk")
    page.click("[name=_continue]")
    assert site.row() == ("slow", True), "it was saved without a reason"
    page.fill("#id_beatsync_reason", "the slow workers are down")
    watched.look("edit", within=".beatsync-notice", may_scroll=True)
    page.click("[name=_save]")
    assert "was changed successfully" in body(page)
    assert site.row() == ("bulk", True)

    page.click(f"#result_list >> text={NAME}")
    page.click("text=Pause with a reason")
    page.fill("#id_duration", "soon")
    page.fill("#id_reason", "ledger migration")
    page.click("[type=submit][value=Pause]")
    assert page.locator("[role=alert]").count() == 1
    watched.look("pause", within=".beatsync-page")
    page.fill("#id_duration", "2d")
    page.click("[type=submit][value=Pause]")
    assert f"Schedule {NAME}: paused until " in body(page)
    assert site.row() == ("bulk", False)
    watched.look("form-paused", within=".beatsync-notice", may_scroll=True)

    page.click("a:text-is('shop') >> visible=true")
    assert "/dashboard/schedule/" in page.url
    for text in ("by admin since", "ledger migration", '"bulk"', "edited", FILE):
        assert text in body(page)
    look_at_the_dashboard(watched)
    history = site.history()
    assert '"slow" → "bulk"' in history
    for text in ("the slow workers are down", "ledger migration", "by admin", "by alice", site.commit):
        assert text in history
    assert watched.problems == []


def look_at_the_dashboard(watched: Watched) -> None:
    """Read each page of the navigation, the page of the schedule and that of an entry of the history."""
    page = watched.page
    watched.look("schedule")
    titles = [*page.locator("nav[aria-label=Pages] a").all_inner_texts()]
    for title in titles[:-1]:  # the last one leads back to the admin
        page.click(f"nav[aria-label=Pages] >> text='{title}'")
        until(lambda: "for the first time" not in body(page) or not page.reload())
        watched.look(title.lower().replace(" ", "-"))
        if title == "Pauses":
            assert "ledger migration" in body(page)
        if title == "Drift":
            assert "changed in the Django admin by admin" in body(page)
        if title == "History":
            page.click("main a:has-text('#')")
            watched.look("history-entry")
            assert "ledger migration" in body(page)
