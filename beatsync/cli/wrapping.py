"""Wraps text for a terminal: between words, with the next line below the value that the first one shows."""

from __future__ import annotations

import re
import shutil
import unicodedata
from typing import TextIO

_NARROWEST = 60
"""Columns; text is not made narrower, even if the terminal is."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_VALUE = re.compile(r"\s*(?:(?:hint|error|warning|blocked): |\S(?:\S| (?! ))*\s{2,})")
"""What comes before the value of a line: its indent, and a label that two spaces or a colon end."""
_START = re.compile(r"\s*(?:[-+~] )?")
"""The indent of a line without a label, and the sign of a change."""
_EXCERPT = "|"
"""The start of a line of a source file, and of the caret below it."""


def terminal_width(stream: TextIO) -> int | None:
    """Return how many columns text for `stream` may take; None if it is no terminal, whose reader wraps or searches it."""
    return max(_NARROWEST, shutil.get_terminal_size().columns) if stream.isatty() else None


def wrapped(text: str, width: int | None) -> str:
    """Return lines of text of at most `width` columns, apart from words that are longer; unchanged for None."""
    return text if width is None else "\n".join(_wrapped_line(line, width) for line in text.split("\n"))


def _wrapped_line(line: str, width: int) -> str:
    plain = _COLOUR.sub("", line)
    if _columns(plain) <= width or plain.lstrip().startswith(_EXCERPT):
        return line
    value, start = _VALUE.match(plain), _START.match(plain)
    indent = _columns(value[0]) if value else width
    if indent > width // 2:
        indent = (len(start[0]) if start else 0) + 2
    lines, used = [""], 0
    # The first word keeps the spaces before it; each further one has those between it and the word before.
    for word in re.findall(r"^\s*\S+|\s+\S+", line):
        size = _columns(_COLOUR.sub("", word))
        if used and used + size > width:
            lines.append(" " * indent + word.lstrip())
            used = indent + _columns(_COLOUR.sub("", word.lstrip()))
        else:
            lines[-1] += word
            used += size
    return "\n".join(lines)


def _columns(text: str) -> int:
    """Return how many columns a terminal shows a text in."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)
