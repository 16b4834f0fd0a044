"""YAML text → plain values, from PyYAML's own events: nothing is constructed, so nothing can be executed.

Plain text is read quickly (`linereader`, `plainreader`), anything else thoroughly; only when something is wrong the same text is
read again with the place of every node (FACTS 15). The places of schedules' names are always known.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from beatsync.spec.linereader import read_lines
from beatsync.spec.plainreader import Mark, NotPlain, Plain, read_plain
from beatsync.spec.problems import Path, Problem
from beatsync.spec.scalars import Ambiguous, plain
from beatsync.spec.secrets import is_secret

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 60
MAX_NODES = 2_000_000
"""Nodes of one file, an alias counting for all that it stands for."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)
}  # fmt: skip
_TOO_DEEP = f"this is nested more than {MAX_DEPTH} levels deep"
_CONFLICT = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)


class _Stop(Exception):  # noqa: N818  it ends a reading
    """Nothing more can be read of this file."""


@dataclass(slots=True)
class Reading:
    """What a text says: one value a document, where things stand, and what is wrong with it as YAML."""

    documents: list[Any] = field(default_factory=list)
    names: list[dict[str, Mark]] = field(default_factory=list)
    """For each document, where the names below its `schedules` stand."""
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_simple: bool = False
    """Whether it could be read line by line."""
    complete: bool = False
    """Whether the text was read to its end, so that its documents can be looked at even where there are problems."""

    def place(self, path: Path, *, on_key: bool = False) -> Mark:
        """Return the line and column of a path, or of the nearest node above it that has one."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            first, second = (self.keys, self.values) if on_key and length == len(path) else (self.values, self.keys)
            if part in first or part in second:
                return first.get(part) or second[part]
        return (1, 1)


def read(data: bytes, *, positions: bool = False) -> Reading:
    """Read one file; problems with the YAML itself are in the result."""
    reading = Reading()
    text = _decode(data, reading)
    if text is None:
        return reading
    # Without aliases a node takes a character or more.
    is_quick = not positions and len(text) <= MAX_NODES
    if is_quick and _takes(read_lines, text, reading):
        reading.is_simple = True
        return reading
    try:
        _check_characters(text, reading)
        if not is_quick or not _takes(read_plain, text, reading):
            _Builder(text, reading, positions=positions).run()
        reading.complete = True
    except _Stop:
        pass
    except RecursionError:
        reading.problems.append(Problem((), "yaml-depth", _TOO_DEEP, mark=(1, 1)))
    except yaml.MarkedYAMLError as error:
        reading.problems.append(_syntax(error, text))
    except yaml.YAMLError as error:
        reading.problems.append(Problem((), "yaml-syntax", f"this is not YAML: {error}".splitlines()[0], mark=(1, 1)))
    return reading


def _takes(reader: Callable[[str, int], Plain], text: str, reading: Reading) -> bool:
    """Let a quick reader read, and return whether it could."""
    try:
        reading.documents, reading.names = reader(text, MAX_DEPTH)
    except NotPlain:
        return False
    reading.complete = True
    return True


def _decode(data: bytes, reading: Reading) -> str | None:
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB"
        reading.problems.append(Problem((), "yaml-size", message, "split it", mark=(1, 1)))
        return None
    try:
        # The codec `utf-8-sig` is ten times slower than this.
        return data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        # What the error counts from is the text behind a byte order mark.
        mark = _behind(error.object[: error.start].decode())
        message = "the file is not UTF-8 text"
        reading.problems.append(Problem((), "yaml-encoding", message, "save it as UTF-8", mark=mark))
        return None


def _check_characters(text: str, reading: Reading) -> None:
    strange = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if strange is not None:
        message = f"the character U+{ord(strange[0]):04X} cannot stand in YAML"
        reading.problems.append(Problem((), "yaml-character", message, mark=_behind(text[: strange.start()])))
        raise _Stop


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """Say what is wrong and where it begins; both of PyYAML's loaders word it, and each in its own way."""
    message = " ".join(part for part in (error.context, error.problem) if part)
    if "maximum nesting" in message:
        # From PyYAML 6.0.4 on its scanner, which is ahead of the events, has a limit of its own.
        return Problem((), "yaml-depth", _TOO_DEEP, mark=_place(error.problem_mark))
    left = _CONFLICT.search(text)
    if left is not None:
        mark = _behind(text[: left.start()])
        return Problem((), "yaml-syntax", "a merge conflict of git is left in the file", "resolve it", mark=mark)
    place, begun = _place(error.problem_mark or error.context_mark), _place(error.context_mark)
    lines = text.splitlines()
    # What was opened and never closed is noticed far below, or at the file's end.
    if error.context_mark and (place[0] > len(lines) or "end of stream" in message):
        place = begun
    elif "flow" in message and begun[0] != place[0]:
        message += f"; it begins at {begun[0]}:{begun[1]}"
    if place[0] > len(lines):
        place = (len(lines), len(lines[-1]) + 1)
    line = lines[place[0] - 1]
    here = line[place[1] - 1 : place[1]]
    hint = None
    if "alias" in message and "*" in line:
        hint = 'a value that begins with * has to be quoted: "* * * * *"'
    elif "\t" in line[: place[1]]:
        hint = "YAML is indented with spaces, never with tabs"
    elif "cannot start any token" in message:
        hint = f"a value that begins with {here} has to be quoted" + (': "@daily"' if here == "@" else "")
    elif "mapping values are not allowed" in message:
        hint = "a text with a colon and a space in it has to be quoted"
    return Problem((), "yaml-syntax", f"this is not YAML: {message}", hint, mark=place)


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
            self._fail(event, "yaml-depth", _TOO_DEEP)
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
        raise _Stop


def _behind(before: str) -> Mark:
    """Return the place of what stands behind a text, its lines counted as YAML and excerpts count them: a lone CR ends one."""
    lines = f"{before}.".splitlines()
    return (len(lines), len(lines[-1]))


def _place(mark: yaml.Mark | None) -> Mark:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _mark(event: Any) -> Mark:
    return (event.start_mark.line + 1, event.start_mark.column + 1)


__all__ = ["Ambiguous", "Reading", "read"]
