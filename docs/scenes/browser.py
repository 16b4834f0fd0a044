"""Screenshots of the admin and the dashboard, with Chromium."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from scenes.world import NOW, PASSWORD

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
DESKTOP, PHONE = 1_440, 390
TASKS = "/admin/django_celery_beat/periodictask/"
DASHBOARD = "/admin/beatsync/source/dashboard/"
MARGIN = 12
"""Pixels below what a picture ends with."""
COLOURS = 256


def take(address: str, folder: Path, traveller: Any) -> None:
    """Edit rows in the admin as `mia`, then take the pictures as `ana`; `traveller` moves the clock."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with session(browser, address, "mia") as page:
            traveller.move_to(NOW - timedelta(minutes=25))
            edit_rows(page)
        traveller.move_to(NOW)
        with session(browser, address, "ana") as page:
            take_desktop(page, folder)
        with session(browser, address, "ana", PHONE) as page:
            open_dashboard(page, "overview")
            save(page, folder / "dashboard-phone.png", "main > p:last-of-type", MARGIN)
        browser.close()


@contextmanager
def session(browser: Any, address: str, user: str, width: int = DESKTOP) -> Iterator[Page]:
    """Yield a page of a user who is logged in."""
    context = browser.new_context(
        base_url=address, viewport={"width": width, "height": 844}, device_scale_factor=1,
        timezone_id="UTC", locale="en-GB", color_scheme="light", reduced_motion="reduce",
    )  # fmt: skip
    context.add_init_script("localStorage['django.admin.navSidebarIsOpen'] = false")
    page = context.new_page()
    page.goto(f"/admin/login/?next={TASKS}")
    page.fill("#id_username", user)
    page.fill("#id_password", PASSWORD)
    follow(page, "[type=submit]")
    yield page
    context.close()


def follow(page: Page, selector: str) -> None:
    """Click, and wait for the next page."""
    with page.expect_navigation():
        page.click(selector)


def open_form(page: Page, name: str) -> None:
    """Open the form of a row."""
    page.goto(f"{TASKS}?q={name}")
    follow(page, f"#result_list a:text-matches('^{name}')")


def edit_rows(page: Page) -> None:
    """Change the queue of a managed row, with a reason, and switch another row off."""
    open_form(page, "nightly-invoices")
    follow(page, "text=Edit anyway")
    page.locator("details", has=page.locator("[name=queue]")).locator("summary").click()
    page.fill("[name=queue]", "slow")
    page.fill("[name=beatsync_reason]", "the billing worker is down")
    follow(page, "[name=_save]")
    open_form(page, "clean-up-sessions")
    page.uncheck("[name=enabled]")
    follow(page, "[name=_save]")


def take_desktop(page: Page, folder: Path) -> None:
    """Take the pictures at the width of a desktop."""
    page.goto(f"{TASKS}?o=1")
    save(page, folder / "admin-tasks.png", "#result_list tr:nth-child(14)")
    open_form(page, "nightly-invoices")
    save(page, folder / "admin-form.png", ".field-enabled")
    for name, query, end in (
        ("overview", "", "footer"), ("timeline", "", ".chart + p"), ("load", "", "main > .scroll"),
        ("schedule", "?name=nightly-invoices", "main .scroll"), ("history", "", ".entry:nth-of-type(3)"),
    ):  # fmt: skip
        open_dashboard(page, name, query)
        save(page, folder / f"dashboard-{name}.png", end, MARGIN)


def open_dashboard(page: Page, name: str, query: str = "") -> None:
    """Open a page of the dashboard, and wait until its values were read."""
    page.goto(f"{DASHBOARD}{'' if name == 'overview' else f'{name}/{query}'}")
    page.wait_for_function("!document.body.innerText.includes('being read')")


def save(page: Page, path: Path, end: str, margin: int = 0) -> None:
    """Save a page down to the end of the first element of a selector, with few colours."""
    box = page.locator(end).first.bounding_box()
    height = math.ceil(box["y"] + box["height"]) + margin
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
    page.screenshot(path=path, full_page=True, clip=clip)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
