"""Edits of the entries of a mapping in a text: values replaced, keys added and removed; comments stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beatsync.specfile.edits import Edit, apply_edits, line_end, line_start
from beatsync.specfile.jsontext import canonical
from beatsync.specfile.nodes import Node, comments, documents
from beatsync.specfile.ordering import key_rank, value_end
from beatsync.specfile.spacing import units
from beatsync.specfile.write import flow, item_lines, scalar

Keys = tuple[str, ...]
"""The keys that lead from a document to a value."""


class EditError(Exception):
    """The text cannot be edited; the message says why."""


class Document:
    """One document of a text that is being edited; line ends are line feeds."""

    def __init__(self, text: str, number: int) -> None:
        self.text = text
        self._number = number

    def find(self, path: Keys) -> tuple[Node, Node] | None:
        """Return the key and the value at a path; None if the text does not write it there. Raises EditError for an alias."""
        node = documents(self.text)[self._number]
        pair = None
        for key in path:
            if node.kind == "alias":
                raise EditError(f"its values come from the alias *{node.value}: edit them at &{node.value}")
            pair = node.get(key)
            if pair is None:
                return None
            node = pair[1]
        return pair

    def set(self, path: Keys, value: Any, before: Any = None) -> None:
        """Write a value at a path whose mapping exists; `before` is the present value. Only what differs is written. Raises EditError."""
        pair = self.find(path)
        if pair is None:
            self._add(path, value)
        elif isinstance(value, Mapping) and isinstance(before, Mapping) and value and _is_own(pair[1], "mapping"):
            for key, item in value.items():
                # As JSON, where false is not 0.
                if key not in before or canonical(before[key]) != canonical(item):
                    self.set((*path, key), item, before.get(key))
            # Last, because a mapping without any key would be null.
            for key in [key for key in before if key not in value]:
                self.remove((*path, key))
        else:
            self._replace(path, pair, value)

    def rename(self, path: Keys, key: str, value: Any) -> None:
        """Write another key and value at the place of a path. Raises EditError."""
        pair = self.find(path)
        if pair is not None:
            self._replace(path, pair, value)
            start, end = pair[0].start, pair[0].end
            self.text = apply_edits(self.text, [Edit(start, end, key)])

    def remove(self, path: Keys) -> None:
        """Remove a key that the text writes at this path; comments on its lines stay. Raises EditError."""
        pair = self.find(path)
        if pair is None:
            raise EditError(f"`{path[-1]}` comes from an alias")
        key, value = pair
        if any(node.anchor for node in value.walk()):
            raise EditError(f"`{path[-1]}` has an anchor, which other values use")
        mapping = self._mapping(path[:-1])
        self.text = apply_edits(self.text, [self._removal(mapping, key, value)])

    def _mapping(self, path: Keys) -> Node:
        pair = self.find(path)
        if pair is None or pair[1].kind != "mapping":
            raise EditError(f"`{path[-1]}` is not a mapping that the file writes there")
        return pair[1]

    def _removal(self, mapping: Node, key: Node, value: Node) -> Edit:
        if mapping.style:
            spans = units(self.text, mapping)
            number = next(number for number, span in enumerate(spans) if span[0] == key.start)
            if number + 1 < len(spans):
                return Edit(spans[number][0], spans[number + 1][0], "")
            return Edit(spans[number - 1][1] if number else spans[number][0], spans[number][1], "")
        start, end = line_start(self.text, key.start), value_end(self.text, key, value)
        indent = self.text[start : key.start]
        return Edit(start, end, "".join(f"{indent}{comment}\n" for comment in self._comments(start, end)))

    def _comments(self, start: int, end: int) -> list[str]:
        all_comments = comments(self.text, documents(self.text))
        return [comment.text for comment in all_comments if start <= comment.start < end]

    def _add(self, path: Keys, value: Any) -> None:
        mapping, key = self._mapping(path[:-1]), path[-1]
        if mapping.style:
            spans = units(self.text, mapping)
            entry = f"{scalar(key)}: {flow(value)}"
            position = spans[-1][1] if spans else self.text.index("{", mapping.start) + 1
            self.text = apply_edits(self.text, [Edit(position, position, f", {entry}" if spans else entry)])
            return
        first = mapping.pairs[0][0]
        column = first.start - line_start(self.text, first.start)
        above = [pair for pair in mapping.pairs if key_rank(pair[0].value) <= key_rank(key)]
        position = value_end(self.text, *above[-1]) if above else line_start(self.text, first.start)
        lines = "".join(f"{line}\n" for line in item_lines(key, value, column))
        if not self.text[:position].endswith("\n") and position:
            lines = f"\n{lines}"
        self.text = apply_edits(self.text, [Edit(position, position, lines)])

    def _replace(self, path: Keys, pair: tuple[Node, Node], value: Any) -> None:
        """Write a value in place of another one. Raises EditError."""
        key, old = pair
        if any(node.anchor for node in old.walk()):
            raise EditError(f"`{key.value}` has an anchor, which other values use")
        start = self.text.index(":", key.end) + 1
        is_block = old.style in {"|", ">"} or (bool(old.children) and not old.style)
        end = value_end(self.text, key, old) - 1 if is_block else max(old.end, start)
        if self._comments(start, end):
            raise EditError(f"there are comments within `{key.value}`, which would be lost")
        written = f" {flow(value)}"
        if not self._mapping(path[:-1]).style and not self.text[end : line_end(self.text, end)].strip():
            column = key.start - line_start(self.text, key.start)
            first, *others = item_lines(key.value, value, column)
            written = "\n".join([first.removeprefix(f"{' ' * column}{scalar(key.value)}:"), *others])
        self.text = apply_edits(self.text, [Edit(start, end, written)])


def _is_own(node: Node, kind: str) -> bool:
    """Return whether a node is written here, without the content of another one."""
    return node.kind == kind and bool(node.pairs) and not any(key.value == "<<" for key, _ in node.pairs)
