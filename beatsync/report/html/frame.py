"""The frame of a page: title, navigation, landmarks; and how pages link to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from beatsync.report.html.markup import Content, Html, element, join, text
from beatsync.report.html.style import POLICY, STYLE
from beatsync.report.links import source_url
from beatsync.report.summary import utc_text
from beatsync.specfile.shapes import mask_text
from beatsync.values import Location, Revision

PAGES = {
    "overview": "Overview",
    "timeline": "Next 24 hours",
    "load": "Load",
    "drift": "Drift",
    "pauses": "Pauses",
    "blocked": "Blocked",
    "unowned": "Unowned",
    "schedules": "Schedules",
    "history": "History",
}
"""The title of each page of the navigation, by its name."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages are, and what they show."""

    base: str | None
    """The path of the first page, which ends with a slash; None: all pages are sections of one file."""
    now: datetime
    zone: str = "UTC"
    """The zone of the clocks in lists of times."""
    home: str | None = None
    """The path of the Django admin, if the pages are part of it."""
    template: str | None = None
    """The setting `SOURCE_URL`."""
    with_arguments: bool = False
    """Whether arguments of tasks are shown, secrets masked."""

    @property
    def level(self) -> int:
        """Return the level of the headings in a page."""
        return 2 if self.base is not None else 3

    def address(self, page: str, /, **query: str | int | None) -> str:
        """Return the URL of a page; query parameters that are None are left out."""
        if self.base is None:
            return f"#{page}"
        path = "" if page == "overview" else f"{page}/"
        present = {name: value for name, value in query.items() if value is not None}
        return f"{self.base}{path}{f'?{urlencode(present)}' if present else ''}"

    def link(self, label: Content, page: str, /, **query: str | int | None) -> Html:
        """Return a link to a page; in one file, where only whole sections have an address, the label alone."""
        if self.base is None and query:
            return join(label)
        return element("a", label, href=self.address(page, **query))

    def schedule(self, name: str) -> Html:
        """Return the name of a schedule or row, as a link to its page. A name that holds a secret is no link."""
        if mask_text(name) != name:
            return text(name)
        return self.link(name, "schedule", name=name)

    def heading(self, label: Content, deeper: int = 0) -> Html:
        """Return a heading in a page, `deeper` levels below its highest."""
        return element(f"h{self.level + deeper}", label)


def outside_link(url: str | None, label: Html | None = None) -> Html:
    """Return a link to another host; the label, by default the URL as text, if it is none of the web or holds a secret."""
    shown = label if label is not None else text(url or "")
    if url is None or not url.startswith(("https://", "http://")) or mask_text(url) != url:
        return shown
    return element("a", shown, href=url, rel="noreferrer")


def line_link(origin: str | None, revision: Revision | None, place: Location, site: Site) -> Html:
    """Return a place in a file of a source as `path:line:column`, as a link to its code host if that is known."""
    commit = revision.git if revision is not None else None
    url = source_url(origin, commit, place.path, place.line, site.template)
    return outside_link(url, element("code", str(place)))


def render_page(title: str, body: Content, site: Site, current: str = "") -> str:
    """Return a whole page of the dashboard; `current` is its name in the navigation."""
    items = (
        element("li", element("a", label, href=site.address(name), aria_current="page" if name == current else None))
        for name, label in PAGES.items()
    )
    home = element("li", element("a", "Django admin", href=site.home)) if site.home is not None else None
    navigation = element("nav", element("ul", items, home), aria_label="Pages")
    return _document(f"{title} – BeatSync", navigation, join(element("h1", title), body), site, "Dashboard")


def render_file(sections: dict[str, Html], site: Site) -> str:
    """Return all pages, by name, as the sections of one file."""
    items = (element("li", element("a", PAGES[name], href=f"#{name}")) for name in sections)
    navigation = element("nav", element("ul", items), aria_label="Sections")
    parts = (
        element("section", element("h2", PAGES[name]), body, id=name, aria_label=PAGES[name])
        for name, body in sections.items()
    )
    return _document("BeatSync report", navigation, join(element("h1", "BeatSync report"), parts), site, "Report")


def _document(title: str, navigation: Html, main: Html, site: Site, kind: str) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # A file has no headers; browsers ignore `frame-ancestors` here.
        element("meta", http_equiv="Content-Security-Policy", content=Html(POLICY.rpartition(";")[0]))
        if site.base is None
        else None,
        element("title", title),
        element("style", Html(STYLE)),
    )
    banner = element("header", element("div", element("p", "BeatSync", class_="brand"), navigation))
    footer = element("footer", f"{kind} of {utc_text(site.now)}. It changes nothing.")
    skip = element("a", "Skip to the content", class_="skip", href="#content")
    body = element("body", skip, banner, element("main", main, id="content", tabindex=-1), footer)
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
