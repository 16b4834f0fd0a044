"""Replacements of spans of a text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Edit(NamedTuple):
    """The text that replaces the span from `start` to `end`."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with every span replaced; the spans do not overlap."""
    pieces = []
    position = 0
    for edit in sorted(edits):
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, text[position:]])


def line_start(text: str, position: int) -> int:
    """Return the offset of the first character of the line that holds a position; lines end with a line feed."""
    return text.rfind("\n", 0, position) + 1


def line_end(text: str, position: int) -> int:
    """Return the offset behind the line feed of the line that holds a position."""
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1
