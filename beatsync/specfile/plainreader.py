"""Plain YAML text → values, in one loop over libyaml's events: by far the commonest file, and so read three times faster.

Whatever is not plain (anchors, tags, merge keys, keys given twice, what is too deep or too large) is left to the reader that
can say what is wrong with it and where.
"""

from __future__ import annotations

from typing import Any

import yaml

from beatsync.specfile.scalars import Scalar, plain

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MEMO_SIZE = 65_536
Mark = tuple[int, int]
Plain = tuple[list[Any], list[dict[str, Mark]]]


class NotPlain(Exception):  # noqa: N818  no error: the other reader's turn
    """The text has to be read by the thorough reader."""


class _Memo(dict[str, Scalar]):
    """What an unquoted scalar means; a dict that asks only for what it does not know yet, since most are seen again."""

    def __missing__(self, text: str) -> Scalar:
        if len(self) >= _MEMO_SIZE:
            self.clear()
        value = self[text] = plain(text)
        return value


_memo = _Memo()


def read_plain(text: str, depth: int) -> Plain:  # noqa: C901, PLR0912, PLR0915  a call costs more than a node
    """Return the documents of a text and, for each, where the names below its `schedules` stand (line and column from 1).

    Raises NotPlain, and `yaml.YAMLError` where it is no YAML; `depth` is how many levels may be nested.
    """
    # One loop and no calls: it runs once for every node of every file.
    get = _LOADER(text).get_event
    scalar, mapping, sequence, memo = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent, _memo
    mapping_end, sequence_end, stream_end = yaml.MappingEndEvent, yaml.SequenceEndEvent, yaml.StreamEndEvent
    documents: list[Any] = []
    places: list[dict[str, Mark]] = []
    above: list[tuple[Any, bool, dict[str, Mark] | None]] = []
    inside: Any = None
    in_mapping, key = False, None
    names: dict[str, Mark] | None = None
    """Not None below `schedules`."""
    while True:
        event = get()
        kind = event.__class__
        if kind is scalar:
            if event.anchor is not None or event.tag is not None:
                raise NotPlain
            value = event.value
            if event.implicit[0]:
                value = memo[value]
            if not in_mapping:
                if inside is None:
                    documents.append(value)
                    places.append({})
                else:
                    inside.append(value)
            elif key is not None:
                inside[key] = value
                key = None
            else:
                if value.__class__ is not str or value in inside or (value == "<<" and event.implicit[0]):
                    raise NotPlain
                key = value
                if names is not None and len(above) == 2:  # noqa: PLR2004  document, `schedules`, name
                    mark = event.start_mark
                    names[key] = (mark.line + 1, mark.column + 1)
        elif kind is mapping or kind is sequence:
            if event.anchor is not None or event.tag is not None or len(above) >= depth:
                raise NotPlain
            made: Any = {} if kind is mapping else []
            above.append((inside, in_mapping, names))
            if in_mapping:
                if key is None:
                    raise NotPlain
                inside[key] = made
                if len(above) == 2 and key == "schedules":  # noqa: PLR2004
                    names = places[-1]
            elif inside is not None:
                inside.append(made)
            else:
                documents.append(made)
                places.append({})
            inside, in_mapping, key = made, kind is mapping, None
        elif kind is mapping_end or kind is sequence_end:
            inside, in_mapping, names = above.pop()
            key = None
        elif kind is stream_end:
            return documents, places
        elif kind is yaml.AliasEvent:
            raise NotPlain
