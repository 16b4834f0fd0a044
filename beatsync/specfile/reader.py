"""YAML text → plain values, from PyYAML's own events: nothing is constructed, so nothing can be executed.

Plain text is read quickly (`linereader`, `plainreader`), anything else thoroughly; only when something is wrong the same text is
read again with the place of every node (FACTS 15). The places of schedules' names are always known.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable

import yaml

from beatsync.specfile.eventreader import read_events
from beatsync.specfile.linereader import read_lines
from beatsync.specfile.plainreader import NotPlain, Plain, read_plain
from beatsync.specfile.problems import Problem
from beatsync.specfile.reading import MAX_BYTES, MAX_DEPTH, MAX_NODES, TOO_DEEP, Reading, Stop
from beatsync.specfile.syntax import behind, syntax


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
            read_events(text, reading, positions=positions)
        reading.complete = True
    except Stop:
        pass
    except RecursionError:
        reading.problems.append(Problem((), "yaml-depth", TOO_DEEP, mark=(1, 1)))
    except yaml.MarkedYAMLError as error:
        reading.problems.append(syntax(error, text))
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
        mark = behind(error.object[: error.start].decode())
        message = "the file is not UTF-8 text"
        reading.problems.append(Problem((), "yaml-encoding", message, "save it as UTF-8", mark=mark))
        return None


def _check_characters(text: str, reading: Reading) -> None:
    strange = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if strange is not None:
        message = f"the character U+{ord(strange[0]):04X} cannot stand in YAML"
        reading.problems.append(Problem((), "yaml-character", message, mark=behind(text[: strange.start()])))
        raise Stop
