"""Debian's Chromium, driven by Playwright, as the tests use it: what a person sees, and what goes wrong unseen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from tests.conftest import missing_service

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

SCREENS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1440, "light"), (390, "light"), (1440, "dark"))
"""Widths in pixels, and colour schemes. axe checks the last two: it takes a second."""
_ARGUMENTS = (
    "--no-sandbox",  # a container has no namespaces for it
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_AXE = """async (within) => {
  const {violations} = await axe.run(within || document, {preload: false, resultTypes: ['violations']});
  return violations.filter(each => ['serious', 'critical'].includes(each.impact))
    .flatMap(each => each.nodes.map(node => `${each.id}: ${node.html} ${node.failureSummary}`));
}"""
_TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"


class Watched:
    """A page, with everything that must not happen in it."""

    def __init__(self, page: Page, axe: str, pictures: Path) -> None:
        self.page = page
        self.problems: list[str] = []
        self._axe = axe
        self._pictures = pictures
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._report(f"error in the page: {error}"))
        page.on("response", lambda answer: self._report(f"{answer.status} {answer.url}", answer.status >= 400))

        def check_host(request: Any) -> None:
            is_own = urlsplit(request.url).hostname in {"127.0.0.1", None}  # `data:` has no host
            self._report(f"a request to another host: {request.url}", not is_own)

        page.on("request", check_host)

    def _hear(self, message: ConsoleMessage) -> None:
        # A browser asks every site for its icon, and the shop has none.
        is_icon = urlsplit(message.location["url"]).path == "/favicon.ico"
        self._report(
            f"console: {message.text} {message.location}", message.type in {"error", "warning"} and not is_icon
        )

    def _report(self, problem: str, is_problem: bool = True) -> None:
        if is_problem:
            self.problems.append(problem)

    def look(self, name: str, *, within: str | None = None, may_scroll: bool = False) -> None:
        """Take pictures of the page, and check it.

        `within` is the selector of what axe checks, by default the whole page. With `may_scroll`, the page may be wider than the screen.
        """
        self.page.evaluate(self._axe)
        for width, scheme in SCREENS:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.screenshot(path=self._pictures / f"{name}-{width}-{scheme}.png", full_page=True)
            if not may_scroll:
                assert self.page.evaluate(_TOO_WIDE) <= 0, f"{name} is wider than {width} pixels"
            if (width, scheme) in SCREENS[1:]:
                found = self.page.evaluate(_AXE, [[within]] if within else None)
                self.problems += [f"{name}, {width}, {scheme}: {each}" for each in found]


@contextmanager
def chromium(pictures: Path) -> Iterator[Watched]:
    """Start a browser without any state, and open a page. If a program is missing, skip the test with the reason; under CI, fail."""
    program = os.environ.get("BEATSYNC_TEST_CHROMIUM") or shutil.which("chromium")
    if program is None:
        missing_service("chromium", "it is not installed; .ci/run shows how")
    axe = Path(os.environ.get("BEATSYNC_TEST_AXE", "node_modules/axe-core/axe.min.js"))
    if not axe.is_file():
        missing_service(
            "axe-core", f"there is no file {axe}; .ci/run shows how to install it, and sets BEATSYNC_TEST_AXE"
        )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        missing_service("playwright", error)
    pictures.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            context = browser.new_context(locale="en-US", timezone_id="UTC")
            context.set_default_timeout(30_000)
            yield Watched(context.new_page(), axe.read_text(encoding="utf-8"), pictures)
        finally:
            browser.close()
