"""Colour as an argument: reports name what a piece of text is, and whoever prints decides how that looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Paint = Callable[[str, str], str]
"""Takes a text and what it is (a key of the palette of whoever prints), returns it as it shall look."""


def plain(text: str, _: str) -> str:
    """Return the text as it is."""
    return text


def clean(text: str) -> str:
    """Return a text for one line of a terminal or a log: what could move a cursor or forge a line is written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def json_text(document: Any) -> str:
    """Return JSON that people can read, and in which nothing moves a cursor or turns the direction of text."""
    return readable(json.dumps(document, indent=2, ensure_ascii=False))


def readable(text: str) -> str:
    """Return lines of JSON with all of their characters such as can be seen."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def counted(number: int, thing: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
