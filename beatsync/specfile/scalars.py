"""Unquoted YAML scalars → values. A scalar that YAML 1.1 would silently convert is `Ambiguous`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """An unquoted scalar that people and YAML read differently: `no`, `12:30`, `010`, `1_000`, `.inf`, a number of 1,001 digits."""

    text: str
    truth: bool | None = None
    """The boolean that `yes`, `no`, `on` and `off` mean in YAML 1.1; None for any other text."""


Scalar = Union[str, int, float, bool, None, Ambiguous]

WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{word: Ambiguous(word, truth=True) for word in ("yes", "Yes", "YES", "on", "On", "ON")},
    **{word: Ambiguous(word, truth=False) for word in ("no", "No", "NO", "off", "Off", "OFF")},
}
_MAX_DIGITS = 1_000
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_AMBIGUOUS = re.compile(
    r"[-+]?(?:0[0-9_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+"
    r"|(?=.*_)(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]*[0-9][0-9_]*)(?:[eE][-+]?[0-9_]+)?"
    r"|[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_LONG_NUMBER = re.compile(r"[-+]?\.?[0-9][-+0-9._:eE]*")
"""Beyond the limit one simple pattern decides: the others may take time that grows with the square of the length."""


def plain(text: str) -> Scalar:
    """Return the value of an unquoted scalar. One that begins with a letter is one of `WORDS` or plain text."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if len(text) > _MAX_DIGITS:
        return Ambiguous(text) if _LONG_NUMBER.fullmatch(text) else text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return Ambiguous(text) if _AMBIGUOUS.fullmatch(text) else text
