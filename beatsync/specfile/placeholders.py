"""Placeholders for what an export or an import must not write or cannot know: secrets, and the names of tasks.

`validate` refuses a file until a person has replaced them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from types import NoneType
from typing import Any, Final

from beatsync.specfile.problems import Path
from beatsync.specfile.shapes import MASK, decode_container, hidden_keys, hidden_positions, mask_text

SECRET: Final = "<fill-in:secret>"  # noqa: S105  the opposite of one
TASK: Final = "<fill-in:task>"
PLACEHOLDER_START: Final = "<fill-in:"
_PLACEHOLDER: Final = re.compile(r"<fill-in:[a-z]+>")


def find_placeholder(text: str) -> str | None:
    """Return the first placeholder in a text."""
    match = _PLACEHOLDER.search(text)
    return match and match[0]


def placeholders(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the path of each text with a placeholder in a value of a file at `path`, keys of mappings included, and the placeholder."""
    if isinstance(value, str):
        if placeholder := find_placeholder(value):
            yield path, placeholder
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from placeholders(key, path)
            yield from placeholders(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from placeholders(item, (*path, index))


def replace_secrets(value: Any, path: str = "", sensitive: Collection[str] = ()) -> Any:
    """Return a JSON value with a placeholder for each secret in it; `sensitive` holds dotted paths, and `path` is that of the value."""
    if path in sensitive and not isinstance(value, (bool, NoneType)):
        return SECRET
    if isinstance(value, str):
        return _replace_in_text(value)
    if isinstance(value, Mapping):
        hidden = hidden_keys(value)
        return {
            _replace_in_text(key): _replace_item(item, key in hidden, f"{path}.{key}", sensitive)
            for key, item in value.items()
        }
    if isinstance(value, list):
        positions = hidden_positions(value)
        return [_replace_item(item, at in positions, f"{path}.{at}", sensitive) for at, item in enumerate(value)]
    return value


def _replace_item(item: Any, is_hidden: bool, path: str, sensitive: Collection[str]) -> Any:
    is_secret = is_hidden and not isinstance(item, (bool, NoneType))
    return SECRET if is_secret else replace_secrets(item, path, sensitive)


def _replace_in_text(text: str) -> str:
    """Return a text with a placeholder for each secret in it; all of it is one if the rest could not be restored by hand."""
    masked = mask_text(text)
    if masked == text:
        return text
    pieces = masked.split(MASK)
    is_restorable = (
        MASK not in text
        and decode_container(text) is None
        and re.fullmatch(".+?".join(map(re.escape, pieces)), text, re.DOTALL)
    )
    return SECRET.join(pieces) if is_restorable else SECRET
