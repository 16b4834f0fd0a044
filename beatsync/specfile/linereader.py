"""The simplest YAML → values, line by line and without YAML's parser: how nearly every spec file is written, read twice as fast.

Taken is only what each line tells for sure: `key: value`, `key:` and `- value` in blocks, where a value is a word or several, a
number, a quoted text without escapes, or a flat list or mapping of these. Whatever else stands in a text, and any doubt, leaves
all of it to YAML's own parser, which also says what is wrong. A test holds that the two never say different things.
"""

from __future__ import annotations

import re
from functools import cache
from string import ascii_letters
from typing import Any, Union

from beatsync.specfile.plainreader import Mark, NotPlain, Plain
from beatsync.specfile.scalars import WORDS, plain

_MAX_KEY = 200
_MEMO_SIZE = 16_384
_MEMO_LINE = 120
_LONG = 100

# All other characters but white space, ends of lines and byte order marks are as good as letters, and looked at as letters.
_OTHERS = r"[^\x00-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]"
_QUOTED = r"\"[ !#-\[\]-~]*\"|'[ -&(-~]*'"
# Within a plain scalar a colon counts before white space and a hash behind it; `-` begins one only before a word.
_WORD = r"[\w/.@+*,;=()<>&!?%$~^|-]+"
_PLAIN = rf"(?=[\w/.+=(~^$<]|-\w){_WORD}(?:(?: +|[:#]){_WORD})*"
# Inside brackets and braces more is a mark of YAML's own.
_BARE = r"(?=[\w/.]|-\w)[\w/.@+*=-]+(?: \w[\w/.@+*=-]*)*"
_ATOM = rf"(?:{_QUOTED}|{_BARE})"
_PAIR = rf"{_ATOM}: +{_ATOM}"
_FLOW = rf"\[ *(?:{_ATOM}(?:, *{_ATOM})*)? *\]|\{{ *(?:{_PAIR}(?:, *{_PAIR})*)? *\}}"
_KEY = rf"{_QUOTED}|\w[\w/.@-]*(?: \w[\w/.@-]*)*"
_LINE = re.compile(rf"( *)(?:({_KEY}):|-)(?: +({_PLAIN}|{_QUOTED}|{_FLOW}))?(?: +#[ -~]*)? *", re.ASCII)
_NOTHING = re.compile(r" *(?:#[ -~]*)?")
_ATOMS, _PAIRS = re.compile(_ATOM, re.ASCII), re.compile(rf"({_ATOM}): +({_ATOM})", re.ASCII)

_LETTERS = frozenset(ascii_letters)
_OPEN: Any = object()
"""The value of a key that is given none on its own line."""


_Token = tuple[int, Union[str, None], Any]
"""What one line says: its column, its key or None where it is an item of a list, and its value."""


class _Memo(dict[str, Union[_Token, None]]):
    """What lines say, None those that say nothing: half of the lines of many files are the same."""

    def __missing__(self, line: str) -> _Token | None:
        token = _token(line)
        # A long line is hardly ever another's, and many of them would be a lot of memory.
        if len(line) <= _MEMO_LINE:
            if len(self) >= _MEMO_SIZE:
                self.clear()
            self[line] = token
        return token


_memo = _Memo()


def read_lines(text: str, depth: int) -> Plain:  # noqa: C901, PLR0912  a call costs more than a line
    """Return the one document of a text, and where the names below its `schedules` stand (line and column from 1).

    Raises NotPlain; `depth` is how many levels may be nested. Values may be shared between documents, as those of aliases are:
    nobody may change one.
    """
    memo = _memo
    root: dict[str, Any] = {}
    places: dict[str, Mark] = {}
    names: dict[str, Any] | None = None
    above: list[tuple[Any, int]] = []
    inside: Any = root
    column, opened = 0, None
    for number, line in enumerate(text.split("\n"), 1):
        token = memo[line]
        if token is None:
            continue
        at, key, value = token
        if opened is not None:
            if at > column or (key is None and at == column):
                if len(above) + 2 > depth:
                    raise NotPlain
                made: Any = [] if key is None else {}
                inside[opened] = made
                if not above and opened == "schedules":
                    names = made
                above.append((inside, column))
                inside, column = made, at
            opened = None
        elif at > column:
            raise NotPlain
        # A list may stand in the same column as the key that it belongs to.
        while at < column or (key is not None and inside.__class__ is list):
            inside, column = above.pop()
        if at != column:
            raise NotPlain
        if key is None:
            if inside.__class__ is not list:
                raise NotPlain
            inside.append(value)
            continue
        if key in inside:
            raise NotPlain
        if value is _OPEN:
            opened, value = key, None
        inside[key] = value
        if inside is names:
            places[key] = (number, at + 1)
    if not root or (names is None and root.get("schedules") is not None):
        raise NotPlain
    return [root], [places]


def _token(line: str) -> _Token | None:
    shape = line if line.isascii() else _others().sub("a", line)
    match = _LINE.fullmatch(shape)
    if match is None:
        if _NOTHING.fullmatch(shape):
            return None
        raise NotPlain
    indent, key, value = match.groups()
    if shape is not line:
        key, value = _original(line, match, 2), _original(line, match, 3)
    if key is None:
        if value is None:
            raise NotPlain
    elif key[0] not in _LETTERS or key in WORDS or len(key) > _MAX_KEY:
        key = _key(key)
    if value is None:
        value = _OPEN
    elif value[0] in _LETTERS:
        value = WORDS.get(value, value)
    else:
        value = _flow(value, match[3]) if value[0] in "[{" else _atom(value)
    return len(indent), key, value


@cache
def _others() -> re.Pattern[str]:
    return re.compile(_OTHERS)


def _original(text: str, match: re.Match[str], group: int) -> Any:
    """Return what a group of a match with a text's shape was in the text itself."""
    start, end = match.span(group)
    return text[start:end] if end >= 0 else None


def _flow(text: str, shape: str) -> list[Any] | dict[str, Any]:
    if text[0] == "[":
        atoms = _ATOMS.findall(text) if text == shape else [_original(text, one, 0) for one in _ATOMS.finditer(shape)]
        return [_atom(atom) for atom in atoms]
    pairs = [(_original(text, one, 1), _original(text, one, 2)) for one in _PAIRS.finditer(shape)]
    made = {_key(key): _atom(value) for key, value in pairs}
    if len(made) != len(pairs):
        raise NotPlain
    return made


def _key(text: str) -> str:
    key = _atom(text)
    if key.__class__ is not str or len(text) > _MAX_KEY:
        raise NotPlain
    return key


def _atom(text: str) -> Any:
    if text[0] in "\"'":
        return text[1:-1]
    # The commonest that is no word; a long number and one that begins with 0 are for `plain` to think about.
    if text.isdecimal() and text.isascii() and text[0] != "0" and len(text) < _LONG:
        return int(text)
    return plain(text)
