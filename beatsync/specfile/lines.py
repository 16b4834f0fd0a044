"""Text from files and rows on a line of output: it is hostile, and may hold secrets."""

from __future__ import annotations

import re

from beatsync.specfile.invisible import can_show
from beatsync.specfile.shapes import mask_text

LOG_COMMAND = re.compile(r"##(?=\w*\[)")
"""The start of a command that GitHub (`##[group]`) and Azure (`##vso[task…]`) look for anywhere in a line of output."""


def one_line(text: str) -> str:
    """Return the text without secrets, and with every character as an escape that could move a cursor or start a line."""
    text = mask_text(text)
    if "##" in text:
        text = LOG_COMMAND.sub(r"#\\x23", text)
    if text.isprintable():
        return text
    return "".join(
        c if can_show(text, index) else c.encode("unicode_escape", "backslashreplace").decode()
        for index, c in enumerate(text)
    )


def line_start(text: str) -> str:
    """Return the text for the start of a line, where GitHub looks for `::command::`, also after white space."""
    text = one_line(text)
    return text.replace(":", r"\x3a", 1) if text.lstrip().startswith("::") else text
