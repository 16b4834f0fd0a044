"""The one layout of a spec file: indentation, spacing, quotes and the order of a schedule's keys.

The text is edited, not written anew: comments, blank lines, the order of schedules and the spelling of values stay. What was formatted is read
again, and must mean the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from beatsync.specfile.edits import Edit, apply_edits, line_start, normal_line_ends, with_line_ends
from beatsync.specfile.indentation import UnsupportedError, indentation
from beatsync.specfile.nodes import Node, comments, documents
from beatsync.specfile.ordering import bodies, ordering
from beatsync.specfile.reader import read
from beatsync.specfile.spacing import quotes, spacing, trailing_space

__all__ = ["UnsupportedError", "formatted"]

_RARE_BREAKS = re.compile("[\x85\u2028\u2029]")
_UNSAFE = "a construct whose layout cannot be changed safely"
Step = Callable[[str, Sequence[Node]], list[Edit]]


def formatted(text: str) -> str:
    """Return the text of a spec file in its canonical layout; the reader has read it without a problem.

    Raises UnsupportedError if the text has to stay as it is.
    """
    if _RARE_BREAKS.search(text):
        raise UnsupportedError("a line break that is neither a line feed nor a carriage return")
    result, newline = normal_line_ends(text)
    roots = documents(result)
    for step in (trailing_space, _end_of_text, indentation, spacing, quotes, _inner_order, _outer_order):
        after = apply_edits(result, step(result, roots))
        if after != result:
            result, roots = after, _roots(after)
    if result != text and _content(result) != _content(text):
        raise UnsupportedError(_UNSAFE)
    return with_line_ends(result, newline)


def _roots(text: str) -> list[Node]:
    """Return the documents of an edited text. Raises UnsupportedError if it is no longer YAML."""
    try:
        return documents(text)
    except yaml.YAMLError:
        raise UnsupportedError(_UNSAFE) from None


def _end_of_text(text: str, roots: Sequence[Node]) -> list[Edit]:
    """Return the edits that end a text with one line feed, unless its last lines are part of a block scalar."""
    content = text.rstrip("\n")
    nodes = [node for root in roots for node in root.walk()]
    is_block = any(node.style in {"|", ">"} and node.end > len(content) - 1 for node in nodes)
    return [] if is_block or not content else [Edit(len(content), len(text), "\n")]


def _inner_order(text: str, roots: Sequence[Node]) -> list[Edit]:
    return _order(text, roots, 0)


def _outer_order(text: str, roots: Sequence[Node]) -> list[Edit]:
    return _order(text, roots, 1)


def _order(text: str, roots: Sequence[Node], level: int) -> list[Edit]:
    alone = {line_start(text, comment.start) for comment in comments(text, roots) if comment.is_alone}
    return [edit for root in roots for edit in ordering(text, bodies(root)[level], alone)]


def _content(text: str) -> tuple[list[Any], Counter[str]]:
    """Return what a text means: its documents, with the keys of schedules in any order, and its comments."""
    reading = read(text.encode())
    if reading.problems:
        raise UnsupportedError(_UNSAFE)
    texts = Counter(comment.text.rstrip() for comment in comments(text, documents(text)))
    return [_document(document) for document in reading.documents], texts


def _document(document: Any) -> Any:
    if not isinstance(document, dict):
        return _in_order(document)
    result = []
    for key, value in document.items():
        if key == "schedules" and isinstance(value, dict):
            result.append((key, [(name, _body(body)) for name, body in value.items()]))
        else:
            result.append((key, _in_order(value)))
    return result


def _body(body: Any) -> Any:
    if not isinstance(body, dict):
        return _in_order(body)
    return {key: _environments(value) if key == "environments" else _in_order(value) for key, value in body.items()}


def _environments(value: Any) -> Any:
    if not isinstance(value, dict):
        return _in_order(value)
    return [(name, _body(body)) for name, body in value.items()]


def _in_order(value: Any) -> Any:
    """Return a value that is equal only to one with its keys in the same order, and with values of the same types."""
    if isinstance(value, dict):
        return ("mapping", [(key, _in_order(item)) for key, item in value.items()])
    if isinstance(value, list):
        return ("list", [_in_order(item) for item in value])
    return (value.__class__.__name__, value)
