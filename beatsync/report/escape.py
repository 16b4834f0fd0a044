"""Escapes text for each place where a report is read: text from files and rows is hostile, and may hold secrets."""

from __future__ import annotations

import json

from beatsync.specfile.invisible import can_show
from beatsync.specfile.lines import LOG_COMMAND, line_start, one_line

__all__ = [
    "line_start", "markdown_code", "markdown_text", "one_line", "readable_json", "workflow_message", "workflow_property",
    "xml_attribute", "xml_text",
]  # fmt: skip

_MARKDOWN = frozenset("\\`*_[]<>|#~$&")


def readable_json(text: str) -> str:
    """Return lines of JSON with invisible characters, also those that turn the direction of text, as JSON escapes."""
    if "##" in text:
        text = LOG_COMMAND.sub(r"#\\u0023", text)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c == "\n" or can_show(text, index) else json.dumps(c)[1:-1] for index, c in enumerate(text))


def markdown_text(text: str) -> str:
    """Return Markdown that shows the text and mentions no user."""
    escaped = "".join(f"\\{c}" if c in _MARKDOWN else c for c in one_line(text))
    # GitHub notifies the person after an escaped @ as well, but not after one that a comment follows.
    return escaped.replace("@", "@<!-- -->")


def markdown_code(text: str) -> str:
    """Return the text as a Markdown code span; an empty text as two quotes, since an empty span is not rendered."""
    if not text:
        return '""'
    mark = "`"
    while mark in text:
        mark += "`"
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{mark}{padding}{one_line(text)}{padding}{mark}"


def workflow_message(text: str) -> str:
    """Return the message of a GitHub workflow command. Line breaks are kept: pass each line through `one_line` first."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """Return the value of a property of a GitHub workflow command."""
    return workflow_message(one_line(text)).replace(":", "%3A").replace(",", "%2C")


def xml_text(text: str) -> str:
    """Return the text of an XML element. Line breaks are kept: pass each line through `one_line` first."""
    from xml.sax.saxutils import escape  # imports urllib, which takes 15 ms

    return escape(text)


def xml_attribute(text: str) -> str:
    """Return an XML attribute's value with its quotes."""
    from xml.sax.saxutils import quoteattr

    return quoteattr(one_line(text))
