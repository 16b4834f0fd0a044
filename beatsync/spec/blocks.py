"""A simple file as its schedules' texts, so that one which says what it said before is not parsed again.

A text says the same again where its path, what stands above all schedules (`defaults` among it) and the options are the same too: all
of that is in its digest. That the file may be taken to pieces at all is known of texts that stood in a file which was read line by
line (`beatsync.spec.linereader`), where each line tells for itself what it is: pieces of such files make such files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from functools import lru_cache
from typing import NamedTuple

from beatsync import __version__
from beatsync.spec.parse import ParsedFile, ParseOptions
from beatsync.spec.times import edition
from beatsync.values import SourceFile

LENGTH = 16
"""Bytes of SHA-256 that a digest keeps: as hard to meet by chance as one text in 10**38."""
_LARGEST = 2_000_000
"""Bytes of a file that may be read line by line."""
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
    line = 1 + blocks.head.count(b"\n")
    for text, said in zip(blocks.texts, blocks.said, strict=True):
        if said not in known:
            parts.append(text)
            left.append((text, said, line))
        line += text.count(b"\n")
    texts, digests, lines = zip(*left, strict=True) if left else ((), (), ())
    return SourceFile(file.path, b"".join(parts)), Blocks(blocks.head, texts, digests, blocks.indent), lines


def replaced(parsed: ParsedFile, lines: tuple[int, ...]) -> ParsedFile:
    """Return what was parsed of a file without some of its blocks with the places that it has in the whole file."""
    places = [one.location._replace(line=line) for one, line in zip(parsed.schedules, lines, strict=True)]
    schedules = (one._replace(location=place) for one, place in zip(parsed.schedules, places, strict=True))
    names = ((name, place) for (name, _), place in zip(parsed.names, places, strict=True))
    return parsed._replace(schedules=tuple(schedules), names=tuple(names))


def is_told_by(parsed: ParsedFile, blocks: Blocks) -> bool:
    """Whether each schedule of a parsed file says what its block's text says, for itself and with nothing to be remarked on."""
    return (
        parsed.is_simple
        and not parsed.diagnostics
        and not parsed.environments
        and len(parsed.names) == len(parsed.schedules) == len(blocks.said)
        and blocks.is_closed()
    )
