r"""JSON's surrogate pairs (`"\ud83d\ude00"`) in the text of a file.

JSON writes a character beyond U+FFFF as two escapes, and YAML has no such escapes. libyaml refuses them, and the other loader of PyYAML
returns two halves. So each pair is replaced before the text is read, by as many characters, so that positions stay.
Whether it is an escape is known only afterwards: in double quotes it is, elsewhere it is plain text.
"""

from __future__ import annotations

import re

_PAIR = re.compile(r"(?<!\\)((?:\\\\){0,100})(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")
_LOWER, _UPPER = "\uf8e0", "\uf8e1"
"""Characters for private use, of which a text that is to be replaced must have none."""
_HIDDEN = re.compile(f"([{_LOWER}{_UPPER}]{{11}})(.)", re.DOTALL)


def hide_pairs(text: str) -> str:
    """Return the text with each pair replaced by eleven private characters, which keep its spelling, and the character itself."""
    if "\\u" not in text or _LOWER in text or _UPPER in text:
        return text
    return _PAIR.sub(_hidden, text)


def restore_pairs(value: str, *, quoted: bool) -> str:
    """Return a scalar of such a text as the file has it; `quoted` is whether it is in double quotes."""
    if _LOWER not in value and _UPPER not in value:
        return value
    return _HIDDEN.sub(_character if quoted else _spelled, value)


def _hidden(match: re.Match[str]) -> str:
    backslashes, pair = match.groups()
    high, low = int(pair[2:6], 16), int(pair[8:], 16)
    spelling = "".join(_UPPER if character.isupper() else _LOWER for character in pair[1:])
    return f"{backslashes}{spelling}{chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))}"


def _character(match: re.Match[str]) -> str:
    return match[2]


def _spelled(match: re.Match[str]) -> str:
    number = ord(match[2]) - 0x10000
    pair = f"u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
    spelled = (each.upper() if case == _UPPER else each for each, case in zip(pair, match[1], strict=True))
    return "\\" + "".join(spelled)
