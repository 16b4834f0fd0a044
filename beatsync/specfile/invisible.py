"""Characters that a reader does not see: some turn the direction of text, or make two texts look the same."""

from __future__ import annotations

import unicodedata

_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that are invisible without being format characters."""
_JOINERS = frozenset("\u200c\u200d")


def is_invisible(text: str, index: int) -> bool:
    """Return whether the character at `index` is not visible. Inside a word, a joiner shapes Persian letters or an emoji."""
    character = text[index]
    if character in _JOINERS:
        return any(
            neighbour.isascii() for neighbour in (text[index - 1 : index] or " ", text[index + 1 : index + 2] or " ")
        )
    return character in _FILLERS or unicodedata.category(character) == "Cf"


def can_show(text: str, index: int) -> bool:
    """Return whether output can have the character at `index` as it is."""
    return (text[index].isprintable() or text[index] in _JOINERS) and not is_invisible(text, index)
