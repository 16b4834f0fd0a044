"""Builds HTML. Text becomes HTML only here, so that nothing from files or rows is escaped twice or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Union

from beatsync.report.escape import one_line
from beatsync.specfile.shapes import mask_text


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = Union[str, None, Iterable["Content"]]
"""What an element contains: text, which is escaped and whose secrets are masked; HTML; None for nothing; several of these."""
_VOID = frozenset({"meta", "link", "input", "col", "br"})


def text(value: str) -> Html:
    """Return text as HTML: one line, with invisible characters as escapes and secrets masked."""
    return Html(escape(one_line(mask_text(value))))


def join(*contents: Content) -> Html:
    """Return contents one after the other."""
    parts: list[str] = []
    for content in contents:
        if isinstance(content, Html):
            parts.append(content)
        elif isinstance(content, str):
            parts.append(text(content))
        elif content is not None:
            parts.append(join(*content))
    return Html("".join(parts))


def element(tag: str, *contents: Content, **attributes: str | int | bool | None) -> Html:
    """Return an element. An attribute is named without its trailing underscore and with hyphens: `class_`, `aria_label`.

    An attribute that is None or False is left out; one that is True has no value.
    """
    start = "".join(_attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{start}>")
    return Html(f"<{tag}{start}>{join(*contents)}</{tag}>")


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{value if isinstance(value, Html) else text(str(value))}"'
