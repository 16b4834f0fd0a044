"""The bytes of a file → text that YAML allows."""

from __future__ import annotations

from codecs import BOM_UTF8

import yaml

from beatsync.specfile.problems import Problem
from beatsync.specfile.syntax import position_after

MAX_BYTES = 5 * 1024 * 1024


class InvalidYamlError(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def decode(data: bytes) -> str:
    """Return the text of a file. Raises InvalidYamlError if it is too large, not UTF-8, or holds a control character."""
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB"
        raise InvalidYamlError(Problem((), "yaml-size", message, "split it", mark=(1, 1)))
    try:
        # The codec `utf-8-sig` is ten times slower.
        text = data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        # The error counts from the text behind a byte order mark.
        mark = position_after(error.object[: error.start].decode())
        message = "the file is not UTF-8 text"
        raise InvalidYamlError(Problem((), "yaml-encoding", message, "save it as UTF-8", mark=mark)) from None
    strange = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if strange is not None:
        message = f"the character U+{ord(strange[0]):04X} cannot stand in YAML"
        raise InvalidYamlError(Problem((), "yaml-character", message, mark=position_after(text[: strange.start()])))
    return text
