"""YAML text → plain values, from PyYAML's events: no object is constructed, so no code of a file can run.

The reader records the positions of other nodes than the names of schedules only for the paths that it is asked for: a file with a
problem is read once more for them (docs/facts.md, 15).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn, Protocol

import yaml

from beatsync.specfile.limits import MAX_SHOWN, Problems
from beatsync.specfile.problems import Mark, Path, Problem, cut, others
from beatsync.specfile.scalars import Scalar, plain
from beatsync.specfile.secrets import is_secret
from beatsync.specfile.surrogates import hide_pairs, restore_pairs
from beatsync.specfile.yamltext import MAX_DEPTH, TOO_DEEP, InvalidYamlError, decode, position, syntax_problem

_MEMO_SIZE = 65_536
MAX_NODES = 150_000
"""Nodes of one file, which take two seconds; an alias counts as many nodes as its anchor."""
_CHARACTERS = 64
"""So many characters of a text count as one more node."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (float,), "bool": (bool,), "null": (type(None),)
}  # fmt: skip


@dataclass(slots=True)
class Reading:
    """The content of a text: one value per document, positions, and problems of the YAML itself."""

    documents: list[Any] = field(default_factory=list)
    names: list[dict[str, Mark]] = field(default_factory=list)
    """For each document, the positions of the keys of its `schedules`."""
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    complete: bool = False
    """Whether the text was read to its end, so that its documents can be checked in spite of problems."""

    def position(self, path: Path, *, on_key: bool = False) -> Mark:
        """Return the position of a path, or of the nearest node above it that has one."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            first, second = (self.keys, self.values) if on_key and length == len(path) else (self.values, self.keys)
            if part in first or part in second:
                return first.get(part) or second[part]
        return (1, 1)


class Positions(Protocol):
    """Decides which positions are recorded."""

    def __call__(self, path: Path) -> bool:
        """Return whether to record the position of a path. If not, nothing below it is recorded."""


def read(data: bytes, positions: Positions | None = None) -> Reading:
    """Read one file; problems with the YAML itself are in the result. `positions` decides which positions are recorded."""
    reading = Reading()
    text = ""
    try:
        text = decode(data)
        _Builder(text, reading, positions).run()
        reading.complete = True
    except InvalidYamlError as error:
        reading.problems.add([error.problem])
    except yaml.MarkedYAMLError as error:
        reading.problems.add([syntax_problem(error, text)])
    except yaml.YAMLError as error:
        reading.problems.add([Problem((), "yaml-syntax", f"this is not YAML: {error}".splitlines()[0], mark=(1, 1))])
    return reading


def _restoring(get_event: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that restores the surrogate pairs in the events of another one."""

    def restored() -> Any:
        event = get_event()
        if event.__class__ is yaml.ScalarEvent:
            event.value = restore_pairs(event.value, quoted=event.style == '"')
        return event

    return restored


class _Memo(dict[str, Scalar]):
    """The values of unquoted scalars, most of which occur many times."""

    def __missing__(self, text: str) -> Scalar:
        if len(self) >= _MEMO_SIZE:
            self.clear()
        value = self[text] = plain(text)
        return value


_memo = _Memo()


class _Frame:
    """A mapping or a list that is being read."""

    __slots__ = (
        "anchor", "is_mapping", "key", "marks", "merge_event", "merged", "nodes_before", "path", "repeated", "value"
    )  # fmt: skip

    def __init__(self, value: Any, anchor: str | None, nodes_before: int, path: Path | None) -> None:
        self.value = value
        self.path = path
        """Its path, if positions below it are recorded."""
        self.is_mapping = value.__class__ is dict
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.key: str | None = None if self.is_mapping else ""
        """The key whose value comes next; None if a key comes next. Of a list: an empty text."""
        self.marks: dict[str, Any] = {}
        """PyYAML's mark of each key."""
        self.repeated: dict[str, list[Any]] = {}
        """The marks of each key that occurs more than once."""
        self.merge_event: Any = None
        """The event of the key `<<` whose value comes next, if there is one."""
        self.merged: dict[str, Any] = {}
        """The content of the mappings that `<<` names."""


