"""Tables in a region that scrolls, lists of facts, and links between the pages of a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from beatsync.report.html.frame import Site
from beatsync.report.html.markup import Content, Html, element, join
from beatsync.report.summary import counted

T = TypeVar("T")
PAGE_SIZE = 100
"""Items on one page of a list."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    total: int
    number: int = 1
    """Of the page, from 1."""

    @property
    def pages(self) -> int:
        """Return the number of pages."""
        return max(1, -(-self.total // PAGE_SIZE))


def part_of(items: Sequence[T], number: int) -> Part[T]:
    """Return the page of a list with this number; the last one if there are fewer."""
    last = max(1, -(-len(items) // PAGE_SIZE))
    number = min(max(1, number), last)
    return Part(items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], len(items), number)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table with a class."""

    content: Content
    class_: str


def table(
    caption: str, columns: Sequence[str | Cell], rows: Iterable[Iterable[Content | Cell]], *, class_: str | None = None
) -> Html:
    """Return a table with a caption, in a region that scrolls sideways and that the keyboard reaches. The first cell of a row is its header."""
    head = element("thead", element("tr", (_cell("th", column, scope="col") for column in columns)))
    body = element(
        "tbody",
        (element("tr", _cell("th", first, scope="row"), (_cell("td", cell) for cell in rest)) for first, *rest in rows),
    )
    inner = element("table", element("caption", caption), head, body, class_=class_)
    return region(caption, inner)


def region(label: str, content: Content, class_: str = "scroll") -> Html:
    """Return a region that scrolls sideways, for content that may be wider than the screen."""
    return element("div", content, class_=class_, role="region", aria_label=label, tabindex=0)


def _cell(tag: str, cell: Content | Cell, scope: str | None = None) -> Html:
    if isinstance(cell, Cell):
        return element(tag, cell.content, class_=cell.class_, scope=scope)
    return element(tag, cell, scope=scope)


def facts(pairs: Iterable[tuple[str, Content]], class_: str = "facts") -> Html:
    """Return pairs of a label and its value."""
    return element(
        "dl", (element("div", element("dt", label), element("dd", value)) for label, value in pairs), class_=class_
    )


def state(word: str, kind: str | None) -> Html:
    """Return a state; `kind` is `good`, `bad`, `warning` or None, and only colours what the word says."""
    return element("span", word, class_=kind)


def search_form(field: str, label: str, value: str | None, button: str, address: str | None) -> Html:
    """Return a form that asks for one field of the query of a page."""
    return element(
        "form",
        element(
            "div",
            element("label", label, for_=field),
            element("input", type="search", id=field, name=field, value=value or None),
        ),
        element("button", button, type="submit"),
        action=address, method="get", role="search",
    )  # fmt: skip


def pager(part: Part[T], noun: str, site: Site, page: str, /, **query: str | None) -> Html:
    """Return how many items a list has, and links to the pages before and after; in one file, how many are left out."""
    shown = counted(part.total, noun)
    if site.base is None:
        left_out = part.total - len(part.items)
        return element("p", f"{shown}; {left_out:,} of them are left out of this file." if left_out else f"{shown}.")
    if part.pages == 1:
        return element("p", f"{shown}.")
    links = [
        site.link(label, page, page=number, **query)
        for label, number in (("Previous page", part.number - 1), ("Next page", part.number + 1))
        if 1 <= number <= part.pages
    ]
    place = element("span", f"{shown}, page {part.number:,} of {part.pages:,}")
    return element("nav", place, join(links), class_="pager", aria_label=f"Pages of this list of {noun}s")
