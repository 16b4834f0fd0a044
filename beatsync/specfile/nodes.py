"""YAML text → nodes with the spans of the text that they were read from, and the comments between them.

For what edits a text or reads its comments. Values come from `beatsync.specfile.reader`, which must have read the text without a
problem before: it limits depth and size.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import yaml

from beatsync.specfile.surrogates import hide_pairs

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*")


@dataclass(slots=True)
class Node:
    """A node of the text. `start` and `end` are offsets; the end of a block collection is the end of its last node."""

    kind: str
    """`scalar`, `alias`, `mapping` or `sequence`."""
    start: int
    end: int
    line: int
    """From 1, as `column`; those of `start`."""
    column: int
    style: str = ""
    """Of a scalar: a quote, `|` or `>`; empty if it is plain. Of a collection: `[` or `{`; empty if it is a block."""
    anchor: str | None = None
    tag: str | None = None
    value: str = ""
    """The text of a scalar; the anchor's name of an alias."""
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    """The keys and values of a mapping."""
    items: list[Node] = field(default_factory=list)
    """The items of a sequence."""

    @property
    def children(self) -> list[Node]:
        """Return the nodes directly in this one, in the order of the text."""
        return [node for pair in self.pairs for node in pair] or self.items

    def walk(self) -> Iterator[Node]:
        """Yield this node and every node in it, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()

    def get(self, key: str) -> tuple[Node, Node] | None:
        """Return the key and the value of a mapping's entry; None if the mapping itself has no such key."""
        return next((pair for pair in self.pairs if pair[0].value == key and pair[0].kind == "scalar"), None)


class Comment(NamedTuple):
    """A comment from its `#` to the end of its line."""

    start: int
    line: int
    column: int
    text: str
    is_alone: bool
    """Whether nothing but white space is before it on its line."""


def documents(text: str) -> list[Node]:
    """Return the root of each document. Raises yaml.YAMLError if the text is not YAML."""
    loader = _LOADER(hide_pairs(text))
    roots: list[Node] = []
    stack: list[tuple[Node, list[Node]]] = []
    while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
        if isinstance(event, yaml.NodeEvent):
            node = _node(event)
            (stack[-1][1] if stack else roots).append(node)
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append((node, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            node, children = stack.pop()
            _close(node, children, cast("yaml.Mark", event.end_mark).index)
    return roots


def _node(event: Any) -> Node:
    start = event.start_mark
    node = Node("alias", start.index, event.end_mark.index, start.line + 1, start.column + 1)
    if isinstance(event, yaml.AliasEvent):
        node.value = str(event.anchor)
        return node
    node.anchor, node.tag = event.anchor, event.tag
    if isinstance(event, yaml.ScalarEvent):
        node.kind, node.value, node.style = "scalar", event.value, event.style or ""
    else:
        node.kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
        node.style = ("{" if node.kind == "mapping" else "[") if event.flow_style else ""
    return node


def _close(node: Node, children: list[Node], end: int) -> None:
    if node.kind == "mapping":
        node.pairs = list(zip(children[::2], children[1::2], strict=True))
    else:
        node.items = children
    node.end = end if node.style or not children else children[-1].end


def comments(text: str, roots: Sequence[Node]) -> list[Comment]:
    """Return every comment of a text; `roots` are its documents."""
    line_starts = [0, *(match.end() for match in _BREAK.finditer(text))]
    scalars = [node for root in roots for node in root.walk() if node.kind == "scalar" and node.end > node.start]
    result = []
    start = 0
    for begin, end in [*(opaque_span(text, node) for node in scalars), (len(text), len(text))]:
        while (position := text.find("#", start, begin)) >= 0:
            line = bisect_right(line_starts, position)
            before = text[line_starts[line - 1] : position]
            match = _BREAK.search(text, position)
            start = match.start() if match else len(text)
            result.append(Comment(position, line, len(before) + 1, text[position:start], not before.strip()))
        start = max(start, end)
    return result


def opaque_span(text: str, node: Node) -> tuple[int, int]:
    """Return the span of a scalar in which `#` is text; of a block scalar, only its first line can have a comment."""
    if node.style not in {"|", ">"}:
        return node.start, node.end
    header = _BLOCK_HEADER.search(text, node.start)
    line_end = _BREAK.search(text, header.end() if header else node.start)
    return (line_end.end() if line_end else node.end), node.end
