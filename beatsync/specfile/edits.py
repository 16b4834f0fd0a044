"""Replacements of spans of a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

_BREAKS = re.compile("\r\n|[\r\n]")


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


def normal_line_ends(text: str) -> tuple[str, str]:
    """Return the text with line feeds only, and the line end that most of its lines have; of equally many, a line feed."""
    numbers = Counter(_BREAKS.findall(text))
    return _BREAKS.sub("\n", text), max(("\n", "\r\n", "\r"), key=lambda line_end: numbers[line_end])


def with_line_ends(text: str, line_end: str) -> str:
    """Return a text that has line feeds only with another line end."""
    return text.replace("\n", line_end)
