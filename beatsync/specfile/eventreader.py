"""YAML text → plain values, from PyYAML's events: any YAML that is taken, where the quick readers take only plain text.

With positions the place of every node is kept; without, only those of schedules' names (FACTS 15).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from beatsync.specfile.plainreader import Mark
from beatsync.specfile.problems import Path, Problem
from beatsync.specfile.reading import MAX_DEPTH, MAX_NODES, TOO_DEEP, Reading, Stop
from beatsync.specfile.scalars import plain
from beatsync.specfile.secrets import is_secret

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)
}  # fmt: skip


def read_events(text: str, reading: Reading, *, positions: bool) -> None:
    """Read all documents of a text into `reading`. Raises Stop, RecursionError, yaml.YAMLError."""
    _Builder(text, reading, positions=positions).run()


class _Builder:
    """Turns the events of one text into values."""

    def __init__(self, text: str, reading: Reading, *, positions: bool) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._reading = reading
        self._positions = positions
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: set[str] = set()
        self._nodes = 0

    def run(self) -> None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                number = len(self._reading.documents)
                self._reading.names.append({})
                self._reading.documents.append(self._node(next(self._events), (number,)))

    def _node(self, event: Any, path: Path) -> Any:
        if self._positions:
            self._reading.values.setdefault(path, _mark(event))
        self._count(1, event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._nodes
        anchor = event.anchor
        if anchor is not None:
            self._open.add(anchor)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        elif len(path) > MAX_DEPTH:
            self._fail(event, "yaml-depth", TOO_DEEP)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "seq", path)
            value = self._sequence(path)
        else:
            self._check_tag(event, "map", path)
            value = self._mapping(path)
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = (value, self._nodes - before + 1)
        return value

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._fail(event, "yaml-size", f"the file holds more than {MAX_NODES} nodes, aliases written out")

    def _alias(self, event: Any, path: Path) -> Any:
        if event.anchor in self._open:
            self._fail(event, "yaml-alias", f"the alias *{event.anchor} stands inside what it refers to")
        if event.anchor not in self._anchors:
            # A secret that begins with a star, unquoted, is taken for an alias.
            name = "of this name" if is_secret(path) else f"&{event.anchor}"
            hint = 'the anchor comes first; a value that begins with * has to be quoted: "* * * * *"'
            self._fail(event, "yaml-alias", f"there is no anchor {name} above it in this document", hint)
        value, size = self._anchors[event.anchor]
        self._count(size, event)
        return value

    def _sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        marks: dict[str, Any] = {}
        again: dict[str, list[Any]] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            following = next(self._events)
            if key == "<<" and event.implicit[0]:
                self._merge(merged, self._node(following, (*path, key)), event)
                continue
            here = (*path, key)
            if key in own:
                again.setdefault(key, [marks[key]]).append(event)
                self._node(following, here)
                continue
            marks[key] = event
            if self._positions:
                self._reading.keys[here] = _mark(event)
            elif len(path) == 2 and path[1] == "schedules":  # noqa: PLR2004  document and `schedules`
                self._reading.names[-1][key] = _mark(event)
            own[key] = self._node(following, here)
        for key, events in again.items():
            self._given_again(key, (*path, key), [_mark(event) for event in events])
        return {**merged, **own} if merged else own

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._fail(
                event,
                "yaml-key",
                "a key has to be a string",
                "quote it; what holds {{ }} is a template to be rendered first",
            )
        value = self._scalar(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        if isinstance(value, str):
            return value
        self._reading.problems.append(
            Problem(
                path,
                "yaml-key",
                f"the key {event.value} is not a string",
                f'quote it: "{event.value}"',
                mark=_mark(event),
            )
        )
        return str(event.value)

    def _merge(self, merged: dict[str, Any], value: Any, event: Any) -> None:
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                self._fail(event, "yaml-merge", "<< takes a mapping or a list of mappings")
            for key, item in source.items():
                merged.setdefault(key, item)

    def _given_again(self, key: str, path: Path, marks: list[Mark]) -> None:
        for mark in marks:
            others = ", ".join(f"{line}:{column}" for line, column in marks if (line, column) != mark)
            message = f"the key {key!r} is given more than once; also at {others}"
            hint = "rename or remove one of them"
            self._reading.problems.append(Problem(path, "yaml-duplicate-key", message, hint, on_key=True, mark=mark))

    def _scalar(self, event: Any, path: Path) -> Any:
        text: str = event.value
        if event.tag is None or event.tag == "!":
            return plain(text) if event.implicit[0] else text
        kind = event.tag.removeprefix(_CORE)
        value = text if kind == "str" else plain(text)
        wanted = _TYPES.get(kind, ())
        if not wanted:
            self._refuse_tag(event, path)
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "bool"):
            self._fail(event, "yaml-tag", f"the value is no !!{kind}", "write the value without a tag")
        return value

    def _check_tag(self, event: Any, kind: str, path: Path) -> None:
        if event.tag not in {None, "!", _CORE + kind}:
            self._refuse_tag(event, path)

    def _refuse_tag(self, event: Any, path: Path) -> None:
        tag = event.tag.replace(_CORE, "!!", 1)
        # As with aliases: an unquoted secret may begin with an exclamation mark.
        if is_secret(path):
            self._fail(event, "yaml-tag", "this tag is not taken", "quote the value")
        self._fail(event, "yaml-tag", f"the tag {tag} is not taken", "write the value without a tag")

    def _fail(self, event: Any, code: str, message: str, hint: str | None = None) -> Any:
        self._reading.problems.append(Problem((), code, message, hint, mark=_mark(event)))
        raise Stop


def _mark(event: Any) -> Mark:
    return (event.start_mark.line + 1, event.start_mark.column + 1)
