"""The canonical white space and quotes inside a line."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter

from beatsync.specfile.edits import Edit
from beatsync.specfile.indentation import UnsupportedError
from beatsync.specfile.nodes import Node, opaque_span
from beatsync.specfile.write import scalar

_TRAILING = re.compile(r"[ \t]+(?=\n|$)")
_COMMENT = re.compile(r"#[^\n]*")
_BEFORE_COLON = re.compile(r"[ \t]+(?=:)")
_BEFORE_COMMA = re.compile(r"[ \t]+(?=,)")


def trailing_space(text: str, roots: Sequence[Node]) -> list[Edit]:
    """Return the edits that remove white space at the ends of lines, except in texts of several lines."""
    spans = [opaque_span(text, node) for root in roots for node in root.walk() if _has_lines(text, node)]
    edits = [Edit(match.start(), match.end(), "") for match in _TRAILING.finditer(text)]
    return [edit for edit in edits if not any(start < edit.end <= end for start, end in _near(spans, edit.start))]


def _near(spans: Sequence[tuple[int, int]], position: int) -> Sequence[tuple[int, int]]:
    """Return the span that may hold a position, if any; spans are in order and do not overlap."""
    first = bisect_right(spans, position, key=itemgetter(1))
    return spans[first : first + 1]


def _has_lines(text: str, node: Node) -> bool:
    return node.kind == "scalar" and bool(node.style) and "\n" in text[node.start : node.end]


def spacing(text: str, roots: Sequence[Node]) -> list[Edit]:
    """Return the edits that leave one space after colons and commas, and none inside brackets. Raises UnsupportedError."""
    return [edit for root in roots for node in root.walk() for edit in _node_spacing(text, node)]


def _node_spacing(text: str, node: Node) -> Iterator[Edit]:
    for key, value in node.pairs:
        yield from _colon(text, key, value)
    if node.style in {"[", "{"}:
        yield from _flow(text, node)


def _colon(text: str, key: Node, value: Node) -> Iterator[Edit]:
    gap = text[key.end : value.start]
    if gap.strip() == ":" and "\n" not in gap:
        yield Edit(key.end, value.start, ": " if value.end > value.start else ":")
    elif match := _BEFORE_COLON.match(text, key.end):
        yield Edit(match.start(), match.end(), "")


def units(text: str, node: Node) -> list[tuple[int, int]]:
    """Return the span of each item of a flow collection, or of each key with its value."""
    if node.kind == "sequence":
        return [(item.start, item.end) for item in node.items]
    return [(key.start, _pair_end(text, key, value)) for key, value in node.pairs]


def _pair_end(text: str, key: Node, value: Node) -> int:
    if value.end > value.start:
        return value.end
    colon = text.find(":", key.end, value.start)
    return key.end if colon < 0 else colon + 1


def _flow(text: str, node: Node) -> Iterator[Edit]:
    """Yield the edits between the brackets, items and commas of a flow collection."""
    opened = text.index(node.style, node.start) + 1
    spans = units(text, node)
    position = opened
    for start, end in [*spans, (node.end - 1, node.end)]:
        gap = text[position:start]
        if _COMMENT.sub("", gap).strip() not in {"", ","}:
            raise UnsupportedError("a key after a question mark")
        if "\n" not in gap:
            is_between = spans and position != opened and start != node.end - 1
            yield Edit(position, start, ", " if is_between else "")
        elif match := _BEFORE_COMMA.match(text, position):
            yield Edit(match.start(), match.end(), "")
        position = end


def quotes(text: str, roots: Sequence[Node]) -> list[Edit]:
    """Return the edits that remove quotes where no reader needs them, and make the others double.

    A document in braces keeps its quotes: it may be JSON.
    """
    return [edit for root in roots if not root.style for node in root.walk() for edit in _node_quotes(text, node)]


def _node_quotes(text: str, node: Node) -> Iterator[Edit]:
    if node.style not in {"'", '"'} or text[node.start + 1 : node.end - 1] != node.value or "\n" in node.value:
        return
    written = scalar(node.value)
    if written in {node.value, f'"{node.value}"'}:
        yield Edit(node.start, node.end, written)