class _Builder:
    """Turns the events of one text into values. Raises InvalidYamlError, yaml.YAMLError."""

    def __init__(self, text: str, reading: Reading, positions: Positions | None) -> None:
        hidden = hide_pairs(text)
        self._get_event: Callable[[], Any] = _LOADER(hidden).get_event
        if hidden != text:
            self._get_event = _restoring(self._get_event)
        self._reading = reading
        self._positions = positions
        # The documents are read as the items of a list.
        self._frame = _Frame(reading.documents, None, 0, () if positions else None)
        self._frames = [self._frame]
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        """The value of each anchor and the number of its nodes."""

    def run(self) -> None:
        """Read all documents."""
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: lambda event: self._start_collection(event, {}, "map"),
            yaml.MappingEndEvent: self._end_mapping,
            yaml.SequenceStartEvent: lambda event: self._start_collection(event, [], "seq"),
            yaml.SequenceEndEvent: self._end_collection,
            yaml.DocumentStartEvent: self._start_document,
        }
        get_event, get_handler = self._get_event, handlers.get
        while (event := get_event()).__class__ is not yaml.StreamEndEvent:
            handler = get_handler(event.__class__)
            if handler is not None:
                handler(event)

    def _start_document(self, _event: Any) -> None:
        self._anchors.clear()
        self._reading.names.append({})

    def _scalar(self, event: Any) -> None:
        value = event.value
        if event.anchor is not None or event.tag is not None:
            value = self._special_scalar(event)
        elif event.implicit[0]:
            value = _memo[value]
        frame = self._frame
        if frame.key is None:
            self._key(frame, value, event)
        else:
            self._count(1 + len(event.value) // _CHARACTERS, event)
            self._add(value)

    def _special_scalar(self, event: Any) -> Any:
        """Return the value of a scalar with a tag or an anchor."""
        value = _memo[event.value] if event.implicit[0] else event.value
        if event.tag not in {None, "!"}:
            kind = event.tag.removeprefix(_CORE)
            types = _TYPES.get(kind)
            if types is None:
                self._refuse_tag(event)
            value = event.value if kind == "str" else plain(event.value)
            if kind == "float" and value.__class__ is int and abs(value) <= sys.float_info.max:
                value = float(value)
            if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
                self._fail(event, "yaml-tag", f"the value is not a !!{kind}", "write the value without a tag")
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1 + len(event.value) // _CHARACTERS)
        return value

    def _key(self, frame: _Frame, key: Any, event: Any) -> None:
        if key.__class__ is not str:
            self._report_key(event)
            key = event.value
        if key == "<<" and event.implicit[0]:
            frame.merge_event = event
        elif key in frame.marks:
            frame.repeated.setdefault(key, [frame.marks[key]]).append(event.start_mark)
        else:
            frame.marks[key] = event.start_mark
        frame.key = key
        if frame.path is not None and key not in frame.repeated and frame.merge_event is None:
            path = self._recorded_path()
            if path is not None:
                self._reading.keys[path] = position(event.start_mark)

    def _report_key(self, event: Any) -> None:
        if self._reading.problems.is_full("yaml-key"):
            self._reading.problems.count("yaml-key", 1)
            return
        text = cut(event.value)
        message, hint = f"the key {text} is not a string", f'quote it: "{text}"'
        problem = Problem(self._path(), "yaml-key", message, hint, mark=position(event.start_mark))
        self._reading.problems.add([problem])

    def _start_collection(self, event: Any, value: Any, kind: str) -> None:
        self._begin_value(event)
        if len(self._frames) > MAX_DEPTH:
            self._fail(event, "yaml-depth", TOO_DEEP)
        if event.tag is not None and event.tag not in {"!", _CORE + kind}:
            self._refuse_tag(event)
        self._frame = _Frame(value, event.anchor, self._nodes, self._recorded_path())
        self._frames.append(self._frame)

    def _end_mapping(self, event: Any) -> None:
        frame, document = self._frame, self._frames[1]
        if self._frames[2:] == [frame] and document.key == "schedules" and "schedules" not in document.value:
            self._reading.names[-1] = {key: position(mark) for key, mark in frame.marks.items()}
        if frame.repeated:
            self._report_repeated(frame.repeated)
        if frame.merged:
            frame.value = {**frame.merged, **frame.value}
        self._end_collection(event)

    def _end_collection(self, _event: Any) -> None:
        frame = self._frames.pop()
        self._frame = self._frames[-1]
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.value, self._nodes - frame.nodes_before + 1)
        self._add(frame.value)

    def _add(self, value: Any) -> None:
        """Add a finished value to the collection that is being read."""
        frame = self._frame
        if not frame.is_mapping:
            frame.value.append(value)
        elif frame.merge_event is not None:
            self._merge(frame, value)
        else:
            # The first value of a repeated key counts.
            frame.value.setdefault(frame.key, value)
            frame.key = None

    def _merge(self, frame: _Frame, value: Any) -> None:
        event, frame.merge_event, frame.key = frame.merge_event, None, None
        for mapping in value if isinstance(value, list) else [value]:
            if not isinstance(mapping, dict):
                self._fail(event, "yaml-merge", "<< takes a mapping or a list of mappings")
            for key, item in mapping.items():
                frame.merged.setdefault(key, item)

    def _alias(self, event: Any) -> None:
        self._begin_value(event)
        if any(frame.anchor == event.anchor for frame in self._frames):
            self._fail(event, "yaml-alias", f"the alias *{event.anchor} refers to a value that contains it")
        if event.anchor not in self._anchors:
            # A secret that begins with a star, unquoted, is read as an alias.
            name = "of this name" if is_secret(self._path()) else f"&{event.anchor}"
            hint = 'the anchor comes first; a value that begins with * has to be quoted: "* * * * *"'
            self._fail(event, "yaml-alias", f"there is no anchor {name} above it in this document", hint)
        value, size = self._anchors[event.anchor]
        self._count(size, event)
        self._add(value)

    def _begin_value(self, event: Any) -> None:
        """Count a node that cannot be a key."""
        if self._frame.key is None:
            hint = "quote it; if it is {{ }} of a template, render the template first"
            self._fail(event, "yaml-key", "a key has to be a string", hint)
        self._count(1, event)

    def _count(self, nodes: int, event: Any) -> None:
        """Count nodes up to the limit, and record the position of the one that begins."""
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._fail(event, "yaml-size", f"the file holds more than {MAX_NODES} nodes, aliases written out")
        path = self._recorded_path()
        if path is not None:
            self._reading.values.setdefault(path, position(event.start_mark))

    def _recorded_path(self) -> Path | None:
        """Return the path of the node that is being read if its position is recorded; otherwise None."""
        frame = self._frame
        if frame.path is None or self._positions is None:
            return None
        part = frame.key if frame.is_mapping else len(frame.value)
        path = frame.path if part is None else (*frame.path, part)
        return path if self._positions(path) else None

    def _path(self) -> Path:
        """Return the path of the node that is being read; between two keys, of their mapping."""
        parts = (frame.key if frame.is_mapping else len(frame.value) for frame in self._frames)
        return tuple(part for part in parts if part is not None)

    def _report_repeated(self, repeated: dict[str, list[Any]]) -> None:
        path = self._path()
        for key, marks in repeated.items():
            if self._reading.problems.is_full("yaml-duplicate-key"):
                self._reading.problems.count("yaml-duplicate-key", len(marks))
                continue
            places = [position(mark) for mark in marks]
            for place, (shown, more) in islice(zip(places, others(places), strict=True), MAX_SHOWN):
                listed = ", ".join(f"{line}:{column}" for line, column in shown) + (f" and {more} more" if more else "")
                message = f"the key {cut(repr(key))} occurs more than once; also at {listed}"
                hint = "rename or remove one of them"
                problem = Problem((*path, key), "yaml-duplicate-key", message, hint, on_key=True, mark=place)
                self._reading.problems.add([problem])
            self._reading.problems.count("yaml-duplicate-key", max(0, len(marks) - MAX_SHOWN))

    def _refuse_tag(self, event: Any) -> NoReturn:
        # As with aliases: an unquoted secret may begin with an exclamation mark.
        if is_secret(self._path()):
            self._fail(event, "yaml-tag", "this tag is not supported", "quote the value")
        tag = event.tag.replace(_CORE, "!!", 1)
        self._fail(event, "yaml-tag", f"the tag {tag} is not supported", "write the value without a tag")

    def _fail(self, event: Any, code: str, message: str, hint: str | None = None) -> NoReturn:
        raise InvalidYamlError(Problem((), code, message, hint, mark=position(event.start_mark)))
