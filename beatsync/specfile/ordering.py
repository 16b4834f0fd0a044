"""The canonical order of the keys of schedules: whole entries move, with the comments that belong to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from beatsync.specfile.edits import Edit, line_end, line_start
from beatsync.specfile.fields import FIELD_TABLE
from beatsync.specfile.nodes import Node
from beatsync.specfile.rules import KINDS
from beatsync.specfile.spacing import units

_KEY_ORDER = (
    "<<", "task", *KINDS, "timezone",
    *(field.name for field in FIELD_TABLE if field.name not in {"name", "task"}), "environments", "only", "sync",
)  # fmt: skip
_RANKS = {key: number for number, key in enumerate(_KEY_ORDER)}
_COMMENT_LINE = re.compile(r"( *)#[^\n]*\n")


def key_rank(key: str) -> int:
    """Return the position of a key among those of a schedule; unknown keys are last."""
    return _RANKS.get(key, len(_RANKS))


def bodies(root: Node) -> tuple[list[tuple[Node, Node]], list[tuple[Node, Node]]]:
    """Return the mappings of a document whose keys are ordered, each after its own key: those of environments, and the schedules."""
    section = root.get("schedules")
    schedules = section[1].pairs if section else []
    sections = filter(None, (body.get("environments") for _, body in schedules))
    return [pair for _, environments in sections for pair in environments.pairs], schedules


def ordering(text: str, pairs: Sequence[tuple[Node, Node]], comment_lines: Collection[int]) -> list[Edit]:
    """Return the edits that order the keys of these mappings; `comment_lines` are the offsets of lines with nothing but a comment."""
    return [edit for key, body in pairs for edit in _ordered(text, key, body, comment_lines)]


def _ordered(text: str, owner: Node, body: Node, comment_lines: Collection[int]) -> Iterator[Edit]:
    order = sorted(range(len(body.pairs)), key=lambda number: key_rank(body.pairs[number][0].value))
    if order == sorted(order) or _depends_on_order(body):
        return
    if body.style:
        if "#" in text[body.start : body.end]:
            return
        spans = units(text, body)
    else:
        spans = _segments(text, owner, body, comment_lines)
        if not all(text[start:end].endswith("\n") for start, end in spans):
            return
    for (start, end), number in zip(spans, order, strict=True):
        yield Edit(start, end, text[slice(*spans[number])])


def _depends_on_order(body: Node) -> bool:
    """Return whether an alias in a mapping may refer to an anchor in it."""
    nodes = list(body.walk())[1:]
    return any(node.anchor for node in nodes) and any(node.kind == "alias" for node in nodes)


def _segments(text: str, owner: Node, body: Node, comment_lines: Collection[int]) -> list[tuple[int, int]]:
    """Return for each entry the span of its lines, with the comment lines directly above it and those indented below it."""
    spans = []
    lowest = line_end(text, max(owner.end, body.start if body.anchor or body.tag else owner.end))
    for key, value in body.pairs:
        start = line_start(text, key.start)
        column = key.start - start
        while (
            start > lowest
            and (above := line_start(text, start - 1)) in comment_lines
            and _column(text, above) == column
        ):
            start = above
        end = value_end(text, key, value)
        while end in comment_lines and _column(text, end) > column:
            end = line_end(text, end)
        spans.append((start, end))
        lowest = end
    return spans


def _column(text: str, start: int) -> int:
    match = _COMMENT_LINE.match(text, start)
    return len(match[1]) if match else -1


def value_end(text: str, key: Node, value: Node) -> int:
    """Return the offset behind the last line of an entry; blank lines after a block scalar are not part of it."""
    last = max((node for node in value.walk() if not node.children), key=lambda node: node.end)
    if last.style in {"|", ">"} and last.end > last.start:
        content = text[last.start : last.end]
        has_kept_lines = "+" in content.split("\n", 1)[0]
        return last.end if has_kept_lines else last.start + len(content.rstrip("\n")) + 1
    return line_end(text, max(key.end, value.end))
