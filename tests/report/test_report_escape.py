"""Hostile text from files and rows cannot leave the place where a report shows it."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from beatsync.report import escape

HOSTILE = "a\x1b[2Jb\r\n::error::c\u202ed`@ann` <!-- & \"q\" 'q' ]]> | % , :"


def test_a_line_has_no_character_that_moves_a_cursor_or_turns_text() -> None:
    assert escape.one_line(HOSTILE).isprintable()
    seen = "Zwölf ☕ क्\u200dष 👩\u200d💻"  # joiners inside a word shape letters and emoji
    assert escape.one_line(seen) == escape.readable_json(seen) == seen
    assert escape.one_line("a\u200db\n") == "a\\u200db\\n"


def test_readable_json_is_the_same_json() -> None:
    document = json.dumps({"text": HOSTILE}, indent=2, ensure_ascii=False)
    readable = escape.readable_json(document)
    assert json.loads(readable) == {"text": HOSTILE}
    assert readable.replace("\n", "").isprintable()


def test_markdown_text_has_no_markup_and_mentions_nobody() -> None:
    assert escape.markdown_text("*a* [b](c) <d>") == r"\*a\* \[b\](c) \<d\>"
    assert escape.markdown_text("@ann") == "@<!-- -->ann"


@pytest.mark.parametrize(
    ("text", "span"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("", '""'), ("a\nb", r"`a\nb`")],
)
def test_a_code_span_ends_where_the_text_ends(text: str, span: str) -> None:
    assert escape.markdown_code(text) == span


def test_a_workflow_command_stays_one_line() -> None:
    assert escape.workflow_message("a%0A\r\nb") == "a%250A%0D%0Ab"
    assert escape.workflow_property("a,b:c\nd") == r"a%2Cb%3Ac\nd"


def test_xml_holds_any_text() -> None:
    text, attribute = escape.xml_text(escape.one_line(HOSTILE)), escape.xml_attribute(HOSTILE)
    element = ET.fromstring(f"<e name={attribute}>{text}</e>")
    assert element.text == element.get("name") == escape.one_line(HOSTILE)
