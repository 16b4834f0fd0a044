"""The canonical indentation: two spaces for each level, for mappings and lists."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from beatsync.specfile.edits import Edit, line_end, line_start
from beatsync.specfile.nodes import Node, comments, opaque_span

STEP = 2
_DASH = re.compile(r"(?:[&!][^ \t\n]*|[ \t\n]|#[^\n]*)*?-(?=[ \t\n]|$)")
_DASH_AND_SPACE = re.compile(r"-[ \t]+(?=[^ \t\n#])")
_MARKER = re.compile(r"(?:---|\.\.\.)(?=[ \t\n]|$)|%")
"""At the beginning of a line: the beginning or the end of a document, or a directive."""


class UnsupportedError(Exception):
    """The text has a construct that is not formatted; the message names it."""


class Entry(NamedTuple):
    """A key or a dash of a block."""

    start: int
    old: int
    """Its column, from 0."""
    new: int

    @property
    def shift(self) -> int:
        """Return by how many columns it moves."""
        return self.new - self.old


def indentation(text: str, roots: Sequence[Node]) -> list[Edit]:
    """Return the edits that indent a text. Raises UnsupportedError."""
    entries = [entry for root in roots for entry in _entries(text, root, 0)]
    if not entries:
        return []
    lines = _Lines(text, roots, entries)
    edits = list(_dash_spaces(text, entries))
    position = 0
    while position < len(text):
        end = line_end(text, position)
        content = position + len(text[position:end]) - len(text[position:end].lstrip(" "))
        column = 0 if _MARKER.match(text, position) else lines.column(position, content)
        is_empty = content == position and text[content:end] == "\n"
        if column != content - position and not is_empty:
            edits.append(Edit(position, content, " " * column))
        position = end
    return edits


def _dash_spaces(text: str, entries: Sequence[Entry]) -> Iterator[Edit]:
    """Yield the edits that leave one space after a dash: what is on its line moves with what is below it."""
    for entry in entries:
        match = _DASH_AND_SPACE.match(text, entry.start)
        if match is not None and match.end() - match.start() > STEP:
            yield Edit(match.start() + 1, match.end(), " ")


class _Lines:
    """Decides the column of each line."""

    def __init__(self, text: str, roots: Sequence[Node], entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._starts = [entry.start for entry in entries]
        self._by_start = {entry.start: entry for entry in entries}
        self._comments = {comment.start for comment in comments(text, roots) if comment.is_alone}
        nodes = (node for root in roots for node in root.walk())
        self._block_ends = {opaque_span(text, node)[1] for node in nodes if node.style in {"|", ">"}}

    def column(self, start: int, content: int) -> int:
        """Return the new column of a line: of its first character that is no space, at `content`."""
        column = content - start
        number = bisect_right(self._starts, content)
        if number == 0:
            return column
        if content in self._by_start:
            return self._by_start[content].new
        if content in self._comments:
            return self._comment_column(column, number, is_after_block=start in self._block_ends)
        return max(0, column + self._entries[number - 1].shift)

    def _comment_column(self, old: int, number: int, *, is_after_block: bool) -> int:
        """Return the new column of a comment between the entries `number - 1` and `number`: it moves with that in its column."""
        entries, previous = self._entries, self._entries[number - 1]
        following = entries[number] if number < len(entries) else None
        if following is not None and following.old == old:
            column = following.new
        elif (same := self._nearest(old, number)) is not None:
            column = same.new
        else:
            column = max(0, old + (following or previous).shift)
        # Deeper than the key of a block scalar, a comment might become its text.
        return min(column, previous.new) if is_after_block and previous.shift else column

    def _nearest(self, old: int, number: int) -> Entry | None:
        """Return the last entry before `number` in a column, of those that enclose the end of the entry before."""
        column = self._entries[number - 1].old + 1
        for entry in reversed(self._entries[:number]):
            if entry.old < column:
                column = entry.old
                if column <= old:
                    return entry if column == old else None
        return None


def _entries(text: str, node: Node, column: int) -> Iterator[Entry]:
    """Yield the keys and dashes of a node whose own begin in `column`, in the order of the text."""
    if node.style or not node.children:
        return
    if node.kind == "mapping":
        for key, value in node.pairs:
            begin = line_start(text, key.start)
            if text[begin : key.start].rstrip().endswith("?"):
                raise UnsupportedError("a key after a question mark")
            yield Entry(key.start, key.start - begin, column)
            yield from _entries(text, value, column + STEP)
        return
    position = node.start
    for item in node.items:
        match = _DASH.match(text, position)
        if match is None:
            raise UnsupportedError("a list whose dashes are not recognised")
        dash = match.end() - 1
        yield Entry(dash, dash - line_start(text, dash), column)
        yield from _entries(text, item, column + STEP)
        position = max(item.end, dash + 1)
