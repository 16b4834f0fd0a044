"""Texts that every database, and the headers of a message, can hold."""

from __future__ import annotations

import unicodedata

from beatsync.specfile.problems import SpecError

_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})


def storable(value: str) -> str:
    """Return a text that every database can store. Raises SpecError `text-character`."""
    if not value.isascii() or "\0" in value:
        for character in value:
            if character == "\0" or unicodedata.category(character) == "Cs":
                message = f"the character U+{ord(character):04X} cannot be stored in every database"
                raise SpecError("text-character", message)
    return value


def one_line(value: str) -> str:
    """Return a text that fits into the header of a message: one line, no control characters. Raises SpecError."""
    if not value.isprintable():
        for character in value:
            if unicodedata.category(character) in _CONTROL:
                raise SpecError("text-character", f"the character U+{ord(character):04X} cannot stand here")
    return value
