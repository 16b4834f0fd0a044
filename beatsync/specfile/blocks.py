"""A simple file as its schedules' texts, so that one which says what it said before is not parsed again.

A text says the same again where its path, what stands above all schedules (`defaults` among it) and the options are the same too: all
of that is in its digest. That the file may be taken to pieces at all is known of texts that stood in a file which was read line by
line (`beatsync.specfile.linereader`), where each line tells for itself what it is: pieces of such files make such files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from beatsync import __version__
from beatsync.specfile.parse import ParsedFile, ParseOptions
from beatsync.specfile.times import edition
from beatsync.values import SourceFile

_Value = TypeVar("_Value")
LENGTH = 16
"""Bytes of SHA-256 that a digest keeps: as hard to meet by chance as one text in 10**38."""
_LARGEST = 2_000_000
"""Bytes of a file that may be read line by line."""
_ENVIRONMENTS = re.compile(rb"\n +[\"']?(?:environments|only)\b")
"""The beginning of a line that gives a schedule environments, in a file that is read line by line."""
_HEAD = re.compile(rb"(?:\A|\n)schedules: *(?:#[^\n]*)?\n(?:(?: *(?:#[^\n]*)?\n)*)( +)(?=[^ #\n])")


class Blocks(NamedTuple):
    """The text of each schedule of a file, in order; together with the head they are the file."""

    head: bytes
    texts: tuple[bytes, ...]
    said: tuple[bytes, ...]
    """The digest of each."""
    indent: int

    def is_closed(self) -> bool:
        """Whether nothing but comments stands to the left of the schedules' names."""
        return not any(map(_left_of(self.indent).search, self.texts))


def cut(file: SourceFile, options: ParseOptions) -> Blocks | None:
    """Return a file's blocks; None where it does not look like a simple file."""
    data = file.data
    match = _HEAD.search(data) if len(data) <= _LARGEST else None
    if match is None:
        return None
    start, indent = match.start(1), len(match[1])
    parts = _between(indent).split(data[start:])
    texts = (*(part + b"\n" for part in parts[:-1]), parts[-1])
    # Another release or another edition of the zones' rules may make something else of the same text.
    context = "\0".join((__version__, edition(), options.timezone, options.environment or "", file.path, ""))
    base = hashlib.sha256(context.encode(errors="surrogateescape") + data[:start])
    said = []
    for text in texts:
        one = base.copy()
        one.update(text)
        said.append(one.digest()[:LENGTH])
    # A text that stands there twice declares a name twice, and that is to be said.
    return Blocks(data[:start], texts, tuple(said), indent) if len(set(said)) == len(said) else None


@lru_cache(maxsize=16)
def _between(indent: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n(?= {%d}[^ #\n])" % indent)


@lru_cache(maxsize=16)
def _left_of(indent: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n {0,%d}[^ #\n]" % (indent - 1))


def without(file: SourceFile, blocks: Blocks, known: Container[bytes]) -> tuple[SourceFile, Blocks, tuple[int, ...]]:
    """Return the file without the blocks whose digest is `known`, its blocks, and the line in the whole file where each begins."""
    parts, left = [blocks.head], []
    data, at = file.data, len(blocks.head)
    line, counted = 1, 0
    for text, said in zip(blocks.texts, blocks.said, strict=True):
        if said not in known:
            line, counted = line + data.count(b"\n", counted, at), at
            parts.append(text)
            left.append((text, said, line))
        at += len(text)
    texts, digests, lines = zip(*left, strict=True) if left else ((), (), ())
    return SourceFile(file.path, b"".join(parts)), Blocks(blocks.head, texts, digests, blocks.indent), lines


def replaced(parsed: ParsedFile, lines: tuple[int, ...]) -> ParsedFile:
    """Return what was parsed of a file without some of its blocks with the places that it has in the whole file."""
    places = [place._replace(line=line) for (_, place), line in zip(parsed.names, lines, strict=True)]
    schedules = zip(parsed.schedules, of_schedules(parsed, places), strict=True)
    return parsed._replace(
        schedules=tuple(one._replace(location=place) for one, place in schedules),
        names=tuple((name, place) for (name, _), place in zip(parsed.names, places, strict=True)),
    )


def of_schedules(parsed: ParsedFile, values: Sequence[_Value]) -> Sequence[_Value]:
    """Return of one value for each name those of the schedules: in an environment some names may declare none."""
    if len(parsed.names) == len(parsed.schedules):
        return values
    by_place = {place: value for (_, place), value in zip(parsed.names, values, strict=True)}
    return [by_place[one.location] for one in parsed.schedules]


def is_told_by(parsed: ParsedFile, blocks: Blocks) -> bool:
    """Whether each name of a parsed file declares what its block's text says, for itself and with nothing to be remarked on."""
    return parsed.is_simple and not parsed.diagnostics and len(parsed.names) == len(blocks.said) and blocks.is_closed()


def with_environments(file: SourceFile, known: Container[bytes], options: ParseOptions) -> Iterator[SourceFile]:
    """Yield each block that is `known` and may speak of environments as a file of its own."""
    blocks = cut(file, options) if _ENVIRONMENTS.search(file.data) else None
    if blocks is None:
        return
    for text, said in zip(blocks.texts, blocks.said, strict=True):
        if said in known and _ENVIRONMENTS.search(text):
            yield SourceFile(file.path, blocks.head + text)
